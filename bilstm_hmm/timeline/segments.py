"""From the emotions of frames to segments in time: pauses are bridged, long silence is named."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bilstm_hmm.arrays import FloatArray, FloatMatrix, Indices
from bilstm_hmm.numerics import find_runs
from bilstm_hmm.prediction import NO_SPEECH, Segment


@dataclass(frozen=True, slots=True)
class SpeechInterval:
    """Speech without a pause.

    Attributes
    ----------
    start, end
        In seconds.
    frames
        How many frames it has, at `rate` a second.
    """

    start: float
    end: float
    frames: int
    rate: float

    def times(self) -> FloatMatrix:
        """Return the middle of each frame, in seconds."""
        middles = self.start + (np.arange(self.frames) + 0.5) / self.rate
        return np.asarray(np.minimum(middles, self.end), np.float64)


@dataclass(frozen=True, slots=True)
class LabelledSpan:
    """Part of a recording with one emotion.

    Attributes
    ----------
    start, end
        In seconds.
    frames
        How many frames of speech it has.
    confidence_sum
        The sum of their confidences.
    """

    start: float
    end: float
    emotion: str
    frames: int
    confidence_sum: float


def merge_segments(
    intervals: Sequence[SpeechInterval],
    path: Indices,
    posteriors: FloatArray | FloatMatrix,
    classes: Sequence[str],
    silence: float,
    duration: float,
) -> tuple[Segment, ...]:
    """Return the segments of a recording, in order.

    Parameters
    ----------
    intervals
        In order; their frames are those of `path` and `posteriors`.
    path
        The emotion of each frame, ``[T]``.
    posteriors
        The probability of each emotion at each frame, ``[T, E]``.
    silence
        Seconds between two intervals that are a segment of their own. A shorter pause belongs to
        the emotion on its two sides, or to each of them by half.
    duration
        Of the recording, in seconds.
    """
    merger = SegmentMerger(silence)
    segments: list[Segment] = []
    for span in label_spans(intervals, path, posteriors, classes):
        segments += merger.push(span)
    return (*segments, *merger.close(duration))


class SegmentMerger:
    """Makes segments of spans as they come; `silence` as in `merge_segments`."""

    def __init__(self, silence: float) -> None:
        self._silence = silence
        self._open: LabelledSpan | None = None
        # Where the last segment ends.
        self._end = 0.0

    def push(self, span: LabelledSpan) -> list[Segment]:
        """Take the next span; return the segments that are closed by it."""
        if self._open is None:
            self._open = span
            return []
        *closed, self._open = merge_across_pause(self._open, span, self._silence)
        return self._closed(closed[0]) if closed else []

    def pause(self) -> list[Segment]:
        """Return the open segment, closed: there is silence now."""
        closed, self._open = self._open, None
        return [] if closed is None else self._closed(closed)

    def close(self, duration: float) -> list[Segment]:
        """Return what is left of a recording of `duration` seconds."""
        return [*self.pause(), *self._silence_until(duration)]

    def _closed(self, span: LabelledSpan) -> list[Segment]:
        silence = self._silence_until(span.start)
        self._end = span.end
        confidence = span.confidence_sum / span.frames
        return [*silence, Segment(span.start, span.end, span.emotion, confidence)]

    def _silence_until(self, time: float) -> list[Segment]:
        return [silence_segment(self._end, time)] if time - self._end >= self._silence else []


def silence_segment(start: float, end: float) -> Segment:
    """Return a segment in which nobody speaks, which is decided by level and no probability."""
    return Segment(start, end, NO_SPEECH, 1.0)


def label_spans(
    intervals: Sequence[SpeechInterval],
    path: Indices,
    posteriors: FloatArray | FloatMatrix,
    classes: Sequence[str],
) -> Iterator[LabelledSpan]:
    """Yield the spans of one emotion in each interval; parameters as of `merge_segments`."""
    first = 0
    for interval in intervals:
        labels = path[first : first + interval.frames]
        confidences = posteriors[np.arange(first, first + interval.frames), labels]
        for start, stop in find_runs(labels):
            is_last = stop == interval.frames
            yield LabelledSpan(
                start=interval.start + start / interval.rate,
                end=interval.end if is_last else interval.start + stop / interval.rate,
                emotion=classes[int(labels[start])],
                frames=stop - start,
                confidence_sum=float(confidences[start:stop].sum(dtype=np.float64)),
            )
        first += interval.frames


def merge_across_pause(
    left: LabelledSpan, right: LabelledSpan, silence: float
) -> tuple[LabelledSpan, ...]:
    """Return one span after another as they stand in the timeline: as one, or meeting half way."""
    if right.start - left.end >= silence:
        return left, right
    if left.emotion == right.emotion:
        merged = replace(
            left,
            end=right.end,
            frames=left.frames + right.frames,
            confidence_sum=left.confidence_sum + right.confidence_sum,
        )
        return (merged,)
    boundary = 0.5 * (left.end + right.start)
    return replace(left, end=boundary), replace(right, start=boundary)
