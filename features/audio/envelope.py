"""The lowest and highest sample of each stretch of a recording: what a picture of it shows."""

from dataclasses import dataclass

import numpy as np

from ..frames import FloatArray
from .reading import AudioStream


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """The range of the samples in stretches of equal length.

    Attributes
    ----------
    minima, maxima
        float32 ``[n]``: the least and greatest sample of each stretch.
    step
        Length of a stretch in seconds; the last one may be shorter.
    """

    minima: FloatArray
    maxima: FloatArray
    step: float


def envelope(stream: AudioStream, width: int) -> Envelope:
    """Return the envelope of a recording, in memory that does not grow with its length.

    Parameters
    ----------
    stream
        It is gone through once.
    width
        Stretches, at least: there are `width` to ``2 * width - 1`` of them, or one a sample where
        the recording has fewer samples than that.

    Raises
    ------
    AudioError
        The recording holds no samples, or some that are not finite.
    """
    minima = np.full(2 * width, np.inf, np.float32)
    maxima = np.full(2 * width, -np.inf, np.float32)
    size, count = 1, 0
    for block in stream:
        # How long the recording is shows only at its end: stretches are merged two by two whenever
        # there are too many.
        while count + len(block) > size * (2 * width):
            minima = _merge_pairs(minima, np.minimum, np.inf)
            maxima = _merge_pairs(maxima, np.maximum, -np.inf)
            size *= 2
        first, last = count // size, (count + len(block) - 1) // size
        starts = np.maximum(np.arange(first, last + 1) * size - count, 0)
        span = slice(first, last + 1)
        minima[span] = np.minimum(minima[span], np.minimum.reduceat(block, starts))
        maxima[span] = np.maximum(maxima[span], np.maximum.reduceat(block, starts))
        count += len(block)
    n_stretches = -(-count // size)
    return Envelope(minima[:n_stretches], maxima[:n_stretches], size / stream.rate)


def _merge_pairs(values: FloatArray, merge: np.ufunc, fill: float) -> FloatArray:
    """Neighbours merged two by two in the first half, `fill` in the other."""
    merged: FloatArray = merge(values[0::2], values[1::2])
    return np.concatenate([merged, np.full_like(merged, fill)])
