"""Scores of a timeline against the true one: by frame, by boundary, by number of segments.

Frames are of 10 ms. Time outside of the true turns (the pauses between two of them) is not scored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.data.clip import NEUTRAL
from bilstm_hmm.evaluation.metrics import paired_bootstrap, reported_interval
from bilstm_hmm.prediction import NO_SPEECH, LabelledInterval

Counts = NDArray[np.int64]

FRAME_SECONDS = 0.01
TOLERANCE = 0.5


@dataclass(frozen=True, slots=True)
class TimelineCounts:
    """What the scores of recordings are made of; those of several recordings add up.

    Attributes
    ----------
    frames
        int64 ``[C, C + 1]``: scored frames by true and by predicted class; the last column is no
        speech, nothing, or none of the classes.
    matched_boundaries, predicted_boundaries, true_boundaries
        Numbers of boundaries between two emotions.
    predicted_segments, true_segments
        Numbers of segments.
    """

    frames: Counts
    matched_boundaries: int
    predicted_boundaries: int
    true_boundaries: int
    predicted_segments: int
    true_segments: int


def count_recording(
    truth: Sequence[LabelledInterval], predicted: Sequence[LabelledInterval], classes: Sequence[str]
) -> TimelineCounts:
    """Compare the timeline of a recording with the true one.

    Parameters
    ----------
    truth, predicted
        In order of time, without overlap.
    classes
        All that `truth` may hold.
    """
    boundaries, true_boundaries = _boundaries(predicted), _boundaries(truth)
    return TimelineCounts(
        frames=_count_frames(truth, predicted, classes),
        matched_boundaries=match_boundaries(true_boundaries, boundaries),
        predicted_boundaries=len(boundaries),
        true_boundaries=len(true_boundaries),
        predicted_segments=len(merge_equal(predicted)),
        true_segments=len(merge_equal(truth)),
    )


def sum_counts(counts: Sequence[TimelineCounts]) -> TimelineCounts:
    """Return the counts of several recordings together."""
    return TimelineCounts(
        frames=np.sum([c.frames for c in counts], axis=0),
        matched_boundaries=sum(c.matched_boundaries for c in counts),
        predicted_boundaries=sum(c.predicted_boundaries for c in counts),
        true_boundaries=sum(c.true_boundaries for c in counts),
        predicted_segments=sum(c.predicted_segments for c in counts),
        true_segments=sum(c.true_segments for c in counts),
    )


def merge_equal(intervals: Sequence[LabelledInterval]) -> list[LabelledInterval]:
    """Return the intervals without `NO_SPEECH`, equal neighbours as one."""
    merged: list[LabelledInterval] = []
    for start, end, emotion in intervals:
        if emotion == NO_SPEECH:
            continue
        continues = bool(merged) and merged[-1][2] == emotion
        merged.append((merged.pop()[0] if continues else start, end, emotion))
    return merged


def match_boundaries(
    truth: Sequence[tuple[float, float]],
    predicted: Sequence[tuple[float, float]],
    tolerance: float = TOLERANCE,
) -> int:
    """Return how many true boundaries can be matched with predicted ones, one to one.

    Parameters
    ----------
    truth, predicted
        Boundaries from when to when, in order of time: a boundary is as long as the pause in it,
        and anything in the pause is at distance 0.
    tolerance
        Largest distance, in seconds.
    """
    matched = here = there = 0
    # Both are in order, so that to match the earliest that fit leaves most for the others.
    while here < len(truth) and there < len(predicted):
        # Times are sums of frames: what is as far as the tolerance may lie a rounding beyond.
        late = predicted[there][0] - truth[here][1] > tolerance + 1e-9
        early = truth[here][0] - predicted[there][1] > tolerance + 1e-9
        matched += not late and not early
        here += not early
        there += not late
    return matched


def _boundaries(intervals: Sequence[LabelledInterval]) -> list[tuple[float, float]]:
    return [(end, start) for (_, end, _), (start, _, _) in pairwise(merge_equal(intervals))]


def _count_frames(
    truth: Sequence[LabelledInterval], predicted: Sequence[LabelledInterval], classes: Sequence[str]
) -> Counts:
    index = {name: number for number, name in enumerate(classes)}
    centres = (np.arange(round(truth[-1][1] / FRAME_SECONDS)) + 0.5) * FRAME_SECONDS
    true, guess = _labels(truth, centres, index), _labels(predicted, centres, index)
    scored = true < len(classes)
    cells = true[scored] * (len(classes) + 1) + guess[scored]
    counts = np.bincount(cells, minlength=len(classes) * (len(classes) + 1))
    return counts.reshape(len(classes), len(classes) + 1).astype(np.int64)


def _labels(
    intervals: Sequence[LabelledInterval], centres: NDArray[np.floating], index: dict[str, int]
) -> Counts:
    """The class at each time, the number of classes where there is none."""
    nothing = len(index)
    starts = np.array([start for start, _, _ in intervals])
    ends = np.array([end for _, end, _ in intervals])
    labels = np.array([index.get(emotion, nothing) for *_, emotion in intervals], dtype=np.int64)
    if not len(labels):
        return np.full(len(centres), nothing, np.int64)
    interval = np.searchsorted(starts, centres, side="right") - 1
    inside = (interval >= 0) & (centres < ends[interval])
    return np.where(inside, labels[interval], nothing)


def compute_timeline_metrics(counts: TimelineCounts, classes: Sequence[str]) -> dict[str, float]:
    """Return the scores of a timeline, of one recording or of several pooled.

    ``frame_accuracy``, ``frame_ua`` (the mean recall of the classes in truth) and ``eder`` are
    in percent, ``boundary_f1`` goes from 0 to 1, and ``segment_ratio`` is predicted segments over
    true ones.
    """
    total = counts.frames.sum(axis=1)
    right = np.diagonal(counts.frames)
    present = total > 0
    boundaries = counts.predicted_boundaries + counts.true_boundaries
    return {
        "frame_accuracy": float(100.0 * right.sum() / total.sum()),
        "frame_ua": float(100.0 * np.mean(right[present] / total[present])),
        "eder": float(100.0 * error_frames(counts, classes) / total.sum()),
        "boundary_f1": 2.0 * counts.matched_boundaries / boundaries if boundaries else 1.0,
        "segment_ratio": counts.predicted_segments / counts.true_segments,
    }


def error_frames(counts: TimelineCounts, classes: Sequence[str]) -> int:
    """Return the frames of false alarm, of missed and of confused emotion.

    Over all scored frames they make the emotion diarisation error rate, EDER (Y. Wang et al.,
    "Speech emotion diarization: which emotion appears when?", ASRU 2023). Neutral and no speech
    are no emotion, so that to take one for the other is no error.
    """
    emotional = np.array([name != NEUTRAL for name in classes])
    predicted_emotional = np.append(emotional, False)
    right_emotional = np.diagonal(counts.frames)[emotional].sum()
    right_unemotional = counts.frames[~emotional][:, ~predicted_emotional].sum()
    return int(counts.frames.sum() - right_emotional - right_unemotional)


def eder_difference(
    first: Sequence[TimelineCounts],
    second: Sequence[TimelineCounts],
    speakers: Sequence[str],
    classes: Sequence[str],
) -> dict[str, Any]:
    """Compare the EDER of two systems on the same recordings.

    Returns
    -------
    ``relative_reduction``, by how many percent of the second's EDER the first's is lower, None
    where the second has none; ``eder``, the first's less the second's in points; and
    ``eder_interval``, its 95 % interval over resampled speakers, None with fewer than
    `MIN_SPEAKERS`.
    """
    scored = [int(c.frames.sum()) for c in first]
    errors, other_errors = (
        [error_frames(c, classes) for c in counts] for counts in (first, second)
    )

    def rate(frames: Counts, errors: Counts) -> float:
        return float(100.0 * errors.sum() / frames.sum())

    difference, *interval = paired_bootstrap(rate, scored, errors, other_errors, speakers)
    base = rate(np.array(scored), np.array(other_errors))
    return {
        "relative_reduction": round(-100.0 * difference / base, 2) if base else None,
        "eder": round(difference, 2),
        "eder_interval": reported_interval(interval, speakers),
    }
