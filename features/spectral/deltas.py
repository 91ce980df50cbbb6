"""Slopes and curvatures of feature tracks over time."""

import numpy as np

from ..frames import FloatArray

DELTA_WIDTH = 9


def _kernel(order: int) -> FloatArray:
    """Return the least-squares derivative of a line (1) or parabola (2), ``[DELTA_WIDTH]``."""
    time = np.arange(DELTA_WIDTH) - DELTA_WIDTH // 2
    basis = time.astype(np.float64) if order == 1 else time**2 - np.mean(time**2)
    kernel: FloatArray = (order * basis / np.sum(basis**2)).astype(np.float32)
    return kernel


def delta(values: FloatArray, order: int = 1) -> FloatArray:
    """Return the first or second derivative of each column, a frame being the unit of time.

    Equals ``librosa.feature.delta(values.T, width=9, order=order, mode="nearest").T``: a
    Savitzky-Golay filter over nine frames, the first and last frame repeated at the ends, which
    works for clips of any length.

    Parameters
    ----------
    values
        float32 ``[n_frames, n_features]``.
    """
    half = DELTA_WIDTH // 2
    count = len(values)
    padded = np.concatenate(
        [np.repeat(values[:1], half, axis=0), values, np.repeat(values[-1:], half, axis=0)]
    )
    kernel = _kernel(order)
    slope = np.zeros_like(values)
    # The kernel is odd (order 1) or even (order 2): the taps go in pairs.
    if order == 2:
        slope += kernel[half] * values
    for k in range(half):
        mirrored = DELTA_WIDTH - 1 - k
        early, late = padded[k : k + count], padded[mirrored : mirrored + count]
        pair = late - early if order == 1 else late + early
        pair *= kernel[mirrored]
        slope += pair
    return slope
