"""Frame posteriors smoothed over time: what a composite HMM has to beat."""

import numpy as np

from bilstm_hmm.arrays import FloatArray, FloatMatrix, Indices
from bilstm_hmm.numerics import softmax


def median_labels(frame_logits: FloatArray, rate: float, width: float) -> Indices:
    """Return the emotion of each frame by its posteriors' running medians, ``[T]``.

    Parameters
    ----------
    frame_logits
        ``[T, E]``.
    rate
        Frames a second.
    width
        Of the filter in seconds; as the nearest odd number of frames.
    """
    smooth = median_filter(softmax(frame_logits.astype(np.float64)), rate, width)
    labels: Indices = smooth.argmax(axis=1)
    return labels


def median_filter(posteriors: FloatMatrix, rate: float, width: float) -> FloatMatrix:
    """Return the median of each emotion's posteriors ``[T, E]`` in a window around each frame.

    At the ends the first and the last frame are repeated. Parameters as of `median_labels`.
    """
    from scipy.ndimage import median_filter

    n_frames = 2 * round((width * rate - 1.0) / 2.0) + 1
    smooth: FloatMatrix = median_filter(posteriors, size=(max(1, n_frames), 1), mode="nearest")
    return smooth
