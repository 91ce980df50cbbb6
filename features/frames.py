"""The short-time features of one recording."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
FloatMatrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Frames:
    """A sequence of feature vectors at a constant rate.

    Attributes
    ----------
    values
        float32, ``[n_frames, n_features]``.
    rate
        Frames a second, in Hz.
    start
        Time of the first frame in the recording, in seconds (silence may have been trimmed).
    """

    values: FloatArray
    rate: float
    start: float = 0.0
