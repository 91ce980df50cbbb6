"""Not answering: what a model is not sure enough of is `unsure`, and stays without an emotion.

Selective classification by the confidence (Chow, 1970; Geifman & El-Yaniv, 2017).
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from bilstm_hmm.prediction import NO_SPEECH, UNSURE, Failure, Prediction, Segment

_Result = TypeVar("_Result", Prediction, Prediction | Failure)


def abstain(result: _Result, threshold: float | None) -> _Result:
    """Return a prediction that is `unsure` where its confidence is below the threshold.

    Its emotion is None then, its confidence and its probabilities are what they were. So are
    segments whose own confidence is below; neighbours become one.

    Parameters
    ----------
    threshold
        None leaves everything as it is.
    """
    if threshold is None or not isinstance(result, Prediction) or result.emotion is None:
        return result
    is_unsure = result.confidence is not None and result.confidence < threshold
    segments = abstain_in_segments(result.segments, threshold)
    spoken = [segment for segment in result.segments if segment.emotion != NO_SPEECH]
    if len(spoken) == 1:
        # What all of the speech is must not be known of it in the timeline and not in the label.
        segments = tuple(
            segment if segment.emotion == NO_SPEECH else _with(segment, result.emotion, is_unsure)
            for segment in result.segments
        )
    emotion = None if is_unsure else result.emotion
    return replace(result, emotion=emotion, unsure=is_unsure, segments=segments)


def abstain_in_segments(segments: Iterable[Segment], threshold: float) -> tuple[Segment, ...]:
    """Return segments, those of less confidence as `unsure`, neighbours of them joined."""
    done: list[Segment] = []
    for segment in segments:
        if segment.emotion == NO_SPEECH or segment.confidence >= threshold:
            done.append(segment)
        elif done and done[-1].emotion == UNSURE and done[-1].end == segment.start:
            done.append(_joined(done.pop(), segment))
        else:
            done.append(replace(segment, emotion=UNSURE))
    return tuple(done)


def _joined(one: Segment, next_one: Segment) -> Segment:
    """Two stretches as one, with their mean confidence over time."""
    lengths = one.end - one.start, next_one.end - next_one.start
    total = max(sum(lengths), 1e-9)
    confidence = (one.confidence * lengths[0] + next_one.confidence * lengths[1]) / total
    return Segment(one.start, next_one.end, UNSURE, confidence)


def _with(segment: Segment, emotion: str, is_unsure: bool) -> Segment:
    return replace(segment, emotion=UNSURE if is_unsure else emotion)
