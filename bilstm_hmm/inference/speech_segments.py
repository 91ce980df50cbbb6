"""What the network and the HMMs say of each phrase of a recording, heard on its own.

A clip of the training corpora is a phrase or two with silence around. In a window of ten seconds
of a longer recording the network hears several at once, and what one of them says spreads to the
others; phrase by phrase it hears what it was trained on, and an emotion ends where it ends.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.features.frames import FloatArray
from bilstm_hmm.features.vad.segmenter import SpeechSegment, SpeechSegmenter
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.scoring import RecordingScores, score_clips

#: Phrases that go through the network together.
MAX_SEGMENTS_PER_BATCH = 16


def make_segmenter(recipe: Recipe) -> SpeechSegmenter:
    """Return what cuts a recording into phrases, as the recipe says."""
    settings = recipe.timeline
    return SpeechSegmenter(
        recipe.features.rate, settings.speech_db, settings.pause, settings.longest_phrase
    )


def score_segments(
    phrases: Sequence[SpeechSegment], bundle: Bundle, session: Any
) -> tuple[RecordingScores, ...]:
    """Return the evidence of each phrase, its times those of the recording."""
    rate = bundle.recipe.features.rate
    found = score_clips([phrase.samples for phrase in phrases], bundle, session)
    return tuple(
        replace(e, start=phrase.start / rate + e.start, end=phrase.start / rate + e.end)
        for phrase, e in zip(phrases, found, strict=True)
    )


def score_speech(samples: FloatArray, bundle: Bundle, session: Any) -> tuple[RecordingScores, ...]:
    """Return the evidence of the phrases of a recording that is at hand, in order."""
    cutter = make_segmenter(bundle.recipe)
    phrases = [*cutter.push(samples), *cutter.flush()]
    return score_segments(phrases, bundle, session) if phrases else ()


class SegmentScorer:
    """The phrases of a recording whose blocks are read for something else, by several threads.

    What waits of them is bounded, however long the recording is.
    """

    def __init__(self, bundle: Bundle, session: Any, jobs: int) -> None:
        self._bundle, self._session, self._jobs = bundle, session, jobs
        self._phrases: list[SpeechSegment] = []
        self._done: list[RecordingScores] = []
        self._waiting: deque[Future[tuple[RecordingScores, ...]]] = deque()

    def blocks(self, blocks: Iterable[FloatArray]) -> Iterator[FloatArray]:
        """Yield the blocks as they come, float32 ``[n]`` each; `evidence` is whole at the end."""
        cutter = make_segmenter(self._bundle.recipe)
        with ThreadPoolExecutor(self._jobs) as pool:
            for block in blocks:
                self._phrases += cutter.push(block)
                while len(self._phrases) >= MAX_SEGMENTS_PER_BATCH:
                    self._send(pool)
                yield block
            self._phrases += cutter.flush()
            while self._phrases:
                self._send(pool)
            self._collect(0)

    def evidence(self) -> tuple[RecordingScores, ...]:
        """Return the evidence of all phrases, in order."""
        return tuple(self._done)

    def _send(self, pool: ThreadPoolExecutor) -> None:
        some, self._phrases = (
            self._phrases[:MAX_SEGMENTS_PER_BATCH],
            self._phrases[MAX_SEGMENTS_PER_BATCH:],
        )
        self._waiting.append(pool.submit(score_segments, some, self._bundle, self._session))
        self._collect(2 * self._jobs)

    def _collect(self, most: int) -> None:
        while len(self._waiting) > most:
            self._done += self._waiting.popleft().result()
