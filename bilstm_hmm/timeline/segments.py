"""From the emotions of frames to segments in time: pauses are bridged, long silence is named."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.features.frames import FloatArray
from bilstm_hmm.prediction import NO_SPEECH, Segment

FloatMatrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SpeechInterval:
    """Sound without a pause: where it begins and ends in seconds, and its frames."""

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
    """Part of a piece with one emotion; `sure` is the sum of its frames' confidences."""

    start: float
    end: float
    emotion: str
    frames: int
    sure: float


def merge_segments(
    pieces: Sequence[SpeechInterval],
    path: NDArray[np.intp],
    posteriors: FloatArray | FloatMatrix,
    classes: Sequence[str],
    silence: float,
    duration: float,
) -> tuple[Segment, ...]:
    """Return the segments of a recording, in order.

    Parameters
    ----------
    pieces
        In order; their frames are those of `path` and `posteriors`.
    path
        The emotion of each frame, ``[T]``.
    posteriors
        The probability of each emotion at each frame, ``[T, E]``.
    silence
        Seconds between two pieces that are a segment of their own. A shorter pause belongs to the
        emotion on its two sides, or to each of them by half.
    duration
        Of the recording, in seconds.
    """
    joiner = SegmentMerger(silence)
    found: list[Segment] = []
    for span in label_spans(pieces, path, posteriors, classes):
        found += joiner.push(span)
    return (*found, *joiner.close(duration))


class SegmentMerger:
    """Makes segments of spans as they come; `silence` as in `merge_segments`."""

    def __init__(self, silence: float) -> None:
        self._silence = silence
        self._open: LabelledSpan | None = None
        self._told = 0.0

    def push(self, span: LabelledSpan) -> list[Segment]:
        """Take the next span; return the segments that are closed by it."""
        if self._open is None:
            self._open = span
            return []
        *closed, self._open = merge_across_pause(self._open, span, self._silence)
        return self._segments(closed)

    def pause(self) -> list[Segment]:
        """Return the open segment, closed: there is silence now."""
        closed, self._open = self._open, None
        return self._segments([closed]) if closed else []

    def close(self, duration: float) -> list[Segment]:
        """Return what is left of a recording of `duration` seconds."""
        rest = self.pause()
        if duration - self._told >= self._silence:
            rest.append(silence_segment(self._told, duration))
        return rest

    def _segments(self, closed: Sequence[LabelledSpan]) -> list[Segment]:
        found = []
        for span in closed:
            if span.start - self._told >= self._silence:
                found.append(silence_segment(self._told, span.start))
            found.append(Segment(span.start, span.end, span.emotion, span.sure / span.frames))
            self._told = span.end
        return found


def silence_segment(start: float, end: float) -> Segment:
    """Return a segment in which nobody speaks, which is decided by level and no probability."""
    return Segment(start, end, NO_SPEECH, 1.0)


def label_spans(
    pieces: Sequence[SpeechInterval],
    path: NDArray[np.intp],
    posteriors: FloatArray | FloatMatrix,
    classes: Sequence[str],
) -> Iterator[LabelledSpan]:
    """Yield the spans of one emotion in each piece; parameters as `merge_segments`."""
    first = 0
    for piece in pieces:
        own = path[first : first + piece.frames]
        sure = posteriors[np.arange(first, first + piece.frames), own]
        borders = [0, *(np.flatnonzero(np.diff(own)) + 1).tolist(), piece.frames]
        for begun, stop in pairwise(borders):
            ends = piece.end if stop == piece.frames else piece.start + stop / piece.rate
            yield LabelledSpan(
                piece.start + begun / piece.rate,
                ends,
                classes[int(own[begun])],
                stop - begun,
                float(sure[begun:stop].sum(dtype=np.float64)),
            )
        first += piece.frames


def merge_across_pause(
    left: LabelledSpan, right: LabelledSpan, silence: float
) -> tuple[LabelledSpan, ...]:
    """Return one span after another as they stand in the timeline: as one, or meeting half way."""
    if right.start - left.end >= silence:
        return left, right
    if left.emotion == right.emotion:
        frames, sure = left.frames + right.frames, left.sure + right.sure
        return (LabelledSpan(left.start, right.end, left.emotion, frames, sure),)
    border = 0.5 * (left.end + right.start)
    return (
        LabelledSpan(left.start, border, left.emotion, left.frames, left.sure),
        LabelledSpan(border, right.end, right.emotion, right.frames, right.sure),
    )
