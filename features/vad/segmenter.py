"""Cutting a recording into segments of speech at its pauses, while it comes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..frames import FloatArray
from .detector import FRAME_SECONDS, EnergyVad

#: Seconds before and behind the frames with speech that belong to a segment.
SPEECH_PAD = 0.05
#: Seconds of speech that a segment has at least; a click or a knock is shorter.
MIN_SPEECH = 0.15

_PAD_FRAMES = round(SPEECH_PAD / FRAME_SECONDS)
_MIN_FRAMES = round((MIN_SPEECH + SPEECH_PAD) / FRAME_SECONDS)


@dataclass(frozen=True, slots=True)
class SpeechSegment:
    """Speech between two pauses.

    Attributes
    ----------
    start
        The first sample, counted from the beginning of the recording.
    samples
        float32 ``[n]``.
    """

    start: int
    samples: FloatArray


class SpeechSegmenter:
    """Cuts a recording into segments of speech, as far behind it as `EnergyVad` and a pause.

    The segments do not depend on how the recording is cut into blocks; what is held of it is no
    more than the longest segment. Longer speech is cut where it is quietest in the second half.

    Parameters
    ----------
    rate
        In Hz.
    max_below_peak_db
        Decibels below the peak around it that a frame may lie and still be speech.
    min_silence
        Seconds without speech that end a segment.
    max_duration
        Seconds of a segment at most.
    """

    def __init__(
        self, rate: int, max_below_peak_db: float, min_silence: float, max_duration: float
    ) -> None:
        self._vad = EnergyVad(rate, max_below_peak_db)
        self._min_silence = max(1, round(min_silence / FRAME_SECONDS))
        self._max_duration = max(2, round(max_duration / FRAME_SECONDS))
        self._buffer = np.zeros(0, dtype=np.float32)
        # All in frames: where the buffer begins, which frame is judged next, and up to where all
        # belongs to segments that are closed.
        self._buffer_start = self._next = self._closed_until = 0
        # Of the open segment: its first frame, the last one with speech, and the levels of all.
        self._start: int | None = None
        self._last_speech = 0
        self._levels: list[float] = []

    def push(self, samples: FloatArray) -> list[SpeechSegment]:
        """Take the next samples ``[n]``; return the segments that end in what is judged by now."""
        self._buffer = np.concatenate([self._buffer, samples])
        segments = self._judge(*self._vad.push(samples))
        needed = self._first_needed()
        self._buffer = self._buffer[(needed - self._buffer_start) * self._vad.hop :].copy()
        self._buffer_start = needed
        return segments

    def flush(self) -> list[SpeechSegment]:
        """Return the segments that are left: nothing comes any more."""
        segments = self._judge(*self._vad.flush())
        if self._start is not None:
            segments += self._close(self._start)
        return segments

    @property
    def n_judged(self) -> int:
        """Samples that have been judged."""
        return self._next * self._vad.hop

    @property
    def in_speech(self) -> bool:
        """Whether a segment has begun and not ended, however short it is."""
        return self._start is not None

    def open_segment(self) -> SpeechSegment | None:
        """Return what there is of a segment that has not ended, None where there is none."""
        if self._start is None:
            return None
        return next(iter(self._segment(self._start, self._last_speech + 1)), None)

    def _first_needed(self) -> int:
        """The first frame that a segment to come may need."""
        if self._start is not None:
            return self._start
        return max(self._buffer_start, self._next - _PAD_FRAMES)

    def _judge(
        self, is_speech: NDArray[np.bool_], levels: NDArray[np.float64]
    ) -> list[SpeechSegment]:
        segments: list[SpeechSegment] = []
        for speech, level in zip(is_speech.tolist(), levels.tolist(), strict=True):
            if self._start is not None:
                segments += self._extend(self._start, speech, level)
            elif speech:
                self._open(level)
            self._next += 1
        return segments

    def _open(self, level: float) -> None:
        self._start = max(self._closed_until, self._next - _PAD_FRAMES)
        self._last_speech = self._next
        # Of the padding no level is known, nor needed: it is never cut.
        self._levels = [np.inf] * (self._next - self._start) + [level]

    def _extend(self, start: int, speech: bool, level: float) -> list[SpeechSegment]:
        """Add the next frame to the open segment, which may end or be cut by it."""
        self._levels.append(level)
        if speech:
            self._last_speech = self._next
        if self._next - self._last_speech >= self._min_silence:
            return self._close(start)
        if self._next + 1 - start >= self._max_duration:
            return self._split(start)
        return []

    def _close(self, start: int) -> list[SpeechSegment]:
        stop = self._last_speech + 1
        self._start, self._closed_until = None, stop + _PAD_FRAMES
        return self._segment(start, stop)

    def _split(self, start: int) -> list[SpeechSegment]:
        half = len(self._levels) // 2
        cut = start + half + int(np.argmin(self._levels[half:]))
        self._levels = self._levels[cut - start :]
        self._start = self._closed_until = cut
        return self._segment(start, cut, pad=0)

    def _segment(self, start: int, stop: int, pad: int = _PAD_FRAMES) -> list[SpeechSegment]:
        """The segment of these frames and the padding behind; none where it is a click."""
        if stop - start < _MIN_FRAMES:
            return []
        first, last = (
            (frame - self._buffer_start) * self._vad.hop for frame in (start, stop + pad)
        )
        return [SpeechSegment(start * self._vad.hop, self._buffer[first:last].copy())]
