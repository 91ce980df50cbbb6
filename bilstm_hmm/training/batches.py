"""Which clips go into which batch of an epoch, and what their classes weigh."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bilstm_hmm.arrays import FloatArray, Indices
from bilstm_hmm.training.examples import Examples


@dataclass(frozen=True, slots=True)
class Batch:
    """The clips of one optimisation step.

    `frames` are float32 ``[T, F]``, one array a clip, `targets` float32 ``[B, C]`` (one-hot, or
    mixed), `weights` float32 ``[B]``, `masks` float32 ``[B, C]``: 1 for the emotions that take part
    in the loss of a clip; None where all do. `encoder` are float32 ``[T', P]``, one array a clip:
    what an encoder gives at each time step of the network's output; None where none is learned.
    """

    frames: tuple[FloatArray, ...]
    targets: FloatArray
    weights: FloatArray
    masks: FloatArray | None = None
    encoder: tuple[FloatArray, ...] | None = None


def bucket_batches(
    lengths: Sequence[int], batch_size: int, rng: np.random.Generator | None = None
) -> list[Indices]:
    """Return batches of like length; with `rng`, lengths are jittered and the batches shuffled.

    Every index comes exactly once. The jitter, of a tenth of each length, keeps the batches
    from being the same in every epoch.
    """
    keys = np.asarray(lengths, dtype=np.float64)
    if rng is not None:
        keys = keys * rng.uniform(0.9, 1.1, len(keys))
    batches = _split(np.argsort(keys, kind="stable"), batch_size)
    if rng is not None:
        batches = [batches[i] for i in rng.permutation(len(batches))]
    return batches


def random_batches(count: int, batch_size: int, rng: np.random.Generator) -> list[Indices]:
    """Deal `count` indices into batches by chance, whatever their lengths; each comes once."""
    return _split(rng.permutation(count), batch_size)


def _split(order: Indices, batch_size: int) -> list[Indices]:
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]


def sample_clips(
    examples: Examples, indices: Indices, most: int | None, rng: np.random.Generator
) -> Indices:
    """Return the clips of an epoch, ascending: at random, up to `most` of each speaker.

    A speaker of thousands of clips would otherwise outweigh a hundred of a few.
    """
    if most is None:
        return indices
    counts: Counter[str] = Counter()
    sample = []
    for index in rng.permutation(indices):
        speaker = examples.clips[int(index)].speaker
        counts[speaker] += 1
        if counts[speaker] <= most:
            sample.append(index)
    return np.sort(np.array(sample, dtype=np.intp))


def class_weights(labels: Indices, n_classes: int) -> FloatArray:
    """Return weights inverse to class frequency, one on average over the clips."""
    counts = np.bincount(labels, minlength=n_classes)
    weights = len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return weights.astype(np.float32)
