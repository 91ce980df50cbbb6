"""Which recordings are of one voice, by their sound alone.

What recordings sound like differs by emotion as much as by voice. So what goes with the emotions
that the model finds in them is taken out first, from what is clustered and from what is then known
of each cluster; otherwise clusters are emotions, and normalising by them takes the emotion away.

Clustering is agglomerative, by Ward's criterion (1963) with the nearest-neighbour chain (Murtagh,
1983), in time that grows with the square of the number of recordings.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.arrays import FloatArray, FloatMatrix, Indices
from bilstm_hmm.features.extraction.normalise import FeatureStatistics
from bilstm_hmm.features.extraction.voice_statistics import FrameMoments

#: Up to which Ward distance recordings are taken for one voice (docs/guide/voices.md).
THRESHOLD = 1.0
#: So many recordings count for no difference between emotions.
_RIDGE = 3.0
#: Recordings whose distances are held at once, 32 MB; more are clustered in parts.
MAX_TOGETHER = 2000


def without_emotion(
    recordings: Sequence[FrameMoments], probabilities: Sequence[FloatMatrix | None]
) -> list[FrameMoments]:
    """Return moments of recordings whose means have nothing in common with the emotions in them.

    A ridge regression of the means on the probabilities of the emotions, of these recordings.

    Parameters
    ----------
    recordings
        Moments of V views of F features.
    probabilities
        ``[E]`` of each recording; None where they are not known, and it stays as it is.
    """
    known = [index for index, row in enumerate(probabilities) if row is not None]
    if not known:
        return list(recordings)
    shares = np.stack([row for row in probabilities if row is not None])
    shares = shares - shares.mean(axis=0)
    means = np.stack([recordings[index].mean.ravel() for index in known])
    gram = shares.T @ shares + _RIDGE * np.eye(shares.shape[1])
    slopes = np.linalg.solve(gram, shares.T @ (means - means.mean(axis=0)))
    adjusted = list(recordings)
    for index, mean in zip(known, means - shares @ slopes, strict=True):
        shape = recordings[index].mean.shape
        adjusted[index] = replace(recordings[index], mean=mean.reshape(shape))
    return adjusted


def voice_vectors(recordings: Sequence[FrameMoments], statistics: FeatureStatistics) -> FloatArray:
    """Return what recordings are told apart by: the means of their features, standardised.

    Parameters
    ----------
    recordings
        Moments of V views of F features.
    statistics
        Of the training frames.

    Returns
    -------
    float32 ``[N, F]``, in the unit in which any number of features gives the same distances.
    """
    means = np.stack([moments.mean.mean(axis=0) for moments in recordings])
    scaled = (means - statistics.mean) / statistics.std / np.sqrt(means.shape[1])
    vectors: FloatArray = scaled.astype(np.float32)
    return vectors


def cluster(vectors: FloatArray, threshold: float) -> Indices:
    """Return the number of the cluster of each vector, ``[N]``, in the order of appearance.

    Parameters
    ----------
    vectors
        ``[N, F]``.
    threshold
        Clusters are merged as long as Ward's distance between two of them, the square root of
        twice the growth of the sum of squares, is at most so much.
    """
    centres: FloatMatrix = vectors.astype(np.float64)
    weights: FloatMatrix = np.ones(len(vectors))
    labels = np.arange(len(vectors))
    while len(centres):
        parts = [
            slice(first, first + MAX_TOGETHER) for first in range(0, len(centres), MAX_TOGETHER)
        ]
        found: list[Indices] = []
        for part in parts:
            offset = 0 if not found else int(found[-1].max()) + 1
            found.append(offset + _cluster_part(centres[part], weights[part], threshold))
        merged = np.concatenate(found)
        n_before, labels = len(centres), merged[labels]
        sums = np.zeros((int(merged.max()) + 1, vectors.shape[1]))
        np.add.at(sums, merged, centres * weights[:, None])
        weights = np.bincount(merged, weights).astype(np.float64)
        centres = sums / weights[:, None]
        if len(parts) == 1 or len(centres) == n_before:
            break
    return labels


def _cluster_part(centres: FloatMatrix, weights: FloatMatrix, threshold: float) -> Indices:
    """Cluster weighted centres, all at once; numbered in the order of appearance."""
    n = len(centres)
    distances = _ward_distances(centres, weights)
    sizes, alive = weights.copy(), np.ones(n, np.bool_)
    parent = np.arange(n)
    chain: list[int] = []
    merges: list[tuple[float, int, int]] = []
    for _ in range(n - 1):
        if not chain:
            chain.append(int(np.flatnonzero(alive)[0]))
        while True:
            last = chain[-1]
            nearest = int(distances[last].argmin())
            # Of equal ones the one before, so that the chain ends.
            if len(chain) > 1 and distances[last, chain[-2]] <= distances[last, nearest]:
                nearest = chain[-2]
                break
            chain.append(nearest)
        del chain[-2:]
        merges.append((float(distances[last, nearest]), last, nearest))
        _merge(distances, sizes, alive, last, nearest)
    # A merge has no smaller distance than those within it, so that their order does not matter.
    for distance, one, other in merges:
        if distance <= threshold**2:
            parent[_root(parent, other)] = _root(parent, one)
    roots = np.array([_root(parent, index) for index in range(n)])
    _, first, inverse = np.unique(roots, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))
    numbered: Indices = order[inverse]
    return numbered


def _ward_distances(centres: FloatMatrix, weights: FloatMatrix) -> FloatMatrix:
    """Squared Ward distances between all pairs; infinite of each to itself."""
    norms = np.einsum("nf,nf->n", centres, centres)
    squared = np.maximum(norms[:, None] + norms - 2.0 * centres @ centres.T, 0.0)
    distances: FloatMatrix = (
        2.0 * squared * (weights[:, None] * weights / (weights[:, None] + weights))
    )
    np.fill_diagonal(distances, np.inf)
    return distances


def _merge(
    distances: FloatMatrix, sizes: FloatMatrix, alive: NDArray[np.bool_], kept: int, gone: int
) -> None:
    """Let one cluster take in another: the recurrence of Lance and Williams (1967)."""
    a, b, between = sizes[kept], sizes[gone], distances[kept, gone]
    alive[gone] = False
    others = np.flatnonzero(alive)
    others = others[others != kept]
    c = sizes[others]
    updated = (
        (a + c) * distances[kept, others] + (b + c) * distances[gone, others] - c * between
    ) / (a + b + c)
    distances[kept, others] = distances[others, kept] = updated
    distances[gone] = distances[:, gone] = np.inf
    sizes[kept] = a + b


def _root(parent: Indices, index: int) -> int:
    while parent[index] != index:
        parent[index] = parent[parent[index]]
        index = int(parent[index])
    return index
