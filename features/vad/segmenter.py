"""Cutting speech into phrases at its pauses, while it comes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..frames import FloatArray
from .detector import FRAME, EnergyVad

#: Seconds before and behind the frames with speech that belong to a phrase.
SPEECH_PAD = 0.05
#: Seconds of speech that a phrase has at least; a click or a knock is shorter.
MIN_SPEECH = 0.15


@dataclass(frozen=True, slots=True)
class SpeechSegment:
    """Speech between two pauses: float32 ``[n]``, the first one sample `start` of the recording."""

    start: int
    samples: FloatArray


class SpeechSegmenter:
    """Cuts a recording into phrases, `features.speech.AHEAD` seconds and a pause behind the sound.

    The phrases do not depend on how the sound is cut into blocks; what is held of it is no more
    than the longest phrase. One that is longer is cut where it is quietest in its second half.

    Parameters
    ----------
    rate
        In Hz.
    below
        Decibels below the peak around it that a frame may lie and still be speech.
    pause
        Seconds without speech that end a phrase.
    longest
        Seconds of a phrase at most.
    """

    def __init__(self, rate: int, below: float, pause: float, longest: float) -> None:
        self._detector = EnergyVad(rate, below)
        self._pause = max(1, round(pause / FRAME))
        self._longest = max(2, round(longest / FRAME))
        self._held = np.zeros(0, dtype=np.float32)
        # All in frames: where the sound that is held begins, which frame is judged next, and
        # up to where all belongs to phrases that are done.
        self._first = self._next = self._done = 0
        # Of the open phrase: its first frame, the last one with speech, and the levels of all.
        self._begun: int | None = None
        self._spoken = 0
        self._levels: list[float] = []

    def push(self, samples: FloatArray) -> list[SpeechSegment]:
        """Take the next samples ``[n]``; return the phrases that end in what is judged by now."""
        self._held = np.concatenate([self._held, samples])
        found = self._judge(*self._detector.push(samples))
        hop = self._detector.hop
        kept = self._kept()
        self._held = self._held[(kept - self._first) * hop :].copy()
        self._first = kept
        return found

    def flush(self) -> list[SpeechSegment]:
        """Return the phrases that are left: nothing comes any more."""
        found = self._judge(*self._detector.flush())
        if self._begun is not None:
            found += self._close(self._spoken + 1)
        return found

    @property
    def judged(self) -> int:
        """Samples that have been judged."""
        return self._next * self._detector.hop

    @property
    def speaking(self) -> bool:
        """Whether a phrase has begun and not ended, however little there is of it."""
        return self._begun is not None

    def open(self) -> SpeechSegment | None:
        """Return what there is of a phrase that has not ended, None where there is none."""
        if self._begun is None:
            return None
        return next(iter(self._cut(self._begun, self._spoken + 1)), None)

    def _kept(self) -> int:
        """The first frame that a phrase to come may need."""
        if self._begun is not None:
            return self._begun
        return max(self._first, self._next - round(SPEECH_PAD / FRAME))

    def _judge(self, speech: NDArray[np.bool_], levels: NDArray[np.float64]) -> list[SpeechSegment]:
        found: list[SpeechSegment] = []
        for spoken, level in zip(speech.tolist(), levels.tolist(), strict=True):
            found += self._step(spoken, level)
            self._next += 1
        return found

    def _step(self, spoken: bool, level: float) -> list[SpeechSegment]:
        frame = self._next
        if self._begun is None:
            if spoken:
                self._begun, self._spoken = (
                    max(self._done, frame - round(SPEECH_PAD / FRAME)),
                    frame,
                )
                # Of the edge before it no level is known, nor needed: it is never cut.
                self._levels = [np.inf] * (frame - self._begun) + [level]
            return []
        self._levels.append(level)
        if spoken:
            self._spoken = frame
        if frame - self._spoken >= self._pause:
            return self._close(self._spoken + 1)
        if frame + 1 - self._begun >= self._longest:
            return self._split()
        return []

    def _close(self, stop: int) -> list[SpeechSegment]:
        found = self._cut(self._begun or 0, stop)
        self._begun, self._done = None, stop + round(SPEECH_PAD / FRAME)
        return found

    def _split(self) -> list[SpeechSegment]:
        begun = self._begun or 0
        half = len(self._levels) // 2
        cut = begun + half + int(np.argmin(self._levels[half:]))
        found = self._cut(begun, cut, edge=0)
        self._levels = self._levels[cut - begun :]
        self._begun = self._done = cut
        return found

    def _cut(
        self, begun: int, stop: int, edge: int = round(SPEECH_PAD / FRAME)
    ) -> list[SpeechSegment]:
        """The phrase of these frames and the edge behind; none where it is a click."""
        if stop - begun < round((MIN_SPEECH + SPEECH_PAD) / FRAME):
            return []
        hop = self._detector.hop
        samples = self._held[(begun - self._first) * hop : (stop + edge - self._first) * hop]
        return [SpeechSegment(begun * hop, samples.copy())]
