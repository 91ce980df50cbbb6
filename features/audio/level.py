"""The peak level around each moment of a recording, and bringing all of it to one level by it.

A clip is divided by its peak (`features.extraction.extract`). Of a long recording the peak is one
moment's, a door or a cough, and of a stream it is not known. So each moment is divided by the peak
around it instead: an envelope that rises at once, a little before the loud part begins, and falls
slowly, as peak meters do.
"""

import numpy as np

from ..frames import FloatArray, FloatMatrix

#: Seconds that an envelope looks ahead, so that it is up before the loud part begins.
ENVELOPE_LOOKAHEAD = 0.3
#: Decibels a second by which it falls. Speech reaches its peak about twice a second.
RELEASE = 1.0
#: Nothing below this peak (in full scale) is taken for speech that was recorded too quietly.
MIN_GAIN_PEAK = 10.0 ** (-50.0 / 20.0)


class LookaheadEnvelope:
    """The peak envelope of levels in dB that come a few at a time.

    The envelope of a point is the largest of the next levels, its own included, or what is left
    of an earlier envelope. It does not depend on how the levels are cut.

    Parameters
    ----------
    width
        Levels that a point sees, its own included.
    release
        Decibels by which the envelope falls from one point to the next.
    """

    def __init__(self, width: int, release: float) -> None:
        self._width = width
        self._release = release
        self._pending = np.zeros(0)
        self._last = -np.inf

    def push(self, levels: FloatMatrix) -> FloatMatrix:
        """Take the next levels ``[n]`` in dB; return the envelope of the points that see enough."""
        self._pending = np.concatenate([self._pending, levels])
        count = len(self._pending) - self._width + 1
        if count <= 0:
            return np.zeros(0)
        windows = np.lib.stride_tricks.sliding_window_view(self._pending, self._width)
        fallen = self._release * np.arange(1, count + 1)
        risen = np.maximum.accumulate(windows.max(axis=1) + fallen)
        envelope: FloatMatrix = np.maximum(risen, self._last) - fallen
        self._pending = self._pending[count:]
        self._last = float(envelope[-1])
        return envelope

    def flush(self) -> FloatMatrix:
        """Return the envelope of the other points: no level comes any more."""
        return self.push(np.full(self._width - 1, -np.inf))


class GainNormaliser:
    """Divides a signal by its envelope, a block at a time, `ENVELOPE_LOOKAHEAD` s behind the input.

    The result does not depend on how the signal is cut into blocks.

    Parameters
    ----------
    rate
        In Hz.
    hop
        Samples between two points of the envelope, which is linear in between.
    """

    def __init__(self, rate: int, hop: int) -> None:
        self._hop = hop
        width = max(1, round(ENVELOPE_LOOKAHEAD * rate / hop))
        self._envelope = LookaheadEnvelope(width, RELEASE * hop / rate)
        self._buffer = np.zeros(0, dtype=np.float32)
        # Hops at the beginning of the buffer whose peak the envelope has been given.
        self._n_measured = 0
        # The gain at the first sample of the buffer, once it is known.
        self._gains = np.zeros(0)

    def push(self, samples: FloatArray) -> FloatArray:
        """Take the next samples ``[n]``; return those that can be scaled now, whole hops."""
        self._buffer = np.concatenate([self._buffer, samples])
        n_hops = len(self._buffer) // self._hop
        hops = self._buffer[self._n_measured * self._hop : n_hops * self._hop]
        peaks = np.abs(hops.reshape(-1, self._hop)).max(axis=1, initial=0.0)
        self._n_measured = n_hops
        return self._scale(self._envelope.push(_decibels(peaks)))

    def flush(self) -> FloatArray:
        """Return the rest: nothing comes any more."""
        count = len(self._buffer)
        # One hop of silence gives the point at the end of the last hop.
        self._buffer = np.pad(self._buffer, (0, (-count) % self._hop + self._hop))
        scaled = self.push(np.zeros(0, dtype=np.float32))
        rest = self._scale(self._envelope.flush())
        return np.concatenate([scaled, rest])[:count]

    def _scale(self, envelope: FloatMatrix) -> FloatArray:
        """Scale the hops between the points known so far and these."""
        gains = np.concatenate([self._gains, 10.0 ** (-envelope / 20.0)])
        self._gains = gains[-1:]
        n_hops = max(0, len(gains) - 1)
        position = np.arange(self._hop) / self._hop
        curve = gains[:-1, None] * (1.0 - position) + gains[1:, None] * position
        scaled: FloatArray = self._buffer[: n_hops * self._hop] * curve.astype(np.float32).reshape(
            -1
        )
        self._buffer = self._buffer[n_hops * self._hop :].copy()
        self._n_measured -= n_hops
        return scaled


def _decibels(peaks: FloatArray) -> FloatMatrix:
    levels: FloatMatrix = 20.0 * np.log10(np.maximum(peaks.astype(np.float64), MIN_GAIN_PEAK))
    return levels
