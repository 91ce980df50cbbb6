"""What the HMMs see of the network: frame logits, or hidden states through a linear projection.

The hidden states of two networks are not comparable, but the HMMs are fitted on those of the
inner folds' networks and used on those of the final one. So each inner network is aligned
first: a ridge regression takes its hidden states to the final network's, on clips that the inner
network was trained on, and is then applied to the clips that the inner network has not seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.config.schema import HmmSettings
from bilstm_hmm.network.outputs import NetworkOutput

FloatMatrix = NDArray[np.float64]

_RIDGE = 1.0


@dataclass(frozen=True, slots=True)
class Projection:
    """An affine map of hidden states ``[H]`` or frame logits ``[C]`` to HMM input ``[D]``.

    `offset` is ``[D]``, `matrix` ``[H or C, D]``; `of_logits` tells which.
    """

    matrix: FloatMatrix
    offset: FloatMatrix
    of_logits: bool


def project(projection: Projection, outputs: NetworkOutput) -> FloatMatrix:
    """Return the HMM input of a recording, ``[T, D]``."""
    source = outputs.frame_logits if projection.of_logits else outputs.hidden
    return source.astype(np.float64) @ projection.matrix + projection.offset


def fit_projection(
    sequences: Sequence[NDArray[np.floating]],
    labels: NDArray[np.intp],
    n_classes: int,
    settings: HmmSettings,
) -> Projection:
    """Fit the projection on out-of-fold frames: centred logits, LDA or whitened PCA.

    Parameters
    ----------
    sequences
        Frame logits ``[T, C]`` for ``logits``, aligned hidden states ``[T, H]`` otherwise.
    labels
        The class of each sequence.

    Notes
    -----
    LDA keeps at most one dimension less than there are classes. Both LDA and PCA are
    scikit-learn's; what is kept of them is one matrix and one vector.
    """
    frames = np.concatenate(list(sequences)).astype(np.float64)
    if settings.input == "logits":
        # Adding a constant to all logits changes no posterior, so that direction is dropped.
        matrix = np.eye(n_classes) - 1.0 / n_classes
        basis = np.linalg.svd(matrix)[0][:, : max(1, n_classes - 1)]
        spread = np.maximum((frames @ basis).std(axis=0), 1e-6)
        scaled = basis / spread
        return Projection(scaled, -frames.mean(axis=0) @ scaled, of_logits=True)
    if settings.input == "pca":
        return _pca(frames, settings.dimensions or 16)
    classes = np.repeat(labels, [len(s) for s in sequences])
    return _lda(frames, classes, min(settings.dimensions or n_classes - 1, n_classes - 1))


def _pca(frames: FloatMatrix, dimensions: int) -> Projection:
    from sklearn.decomposition import PCA

    fitted = PCA(min(dimensions, *frames.shape), svd_solver="full").fit(frames)
    matrix = fitted.components_.T / np.sqrt(np.maximum(fitted.explained_variance_, 1e-10))
    return Projection(matrix, -fitted.mean_ @ matrix, of_logits=False)


def _lda(frames: FloatMatrix, classes: NDArray[np.intp], dimensions: int) -> Projection:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    fitted = LinearDiscriminantAnalysis(
        solver="eigen", shrinkage=1e-3, n_components=max(1, dimensions)
    ).fit(frames, classes)
    matrix = fitted.scalings_[:, : max(1, dimensions)]
    return Projection(matrix, -frames.mean(axis=0) @ matrix, of_logits=False)


def fit_alignment(source: Sequence[NetworkOutput], target: Sequence[NetworkOutput]) -> Projection:
    """Return the map from one network's hidden states to another's, on the same clips.

    Ridge regression; `source` and `target` are the two networks' outputs clip by clip.
    """
    x = np.concatenate([o.hidden for o in source]).astype(np.float64)
    y = np.concatenate([o.hidden for o in target]).astype(np.float64)
    x_mean, y_mean = x.mean(axis=0), y.mean(axis=0)
    centred = x - x_mean
    gram = centred.T @ centred + _RIDGE * np.eye(x.shape[1])
    matrix = np.linalg.solve(gram, centred.T @ (y - y_mean))
    return Projection(matrix, y_mean - x_mean @ matrix, of_logits=False)
