"""Bringing frames from one rate to a lower one."""

import numpy as np
from numpy.typing import NDArray

from ..frames import FloatArray


def resample_frames(values: FloatArray, ratio: float, count: int) -> FloatArray:
    """Return the mean of the frames around each frame of a slower sequence.

    Frame ``t`` of the result covers what lies within half a frame of the result around its time,
    ``t * ratio`` in frames of the input: at half the rate, a quarter, a half and a quarter of
    three neighbours. Beyond the ends there is nothing, and the mean is over what there is.

    Parameters
    ----------
    values
        float32 ``[n, width]``.
    ratio
        Frames of the input for each frame of the result, at least 1.
    count
        Frames of the result; the last ones repeat the last frame where there is none.

    Returns
    -------
    float32 ``[count, width]``.
    """
    # The sum up to each boundary between frames, and linear in between.
    sums = np.zeros((len(values) + 1, values.shape[1]))
    np.cumsum(values, axis=0, dtype=np.float64, out=sums[1:])
    centres = np.minimum(np.arange(count) * ratio, len(values) - 1)
    first = np.maximum(centres - ratio / 2, -0.5) + 0.5
    last = np.minimum(centres + ratio / 2, len(values) - 0.5) + 0.5
    total = _interpolate(sums, last) - _interpolate(sums, first)
    averaged: FloatArray = (total / (last - first)[:, None]).astype(np.float32)
    return averaged


def _interpolate(sums: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    below = np.minimum(at.astype(np.intp), len(sums) - 2)
    fraction = (at - below)[:, None]
    values: NDArray[np.float64] = (1.0 - fraction) * sums[below] + fraction * sums[below + 1]
    return values
