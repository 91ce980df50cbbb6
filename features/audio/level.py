"""The peak level around each moment of a recording that comes a little at a time.

Of a long recording the peak is one moment's, a door or a cough, and of a stream it is not known. So
each moment has the peak around it instead: an envelope that rises at once, a little before the loud
part begins, and falls slowly, as peak meters do.
"""

import numpy as np

from ..frames import FloatMatrix

#: Seconds that an envelope looks ahead, so that it is up before the loud part begins.
ENVELOPE_LOOKAHEAD = 0.3
#: Decibels a second by which it falls. Speech reaches its peak about twice a second.
RELEASE = 1.0


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
