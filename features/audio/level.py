"""Bringing a recording to one level while it comes: an hour, or a stream that never ends.

A clip is divided by its peak (`features.extract`). Of a long recording the peak is one moment's,
a door or a cough, and of a stream it is not known. So each moment is divided by the peak around
it instead: an envelope that rises at once with what is about to be heard and falls slowly, as
peak meters do.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from ..frames import FloatArray
from .peaks import peak_envelope

#: Seconds that the envelope looks ahead, so that it is up before the loud part begins.
LOOKAHEAD = 0.3
#: Decibels a second by which it falls. Speech reaches its peak about twice a second.
RELEASE = 1.0
#: Nothing below this peak (in full scale) is taken for speech that was recorded too quietly.
MIN_PEAK = 10.0 ** (-50.0 / 20.0)


class GainNormaliser:
    """Divides a signal by its envelope, a block at a time, `LOOKAHEAD` seconds behind the input.

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
        self._ahead = max(1, round(LOOKAHEAD * rate / hop))
        self._fall = RELEASE * hop / rate
        self._held = np.zeros(0, dtype=np.float32)
        # The envelope in dB at the last point before the samples held, and the gain there.
        self._level = -np.inf
        self._gain: float | None = None

    def push(self, samples: FloatArray) -> FloatArray:
        """Take the next samples ``[n]``; return those that can be levelled now, whole hops."""
        self._held = np.concatenate([self._held, samples])
        return self._release(len(self._held) // self._hop - self._ahead)

    def flush(self) -> FloatArray:
        """Return the rest: nothing comes any more."""
        beyond = self._ahead + 1
        count = len(self._held)
        whole = -(-count // self._hop)
        self._held = np.pad(self._held, (0, (whole + beyond) * self._hop - count))
        return self._release(whole)[:count]

    def _release(self, hops: int) -> FloatArray:
        """Level the first `hops` hops of what is held."""
        if hops <= 0:
            return np.zeros(0, dtype=np.float32)
        points = hops + 1 if self._gain is None else hops
        first = 0 if self._gain is None else 1
        pieces = self._held[: (hops + self._ahead) * self._hop].reshape(-1, self._hop)
        peaks = np.maximum(pieces.max(axis=1), -pieces.min(axis=1)).astype(np.float64)
        # The point at the end of the last hop sees one hop less ahead than the others.
        windows = np.lib.stride_tricks.sliding_window_view(
            np.append(peaks, 0.0)[first:], self._ahead
        )[:points]
        heard = 20.0 * np.log10(np.maximum(windows.max(axis=1), MIN_PEAK))
        level = peak_envelope(heard, self._level, self._fall)
        gains = 10.0 ** (-np.maximum(level, 20.0 * np.log10(MIN_PEAK)) / 20.0)
        if self._gain is not None:
            gains = np.append(self._gain, gains)
        self._level, self._gain = float(level[-1]), float(gains[-1])
        share = np.arange(self._hop) / self._hop
        curve = gains[:-1, None] * (1.0 - share) + gains[1:, None] * share
        done = hops * self._hop
        levelled: FloatArray = self._held[:done] * curve.astype(np.float32).reshape(-1)
        self._held = self._held[done:].copy()
        return levelled


def normalise_gain(blocks: Iterable[FloatArray], rate: int, hop: int) -> Iterator[FloatArray]:
    """Yield the samples of all blocks through a `GainNormaliser`, in blocks of other sizes."""
    leveller = GainNormaliser(rate, hop)
    for block in blocks:
        yield leveller.push(block)
    yield leveller.flush()
