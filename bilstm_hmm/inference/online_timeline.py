"""The timeline of a stream: speech segments as they end, emotions once nothing can change them."""

from dataclasses import dataclass

import numpy as np

from bilstm_hmm.arrays import FloatArray, FloatMatrix, Indices
from bilstm_hmm.features.vad.segmenter import SPEECH_PAD
from bilstm_hmm.inference.recording_timeline import recording_composite, timeline_parameters
from bilstm_hmm.inference.scoring import RecordingScores, Scorer, make_segmenter
from bilstm_hmm.numerics import runs
from bilstm_hmm.prediction import Segment
from bilstm_hmm.timeline.composite_hmm import apply_temperature
from bilstm_hmm.timeline.decoding import posteriors, viterbi
from bilstm_hmm.timeline.online_viterbi import resume_inside, stable_prefix
from bilstm_hmm.timeline.segments import SegmentMerger, SpeechInterval, label_spans

#: Seconds of speech that may wait for a decision. A path that is not stable by then is taken as
#: it is best, or what waits would grow while frames say nothing.
MAX_PENDING_SECONDS = 30.0
#: Seconds of decided frames whose probabilities can still be asked for.
HISTORY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Frames:
    """Frames without a pause, and their weighted scores, ``[T, E]``."""

    interval: SpeechInterval
    scores: FloatMatrix

    def split(self, count: int) -> tuple["_Frames", "_Frames"]:
        """The first `count` frames and the others."""
        interval, rate = self.interval, self.interval.rate
        boundary = interval.start + count / rate
        first = SpeechInterval(interval.start, boundary, count, rate)
        rest = SpeechInterval(boundary, interval.end, interval.frames - count, rate)
        return _Frames(first, self.scores[:count]), _Frames(rest, self.scores[count:])


