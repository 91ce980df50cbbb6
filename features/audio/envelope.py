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
    lows, highs
        float32 ``[n]``: the least and greatest sample of each stretch.
    step
        Length of a stretch in seconds; the last one may be shorter.
    """

    lows: FloatArray
    highs: FloatArray
    step: float


def envelope(stream: AudioStream, width: int) -> Envelope:
    """Return the envelope of a recording, in memory that does not grow with its length.

    Parameters
    ----------
    stream
        Is gone through once.
    width
        Stretches, at least: there are `width` to ``2 * width - 1`` of them, or one a sample where
        the recording has fewer samples than that.

    Raises
    ------
    AudioError
        The recording holds no samples, or some that are not finite.
    """
    lows = np.full(2 * width, np.inf, np.float32)
    highs = np.full(2 * width, -np.inf, np.float32)
    size, count = 1, 0
    for block in stream:
        # How long the recording is shows only at its end: stretches are joined two by two whenever
        # there are too many.
        while count + len(block) > size * (2 * width):
            lows = _halved(lows, np.minimum, np.inf)
            highs = _halved(highs, np.maximum, -np.inf)
            size *= 2
        first, last = count // size, (count + len(block) - 1) // size
        starts = np.maximum(np.arange(first, last + 1) * size - count, 0)
        here = slice(first, last + 1)
        lows[here] = np.minimum(lows[here], np.minimum.reduceat(block, starts))
        highs[here] = np.maximum(highs[here], np.maximum.reduceat(block, starts))
        count += len(block)
    used = -(-count // size)
    return Envelope(lows[:used], highs[:used], size / stream.rate)


def _halved(values: FloatArray, joined: np.ufunc, nothing: float) -> FloatArray:
    """Neighbours joined two by two in the first half, `nothing` in the other."""
    halved: FloatArray = joined(values[0::2], values[1::2])
    return np.concatenate([halved, np.full_like(halved, nothing)])
