"""Cutting a recording into what is scored on its own: one utterance, or its speech segments.

Speech that the network takes in one piece is one utterance, with its pauses; beyond that a
recording is scored segment by segment. What lies before, behind and between the segments of a
longer recording is never scored, so that it changes nothing.
"""

import numpy as np

from bilstm_hmm.arrays import FloatArray
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.features.vad.detector import SpeechDetector
from bilstm_hmm.features.vad.segmenter import SpeechSegment, SpeechSegmenter

#: Seconds before and behind the speech that belong to an utterance: breath, and room for a
#: detector's error. What is silent there is trimmed with the features.
UTTERANCE_MARGIN = 1.0

#: An utterance begins and ends with the first and the last sample of this share of its peak, and
#: has so many seconds of what is there, or of silence, around them. Its frames then lie the same
#: whatever goes before it in the recording.
ONSET_SHARE, PADDING = 0.02, 0.1


def make_segmenter(recipe: Recipe) -> SpeechSegmenter:
    """Return what cuts a recording into speech segments, as the recipe says."""
    settings = recipe.timeline
    detector = SpeechDetector(
        recipe.features.rate, settings.max_below_peak_db, by_level=settings.vad == "energy"
    )
    return SpeechSegmenter(
        detector, settings.min_silence, settings.min_silence_at_max_speech, settings.max_speech
    )


class SpeechCutter:
    """Cuts a recording, block by block.

    Attributes
    ----------
    is_utterance
        Whether all speech so far is one utterance.
    """

    def __init__(self, recipe: Recipe) -> None:
        rate = recipe.features.rate
        self.is_utterance = True
        self._segmenter = make_segmenter(recipe)
        self._max_length = round(recipe.window_frames / recipe.features.frame_rate * rate)
        self._margin = round(UTTERANCE_MARGIN * rate)
        # While it may be one utterance: its segments, and the samples from before the first one.
        self._held: list[SpeechSegment] = []
        self._buffer = np.zeros(0, np.float32)
        self._buffer_start = self._n_received = 0

    def push(self, samples: FloatArray) -> list[SpeechSegment]:
        """Take the next samples ``[n]``; return the segments that are known to be ones by now."""
        segments = self._segmenter.push(samples)
        if not self.is_utterance:
            return segments
        # What lies behind the greatest length was let go, and nothing that follows is needed.
        if self._buffer_start + len(self._buffer) == self._n_received:
            self._buffer = np.concatenate([self._buffer, samples])
        self._n_received += len(samples)
        self._held += segments
        return self._release()

    def flush(self) -> list[SpeechSegment]:
        """Return what is left, which is all where it is one utterance: nothing comes any more."""
        segments = self._segmenter.flush()
        if not self.is_utterance:
            return segments
        self._held += segments
        released = self._release()
        if released or not self._held:
            return released
        first, last = self._held[0], self._held[-1]
        start = max(0, first.start - self._margin)
        stop = last.start + len(last.samples) + self._margin
        samples = self._buffer[start - self._buffer_start : stop - self._buffer_start]
        return [SpeechSegment(start, samples)]

    def _release(self) -> list[SpeechSegment]:
        """Let the held segments go where they are more than one utterance, else samples."""
        first = self._held[0].start if self._held else self._segmenter.first_needed
        if self._held:
            last = self._held[-1]
            if last.start + len(last.samples) - first > self._max_length:
                released, self._held = self._held, []
                self.is_utterance, self._buffer = False, np.zeros(0, np.float32)
                return released
        # An utterance is no longer than this.
        stop = first + self._max_length + self._margin if self._held else None
        start = max(self._buffer_start, first - self._margin)
        cut = slice(
            start - self._buffer_start, None if stop is None else max(0, stop - self._buffer_start)
        )
        if cut.start or stop is not None:
            self._buffer, self._buffer_start = self._buffer[cut].copy(), start
        return []


def align_utterance(utterance: SpeechSegment, rate: int) -> SpeechSegment:
    """Return an utterance from its first to its last sample of `ONSET_SHARE` of its peak.

    With `PADDING` seconds before and behind them, silence where the utterance has none; `start`
    may be negative by as many.
    """
    n_padding = round(PADDING * rate)
    magnitudes = np.abs(utterance.samples)
    loud = np.flatnonzero(magnitudes >= ONSET_SHARE * magnitudes.max())
    start, stop = int(loud[0]) - n_padding, int(loud[-1]) + 1 + n_padding
    missing = max(0, -start), max(0, stop - len(magnitudes))
    inside = utterance.samples[max(0, start) : stop]
    return SpeechSegment(utterance.start + start, np.pad(inside, missing))
