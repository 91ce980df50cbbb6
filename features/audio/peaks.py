"""The peak around a moment: it rises at once, and falls slowly, as those of peak meters do."""

import numpy as np
from numpy.typing import NDArray

FloatMatrix = NDArray[np.float64]


def peak_envelope(heard: FloatMatrix, before: float, fall: float) -> FloatMatrix:
    """Return the peak at each point in dB: what is heard there, or what is left of an earlier one.

    Parameters
    ----------
    heard
        The level at each point in dB, ``[n]``.
    before
        The peak at the point before the first; minus infinity where there is none.
    fall
        Decibels from one point to the next.
    """
    fallen = fall * np.arange(1, len(heard) + 1)
    peaks: FloatMatrix = np.maximum(np.maximum.accumulate(heard + fallen), before) - fallen
    return peaks
