"""Bringing features to zero mean and unit variance."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import AudioError
from ..frames import FloatArray

# A column that varies less than this, relative to its size, is constant but for rounding.
_CONSTANT = 1e-6


@dataclass(frozen=True, slots=True)
class FeatureStatistics:
    """Mean and standard deviation of each feature, float32 ``[n_features]``; no deviation is 0."""

    mean: FloatArray
    std: FloatArray


def statistics_of(mean: NDArray[np.float64], variance: NDArray[np.float64]) -> FeatureStatistics:
    """Return statistics of mean and variance ``[F]``; a constant feature gets the deviation 1."""
    std = np.sqrt(variance)
    std[std <= _CONSTANT * np.maximum(1.0, np.abs(mean))] = 1.0
    return FeatureStatistics(mean.astype(np.float32), std.astype(np.float32))


def fit_statistics(clips: Iterable[FloatArray]) -> FeatureStatistics:
    """Return the statistics over all frames of all clips, in one pass.

    The clips are merged in float64 by the method of Chan, Golub and LeVeque (1979), so that
    their number and order make no difference worth naming. A constant feature gets the
    deviation 1.

    Parameters
    ----------
    clips
        Arrays ``[n_frames, n_features]``.

    Raises
    ------
    AudioError
        Where there is no frame, or one that is not finite.
    """
    count = 0
    mean = np.zeros(0)
    squares = np.zeros(0)
    for clip in clips:
        if len(clip) == 0:
            continue
        values = clip.astype(np.float64)
        clip_mean = values.mean(axis=0)
        clip_squares = np.square(values - clip_mean).sum(axis=0)
        if count == 0:
            count, mean, squares = len(values), clip_mean, clip_squares
            continue
        total = count + len(values)
        step = clip_mean - mean
        mean = mean + step * (len(values) / total)
        squares = squares + clip_squares + np.square(step) * (count * len(values) / total)
        count = total
    if count == 0:
        raise AudioError("There is no frame to compute feature statistics from; give some audio.")
    if not (np.isfinite(mean).all() and np.isfinite(squares).all()):
        raise AudioError("Some frames are not finite; leave out the recordings they come from.")
    return statistics_of(mean, squares / count)


def normalise(
    values: FloatArray,
    normalisation: Literal["train", "clip", "none"],
    statistics: FeatureStatistics | None = None,
) -> FloatArray:
    """Return the normalised frames, a new array, float32 ``[n_frames, n_features]``.

    Parameters
    ----------
    normalisation
        ``train`` uses `statistics` (of the training clips), ``clip`` those of the clip itself,
        ``none`` leaves the values as they are.

    Raises
    ------
    AudioError
        Where ``train`` is asked for without statistics, or they have another width.
    """
    if normalisation == "none":
        return values.copy()
    if normalisation == "clip":
        wide = values.astype(np.float64)
        statistics = statistics_of(wide.mean(axis=0), wide.var(axis=0))
    if statistics is None or len(statistics.mean) != values.shape[1]:
        raise AudioError(
            f"Normalisation by training statistics needs those of {values.shape[1]} features, but "
            f"{'none' if statistics is None else len(statistics.mean)} are at hand; train the "
            "model again or set features.normalisation to clip."
        )
    normalised = values - statistics.mean
    normalised /= statistics.std
    return normalised