class OnlineTimeline:
    """Follows a recording at the rate of the model's features, block by block.

    What is held does not grow: the open speech segment, and the frames that are not decided.
    """

    def __init__(self, scorer: Scorer) -> None:
        bundle = scorer.bundle
        self.classes = bundle.classes
        self._scorer = scorer
        self._silence = bundle.recipe.timeline.min_silence_segment
        self._rate = bundle.recipe.features.rate
        self._segmenter = make_segmenter(bundle.recipe)
        self._parameters = timeline_parameters(bundle)
        self._composite = recording_composite(bundle)
        self._tempered = apply_temperature(self._composite, self._parameters.inverse_temperature)
        self._merger = SegmentMerger(self._silence)
        # Frames that are not decided, what goes before the first of them (the middle of an
        # emotion), and where the last one ends.
        self._pending: list[_Frames] = []
        self._carry: FloatMatrix | None = None
        self._speech_end: float | None = None
        # Times and probabilities of decided frames.
        self._history: list[tuple[FloatMatrix, FloatMatrix]] = []

    def push(self, samples: FloatArray) -> list[Segment]:
        """Take the next samples ``[n]``; return the segments that are decided by them."""
        return self._accept(self._scorer.score_segments(self._segmenter.push(samples)))

    def close(self, duration: float) -> list[Segment]:
        """Return the rest of the segments of a recording of `duration` seconds."""
        scores = self._scorer.score_segments(self._segmenter.flush())
        closed = self._accept(scores, duration)
        return closed + self._end_section() + self._merger.close(duration)

    def probabilities_at(self, time: float) -> FloatMatrix | None:
        """Return the probability of each emotion at a time, ``[E]``; None where nobody speaks."""
        tail = list(self._pending)
        open_segment = self._segmenter.open_segment()
        if open_segment is not None:
            tail += self._weighted(self._scorer.score_segments([open_segment]))
        curves = list(self._history)
        if tail:
            curves.append(self._curve(tail))
        times = np.concatenate([np.zeros(0), *(times for times, _ in curves)])
        index = int(np.searchsorted(times, time, side="right")) - 1
        if index < 0 or time - times[index] >= self._silence:
            return None
        row: FloatMatrix = np.concatenate([probabilities for _, probabilities in curves])[index]
        return row

    def _accept(
        self, segments: tuple[RecordingScores, ...], duration: float = np.inf
    ) -> list[Segment]:
        closed: list[Segment] = []
        for frames in self._weighted(segments, duration):
            start, end = frames.interval.start, frames.interval.end
            if self._speech_end is not None and start - self._speech_end >= self._silence:
                closed += self._end_section()
            self._pending.append(frames)
            self._speech_end = end
        if self._is_silent():
            return closed + self._end_section()
        return closed + self._commit_stable() if segments else closed

    def _is_silent(self) -> bool:
        """Whether what comes can no longer begin within a short pause."""
        if self._speech_end is None or self._segmenter.in_speech:
            return False
        earliest = self._segmenter.n_judged / self._rate - SPEECH_PAD
        return earliest - self._speech_end >= self._silence

    def _weighted(
        self, segments: tuple[RecordingScores, ...], duration: float = np.inf
    ) -> list[_Frames]:
        weighted = []
        for segment in segments:
            scores = self._parameters.combine_scores(
                segment.frame_logits, segment.frame_log_likelihoods
            )
            weighted.append(_Frames(segment.interval(duration), scores.astype(np.float64)))
        return weighted

    def _commit_stable(self) -> list[Segment]:
        """Decide what nothing to come can change."""
        scores = _concatenated(self._pending)
        path = stable_prefix(self._composite, scores, self._carry)
        most = round(MAX_PENDING_SECONDS * self._pending[0].interval.rate)
        if len(scores) - len(path) > most:
            path = self._best_path(scores)[: len(scores) - most // 2]
        return self._commit(path[: self._restart_point(path)])

    def _best_path(self, scores: FloatMatrix) -> Indices:
        return viterbi(self._composite, scores[:, None], before=self._carry)[:, 0]

    def _restart_point(self, path: Indices) -> int:
        """How many of the stable frames may go, so that decoding goes on as if they were there.

        Up to the middle of an emotion that has had its minimum duration, or to where one begins.
        """
        for start, stop in reversed(runs(path)):
            is_carried_on = start == 0 and self._carry is not None
            if stop - start >= self._composite.min_frames or is_carried_on:
                return stop
        return 0

    def _end_section(self) -> list[Segment]:
        """Decide all that is pending: behind a long silence everything begins anew."""
        closed: list[Segment] = []
        if self._pending:
            closed = self._commit(self._best_path(_concatenated(self._pending)))
        self._carry, self._speech_end = None, None
        return closed + self._merger.pause()

    def _commit(self, path: Indices) -> list[Segment]:
        """Decide the first pending frames as `path` has them, and let them go."""
        if not len(path):
            return []
        times, probabilities = self._curve(self._pending)
        intervals = [frames.interval for frames in self._take(len(path))]
        closed: list[Segment] = []
        for span in label_spans(intervals, path, probabilities, self.classes):
            closed += self._merger.push(span)
        self._carry = resume_inside(int(path[-1]), len(self.classes))
        self._history.append((times[: len(path)], probabilities[: len(path)]))
        oldest = times[-1] - HISTORY_SECONDS
        self._history = [curve for curve in self._history if curve[0][-1] >= oldest]
        return closed

    def _take(self, count: int) -> list[_Frames]:
        """Take the first `count` frames off the pending ones."""
        taken: list[_Frames] = []
        while count:
            frames = self._pending.pop(0)
            if frames.interval.frames > count:
                frames, rest = frames.split(count)
                self._pending.insert(0, rest)
            taken.append(frames)
            count -= frames.interval.frames
        return taken

    def _curve(self, frames: list[_Frames]) -> tuple[FloatMatrix, FloatMatrix]:
        """Times and probabilities of frames that follow the decided ones."""
        inverse_temperature = self._parameters.inverse_temperature
        carry = None if self._carry is None else self._carry * inverse_temperature
        scores = inverse_temperature * _concatenated(frames)[:, None]
        times = np.concatenate([part.interval.times() for part in frames])
        return times, posteriors(self._tempered, scores, before=carry)[:, 0]


def _concatenated(frames: list[_Frames]) -> FloatMatrix:
    return np.concatenate([part.scores for part in frames])
