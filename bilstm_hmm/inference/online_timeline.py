"""The timeline of a stream: speech segments as they end, emotions once nothing can change them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bilstm_hmm.arrays import FloatArray, FloatMatrix, Indices
from bilstm_hmm.features.vad.segmenter import SPEECH_PAD, SpeechSegment
from bilstm_hmm.inference.answer import evidence_of, segment_hmm
from bilstm_hmm.inference.scoring import RecordingScores, Scorer
from bilstm_hmm.inference.speech_cutter import make_segmenter
from bilstm_hmm.inference.voice.learner import NOTHING_KNOWN, KnownVoice, VoiceLearner
from bilstm_hmm.prediction import Segment
from bilstm_hmm.timeline.segment_hmm import (
    SECTION_SILENCE,
    Carried,
    SegmentEvidence,
    carry_on,
    posteriors,
    stable_prefix,
    viterbi,
)
from bilstm_hmm.timeline.segments import SegmentMerger, SpeechInterval, label_spans

#: Seconds of speech that may wait for a decision. A path that is not stable by then is taken as
#: it is best, or what waits would grow while segments say nothing.
MAX_PENDING_SECONDS = 30.0
#: Seconds of decided segments whose probabilities can still be asked for.
HISTORY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Segment:
    """A speech segment: where its frames lie, and what it tells."""

    interval: SpeechInterval
    evidence: SegmentEvidence


class OnlineTimeline:
    """Follows a recording at the rate of the model's features, block by block.

    What is held does not grow: the open speech segment, and the segments that are not decided.

    A model that knows voices learns this one as it goes: each segment is scored by what is known
    of the voice from the segments before it.

    Parameters
    ----------
    known
        What is known of the voice before it speaks.
    """

    def __init__(self, scorer: Scorer, known: KnownVoice = NOTHING_KNOWN) -> None:
        self._bundle = scorer.bundle
        self.classes = scorer.bundle.classes
        self._scorer = scorer
        self._silence = scorer.bundle.recipe.timeline.min_silence_segment
        self._rate = scorer.bundle.recipe.features.rate
        self._segmenter = make_segmenter(scorer.bundle.recipe)
        self._hmm = segment_hmm(scorer.bundle)
        self._learner = VoiceLearner(scorer.bundle.recipe, known)
        self._merger = SegmentMerger(self._silence)
        # Segments that are not decided, what goes before them, and where the last one ends.
        self._pending: list[_Segment] = []
        self._carried: Carried | None = None
        self._speech_end: float | None = None
        # Decided segments and their probabilities.
        self._history: list[tuple[SegmentEvidence, FloatMatrix]] = []

    def push(self, samples: FloatArray) -> list[Segment]:
        """Take the next samples ``[n]``; return the segments that are decided by them."""
        return self._accept(self._score(self._segmenter.push(samples)))

    def close(self, duration: float) -> list[Segment]:
        """Return the rest of the segments of a recording of `duration` seconds."""
        scores = self._score(self._segmenter.flush())
        closed = self._accept(scores, duration)
        return closed + self._commit_all() + self._merger.close(duration)

    def probabilities_at(self, time: float) -> FloatMatrix | None:
        """Return the probability of each emotion at a time, ``[E]``; None where nobody speaks."""
        undecided = [segment.evidence for segment in self._pending]
        segment = self._segmenter.current_segment()
        if segment is not None:
            (scores,) = self._scorer.score_segments([segment], self._learner.voice)
            undecided.append(evidence_of(self._bundle, scores))
        known = list(self._history)
        known += zip(undecided, posteriors(self._hmm, undecided, self._carried), strict=True)
        begun = [(evidence, row) for evidence, row in known if evidence.start <= time]
        if not begun or time - begun[-1][0].end >= self._silence:
            return None
        return begun[-1][1]

    def _score(self, segments: Sequence[SpeechSegment]) -> tuple[RecordingScores, ...]:
        """Score segments that have ended, each by what those before it say of the voice."""
        features = [self._scorer.extract_segment(segment) for segment in segments]
        voices = []
        for clip in features:
            voices.append(self._learner.voice)
            self._learner.learn(clip.frames)
        return self._scorer.score_extracted(features, voices)

    def _accept(
        self, scores: tuple[RecordingScores, ...], duration: float = np.inf
    ) -> list[Segment]:
        closed: list[Segment] = []
        for segment in scores:
            interval, evidence = segment.interval(duration), evidence_of(self._bundle, segment)
            if self._silence_until(evidence.start) >= SECTION_SILENCE:
                closed += self._commit_all()
            self._pending.append(_Segment(interval, evidence))
            self._speech_end = evidence.end
        closed += self._commit_stable()
        return closed + self._end_in_silence()

    def _end_in_silence(self) -> list[Segment]:
        """Decide what a long silence ends, once what comes can no longer begin within it."""
        if self._segmenter.in_speech:
            return []
        silence = self._silence_until(self._segmenter.n_processed / self._rate - SPEECH_PAD)
        closed = self._commit_all() if silence >= SECTION_SILENCE else []
        if not self._pending and silence >= self._silence:
            closed += self._merger.pause()
        return closed

    def _silence_until(self, time: float) -> float:
        """How long nobody has spoken at a time; nothing where nobody has yet."""
        return 0.0 if self._speech_end is None else time - self._speech_end

    def _commit_stable(self) -> list[Segment]:
        """Decide what nothing to come can change."""
        evidence = [segment.evidence for segment in self._pending]
        path = stable_prefix(self._hmm, evidence, self._carried)
        speech = np.cumsum([each.end - each.start for each in evidence[len(path) :]])
        if speech.size and speech[-1] > MAX_PENDING_SECONDS:
            most = len(path) + int(np.searchsorted(speech, MAX_PENDING_SECONDS / 2)) + 1
            path = viterbi(self._hmm, evidence, self._carried)[:most]
        return self._commit(path)

    def _commit_all(self) -> list[Segment]:
        evidence = [segment.evidence for segment in self._pending]
        return self._commit(viterbi(self._hmm, evidence, self._carried))

    def _commit(self, path: Indices) -> list[Segment]:
        """Decide the first pending segments as `path` has them, and let them go."""
        if not len(path):
            return []
        evidence = [segment.evidence for segment in self._pending]
        rows = posteriors(self._hmm, evidence, self._carried)[: len(path)]
        decided, self._pending = self._pending[: len(path)], self._pending[len(path) :]
        self._carried = carry_on(self._hmm, evidence[: len(path)], path, self._carried)
        closed: list[Segment] = []
        intervals = [segment.interval for segment in decided]
        counts = [interval.frames for interval in intervals]
        labels, frames = np.repeat(path, counts), np.repeat(rows, counts, axis=0)
        for span in label_spans(intervals, labels, frames, self.classes):
            closed += self._merger.push(span)
        self._history += zip(evidence[: len(path)], rows, strict=True)
        oldest = evidence[-1].end - HISTORY_SECONDS
        self._history = [known for known in self._history if known[0].end >= oldest]
        return closed
