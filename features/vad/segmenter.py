"""Cutting a recording into segments of speech at its pauses, while it comes."""

from dataclasses import dataclass

import numpy as np

from ..frames import FloatArray
from .detector import SpeechDetector, SpeechFrames
from .energy import FRAME_SECONDS

#: Seconds before and behind the frames with speech that belong to a segment, as far as there are
#: so many: the onsets and ends of words are soft, and clips of the training have silence around.
SPEECH_PAD = 0.3
#: Seconds of a segment at least, and of what is surely speech in it; a click or a knock is shorter.
MIN_SEGMENT, MIN_SPEECH = 0.15, 0.15

PAD_FRAMES = round(SPEECH_PAD / FRAME_SECONDS)
MIN_FRAMES = round(MIN_SEGMENT / FRAME_SECONDS)
MIN_SPEECH_FRAMES = round(MIN_SPEECH / FRAME_SECONDS)


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
    """Cuts a recording into segments of speech, as far behind it as the detector and a pause.

    The longer a segment is, the shorter the pause that ends it, so that segments are about as long
    as the utterances that networks are trained on. The segments do not depend on how the recording
    is cut into blocks; what is held of it is no more than the longest segment. Longer speech is cut
    where it is quietest in the second half.

    Parameters
    ----------
    detector
        What tells the frames with speech.
    min_silence
        Seconds without speech that end a segment, as it begins.
    min_silence_at_max
        Seconds without speech that end a segment of the greatest duration; in between, linear.
    max_duration
        Seconds of a segment at most.
    """

    def __init__(
        self,
        detector: SpeechDetector,
        min_silence: float,
        min_silence_at_max: float,
        max_duration: float,
    ) -> None:
        self._vad = detector
        self._min_silence = max(1.0, min_silence / FRAME_SECONDS)
        self._max_duration = max(2, round(max_duration / FRAME_SECONDS))
        least = min(min_silence_at_max, min_silence) / FRAME_SECONDS
        self._silence_slope = (self._min_silence - max(1.0, least)) / self._max_duration
        self._buffer = np.zeros(0, dtype=np.float32)
        # All in frames: where the buffer begins, which frame is judged next, and up to where all
        # belongs to segments that are closed.
        self._buffer_start = self._next = self._closed_until = 0
        # Of the open segment: its first frame, the first and the last one with speech, and of all
        # the level and whether they surely hold speech.
        self._start: int | None = None
        self._first_speech = self._last_speech = 0
        self._levels = np.zeros(0)
        self._certain = np.zeros(0, np.bool_)

    def push(self, samples: FloatArray) -> list[SpeechSegment]:
        """Take the next samples ``[n]``; return the segments that end in what is judged by now."""
        self._buffer = np.concatenate([self._buffer, samples])
        segments = self._judge(self._vad.push(samples))
        needed = self._first_needed()
        self._buffer = self._buffer[(needed - self._buffer_start) * self._vad.hop :].copy()
        self._buffer_start = needed
        return segments

    def flush(self) -> list[SpeechSegment]:
        """Return the segments that are left: nothing comes any more."""
        segments = self._judge(self._vad.flush())
        if self._start is not None:
            segments += self._close(self._start)
        return segments

    @property
    def first_needed(self) -> int:
        """The first sample that a segment to come may have."""
        return self._first_needed() * self._vad.hop

    @property
    def n_processed(self) -> int:
        """Samples of which is known whether they are speech."""
        return self._next * self._vad.hop

    @property
    def in_speech(self) -> bool:
        """Whether a segment has begun and not ended, however short it is."""
        return self._start is not None

    def current_segment(self) -> SpeechSegment | None:
        """Return what there is of a segment that has not ended, None where there is none."""
        if self._start is None:
            return None
        return next(iter(self._segment(self._start, self._last_speech + 1, 0)), None)

    def _first_needed(self) -> int:
        """The first frame that a segment to come may need."""
        if self._start is not None:
            return self._start
        return max(self._buffer_start, self._next - PAD_FRAMES)

    def _judge(self, frames: SpeechFrames) -> list[SpeechSegment]:
        segments: list[SpeechSegment] = []
        speech_at, place = np.flatnonzero(frames.is_speech), 0
        while place < len(frames.is_speech):
            if self._start is None:
                following = speech_at[np.searchsorted(speech_at, place) :]
                if not len(following):
                    self._next += len(frames.is_speech) - place
                    break
                self._next += int(following[0]) - place
                place = int(following[0])
                self._open()
            rest = frames.after(place)
            place += self._extend(self._start or 0, rest, segments)
        return segments

    def _open(self) -> None:
        self._start = max(self._closed_until, self._next - PAD_FRAMES)
        # Of the padding no level is known, nor needed: it is never cut.
        n_pad = self._next - self._start
        self._levels, self._certain = np.full(n_pad, np.inf), np.zeros(n_pad, np.bool_)
        self._first_speech = self._last_speech = self._next

    def _extend(self, start: int, frames: SpeechFrames, segments: list[SpeechSegment]) -> int:
        """Add frames to the open segment until it ends or is cut; return how many it took."""
        numbers = self._next + np.arange(len(frames.is_speech))
        last = np.maximum.accumulate(np.where(frames.is_speech, numbers, self._last_speech))
        needed = np.rint(self._min_silence - self._silence_slope * (last - self._first_speech))
        ends = numbers - last >= needed
        stops = ends | (numbers + 1 - start >= self._max_duration)
        stopped = bool(stops.any())
        count = int(stops.argmax()) + 1 if stopped else len(numbers)
        self._levels = np.append(self._levels, frames.levels[:count])
        self._certain = np.append(self._certain, frames.is_certain[:count])
        self._last_speech = int(last[count - 1])
        self._next += count
        if stopped:
            segments += self._close(start) if ends[count - 1] else self._split(start)
        return count

    def _close(self, start: int) -> list[SpeechSegment]:
        stop = self._last_speech + 1
        # No more than is known to be silence.
        pad = min(PAD_FRAMES, max(0, self._next - stop))
        self._start, self._closed_until = None, stop + pad
        return self._segment(start, stop, pad)

    def _split(self, start: int) -> list[SpeechSegment]:
        half = len(self._levels) // 2
        cut = start + half + int(np.argmin(self._levels[half:]))
        segments = self._segment(start, cut, 0)
        self._levels, self._certain = self._levels[cut - start :], self._certain[cut - start :]
        self._start = self._closed_until = self._first_speech = cut
        return segments

    def _segment(self, start: int, stop: int, pad: int) -> list[SpeechSegment]:
        """The segment of these frames and the padding behind; none where it is no speech."""
        is_short = stop - max(start, self._first_speech) < MIN_FRAMES
        if is_short or self._certain[: stop - start].sum() < MIN_SPEECH_FRAMES:
            return []
        first, last = (
            (frame - self._buffer_start) * self._vad.hop for frame in (start, stop + pad)
        )
        return [SpeechSegment(start * self._vad.hop, self._buffer[first:last].copy())]
