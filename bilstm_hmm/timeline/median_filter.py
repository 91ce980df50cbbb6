"""Frame posteriors smoothed over time: what a composite HMM has to beat."""

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.arrays import FloatMatrix
from bilstm_hmm.features.frames import FloatArray
from bilstm_hmm.numerics import softmax


def median_labels(frame: FloatArray, rate: float, width: float) -> NDArray[np.intp]:
    """Return the emotion of each frame by its posteriors' running medians, ``[T]``.

    Parameters
    ----------
    frame
        Frame logits ``[T, E]``.
    rate
        Frames a second.
    width
        Of the filter in seconds; as the nearest odd number of frames.
    """
    labels: NDArray[np.intp] = median_filter(softmax(frame.astype(np.float64)), rate, width).argmax(
        axis=1
    )
    return labels


def median_filter(posteriors: FloatMatrix, rate: float, width: float) -> FloatMatrix:
    """Return the median of each emotion's posteriors ``[T, E]`` in a window around each frame.

    At the ends the first and the last frame are repeated.
    """
    from scipy.ndimage import median_filter

    frames = 2 * round((width * rate - 1.0) / 2.0) + 1
    found: FloatMatrix = median_filter(posteriors, size=(max(1, frames), 1), mode="nearest")
    return found
