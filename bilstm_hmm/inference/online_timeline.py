"""The timeline of a stream: phrases as they end, turns as they are settled."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.arrays import FloatArray
from bilstm_hmm.features.vad.segmenter import SPEECH_PAD
from bilstm_hmm.inference.recording_timeline import recording_composite, timeline_parameters
from bilstm_hmm.inference.scoring import RecordingScores, Scorer, make_segmenter
from bilstm_hmm.prediction import Segment
from bilstm_hmm.timeline.composite_hmm import apply_temperature, emotion_posteriors, viterbi
from bilstm_hmm.timeline.online_viterbi import resume_inside, stable_prefix
from bilstm_hmm.timeline.segments import SegmentMerger, SpeechInterval, label_spans

FloatMatrix = NDArray[np.float64]

#: Seconds of speech that may wait for a decision. A path that is not settled by then is taken as
#: it is best, or what waits would grow while frames say nothing.
MAX_PENDING_SECONDS = 30.0
#: Seconds of what is settled that updates may still tell of.
HISTORY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Frames:
    """Frames without a pause, and what they say, ``[T, E]``."""

    piece: SpeechInterval
    evidence: FloatMatrix

    def split(self, count: int) -> tuple["_Frames", "_Frames"]:
        """The first `count` frames and the others."""
        piece, rate = self.piece, self.piece.rate
        border = piece.start + count / rate
        return (
            _Frames(SpeechInterval(piece.start, border, count, rate), self.evidence[:count]),
            _Frames(
                SpeechInterval(border, piece.end, piece.frames - count, rate), self.evidence[count:]
            ),
        )


class OnlineTimeline:
    """Follows a recording at the rate of the model's features, block by block.

    What is held does not grow: the open phrase, and the frames whose path is not settled.
    """

    def __init__(self, scorer: Scorer) -> None:
        bundle = scorer.bundle
        self.classes = bundle.classes
        self._scorer = scorer
        self._settings = bundle.recipe.timeline
        self._rate = bundle.recipe.features.rate
        self._cutter = make_segmenter(bundle.recipe)
        self._weights = timeline_parameters(bundle)
        self._composite = recording_composite(bundle)
        self._calmer = apply_temperature(self._composite, self._weights.inverse_temperature)
        self._joiner = SegmentMerger(self._settings.silence)
        # Frames that are not settled, and the emotion in whose middle they begin.
        self._waiting: list[_Frames] = []
        self._before: FloatMatrix | None = None
        self._last: float | None = None
        # Times and probabilities of settled frames.
        self._known: list[tuple[FloatMatrix, FloatMatrix]] = []

    def push(self, samples: FloatArray) -> list[Segment]:
        """Take the next samples ``[n]``; return the segments that are decided by them."""
        return self._take(self._scorer.score_segments(self._cutter.push(samples)))

    def close(self, duration: float) -> list[Segment]:
        """Return the rest of the segments of a recording of `duration` seconds."""
        closed = self._take(self._scorer.score_segments(self._cutter.flush()), duration)
        return closed + self._end_section() + self._joiner.close(duration)

    def shares(self, time: float) -> FloatMatrix | None:
        """Return the probability of each emotion at a time, ``[E]``; None where nobody speaks."""
        tail = list(self._waiting)
        held = self._cutter.open_segment()
        if held is not None:
            tail += self._frames(self._scorer.score_segments([held]), np.inf)
        known = list(self._known)
        if tail:
            known.append(self._curve(tail))
        times = np.concatenate([np.zeros(0), *(times for times, _ in known)])
        place = int(np.searchsorted(times, time, side="right")) - 1
        if place < 0 or time - times[place] >= self._settings.silence:
            return None
        found: FloatMatrix = np.concatenate([shares for _, shares in known])[place]
        return found

    def _take(self, found: tuple[RecordingScores, ...], duration: float = np.inf) -> list[Segment]:
        closed: list[Segment] = []
        for frames in self._frames(found, duration):
            if self._last is not None and frames.piece.start - self._last >= self._settings.silence:
                closed += self._end_section()
            self._waiting.append(frames)
            self._last = frames.piece.end
        if self._is_silent():
            return closed + self._end_section()
        return closed + self._settle() if found else closed

    def _is_silent(self) -> bool:
        """Whether what comes can no longer begin within a short pause."""
        if self._last is None or self._cutter.in_speech:
            return False
        earliest = self._cutter.n_judged / self._rate - SPEECH_PAD
        return earliest - self._last >= self._settings.silence

    def _frames(self, found: tuple[RecordingScores, ...], duration: float) -> list[_Frames]:
        return [
            _Frames(
                e.interval(duration),
                self._weights.combine_scores(e.frame_logits, e.frame_log_likelihoods).astype(
                    np.float64
                ),
            )
            for e in found
        ]

    def _settle(self) -> list[Segment]:
        """Decide what nothing to come can change."""
        densities = _joined(self._waiting)[..., None]
        path = stable_prefix(self._composite, densities, self._before)
        most = round(MAX_PENDING_SECONDS * self._waiting[0].piece.rate)
        if len(densities) - len(path) > most:
            path = viterbi(self._composite, densities, self._before)[: len(densities) - most // 2]
        return self._decide(path[: self._restart(path)])

    def _restart(self, path: NDArray[np.intp]) -> int:
        """How many of the decided frames may go, so that decoding goes on as if they were there.

        Up to the middle of an emotion that is old, or to where one begins.
        """
        borders = [0, *(np.flatnonzero(np.diff(path)) + 1).tolist(), len(path)]
        for begun, stop in reversed(list(pairwise(borders))):
            began_before = begun == 0 and self._before is not None
            if stop - begun >= self._composite.min_frames or (began_before and stop > begun):
                return stop
        return 0

    def _end_section(self) -> list[Segment]:
        """Decide all that waits: behind a long silence everything begins anew."""
        closed: list[Segment] = []
        if self._waiting:
            densities = _joined(self._waiting)[..., None]
            closed = self._decide(viterbi(self._composite, densities, self._before))
        self._before, self._last = None, None
        return closed + self._joiner.pause()

    def _decide(self, path: NDArray[np.intp]) -> list[Segment]:
        """Let the first frames go as `path` has them."""
        if not len(path):
            return []
        times, shares = self._curve(self._waiting)
        gone = self._split(len(path))
        closed: list[Segment] = []
        for span in label_spans([frames.piece for frames in gone], path, shares, self.classes):
            closed += self._joiner.push(span)
        self._before = resume_inside(int(path[-1]), len(self.classes))
        self._known.append((times[: len(path)], shares[: len(path)]))
        self._known = [part for part in self._known if part[0][-1] >= times[-1] - HISTORY_SECONDS]
        return closed

    def _split(self, count: int) -> list[_Frames]:
        """Take the first `count` frames off what waits."""
        gone: list[_Frames] = []
        while count:
            frames = self._waiting.pop(0)
            if frames.piece.frames > count:
                frames, rest = frames.split(count)
                self._waiting.insert(0, rest)
            gone.append(frames)
            count -= frames.piece.frames
        return gone

    def _curve(self, frames: list[_Frames]) -> tuple[FloatMatrix, FloatMatrix]:
        sureness = self._weights.inverse_temperature
        before = None if self._before is None else self._before * sureness
        densities = sureness * _joined(frames)[..., None]
        times = np.concatenate([f.piece.times() for f in frames])
        return times, emotion_posteriors(self._calmer, densities, before)


def _joined(frames: list[_Frames]) -> FloatMatrix:
    return np.concatenate([f.evidence for f in frames])
