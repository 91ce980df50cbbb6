"""Batches of clips, of like length or drawn by chance, made ahead of time."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.features.frames import FloatArray

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Batch:
    """The clips that one optimisation step sees.

    `frames` are float32 ``[T, F]``, one array a clip, `targets` float32 ``[B, C]`` (one-hot, or
    mixed), `weights` float32 ``[B]``.
    """

    frames: tuple[FloatArray, ...]
    targets: FloatArray
    weights: FloatArray


def bucket_batches(
    lengths: Sequence[int], batch_size: int, rng: np.random.Generator | None = None
) -> list[NDArray[np.intp]]:
    """Group indices by length; with `rng`, lengths are jittered and the groups shuffled.

    Every index comes exactly once. The jitter, of a tenth of each length, keeps the groups
    from being the same in every epoch.
    """
    keys = np.asarray(lengths, dtype=np.float64)
    if rng is not None:
        keys = keys * rng.uniform(0.9, 1.1, len(keys))
    order = np.argsort(keys, kind="stable")
    groups = _split(order, batch_size)
    if rng is not None:
        groups = [groups[i] for i in rng.permutation(len(groups))]
    return groups


def random_batches(count: int, batch_size: int, rng: np.random.Generator) -> list[NDArray[np.intp]]:
    """Deal `count` indices into batches by chance, whatever their lengths; each comes once."""
    return _split(rng.permutation(count), batch_size)


def _split(order: NDArray[np.intp], batch_size: int) -> list[NDArray[np.intp]]:
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]


def prefetch(
    make: Callable[[NDArray[np.intp]], T], groups: Sequence[NDArray[np.intp]], jobs: int
) -> Iterator[T]:
    """Yield ``make(group)`` in order, made ahead of time by `jobs` threads."""
    with ThreadPoolExecutor(jobs) as pool:
        rest = iter(groups)
        waiting = [pool.submit(make, group) for group in islice(rest, 2 * jobs)]
        while waiting:
            made = waiting.pop(0).result()
            waiting.extend(pool.submit(make, group) for group in islice(rest, 1))
            yield made


def class_weights(labels: NDArray[np.intp], n_classes: int) -> FloatArray:
    """Return weights inverse to class frequency, one on average over the clips."""
    counts = np.bincount(labels, minlength=n_classes)
    weights = len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return weights.astype(np.float32)
