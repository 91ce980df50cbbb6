"""Scores of a timeline against the true one: by frame, by border, by number of segments.

Frames are of 10 ms. Time outside of the true turns (the pauses between two of them) is not scored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.data.clip import NEUTRAL
from bilstm_hmm.evaluation.metrics import paired_bootstrap
from bilstm_hmm.prediction import NO_SPEECH

Counts = NDArray[np.int64]
#: Start and end in seconds, and an emotion.
LabelledInterval = tuple[float, float, str]

FRAME = 0.01
TOLERANCE = 0.5


@dataclass(frozen=True, slots=True)
class TimelineCounts:
    """What the scores of recordings are made of; those of several recordings add up.

    Attributes
    ----------
    frames
        int64 ``[C, C + 1]``: scored frames by true class and by what was found; the last column
        is no speech, nothing, or none of the classes.
    matched, found_borders, true_borders
        Borders between two emotions: those matched, those found and those that there are.
    found_segments, true_segments
        Numbers of segments.
    """

    frames: Counts
    matched: int
    found_borders: int
    true_borders: int
    found_segments: int
    true_segments: int


def count_recording(
    truth: Sequence[LabelledInterval], found: Sequence[LabelledInterval], classes: Sequence[str]
) -> TimelineCounts:
    """Compare the timeline of a recording with the true one.

    Parameters
    ----------
    truth, found
        In order of time, without overlap.
    classes
        All that `truth` may hold.
    """
    borders, true_borders = _boundaries(found), _boundaries(truth)
    return TimelineCounts(
        frames=_frames(truth, found, classes),
        matched=match_boundaries(true_borders, borders),
        found_borders=len(borders),
        true_borders=len(true_borders),
        found_segments=len(merge_equal(found)),
        true_segments=len(merge_equal(truth)),
    )


def sum_counts(counts: Sequence[TimelineCounts]) -> TimelineCounts:
    """Return the counts of several recordings together."""
    return TimelineCounts(
        frames=np.sum([c.frames for c in counts], axis=0),
        matched=sum(c.matched for c in counts),
        found_borders=sum(c.found_borders for c in counts),
        true_borders=sum(c.true_borders for c in counts),
        found_segments=sum(c.found_segments for c in counts),
        true_segments=sum(c.true_segments for c in counts),
    )


def merge_equal(spans: Sequence[LabelledInterval]) -> list[LabelledInterval]:
    """Return the spans without `NO_SPEECH`, equal neighbours as one."""
    kept: list[LabelledInterval] = []
    for start, end, emotion in spans:
        if emotion == NO_SPEECH:
            continue
        goes_on = bool(kept) and kept[-1][2] == emotion
        kept.append((kept.pop()[0] if goes_on else start, end, emotion))
    return kept


def match_boundaries(
    truth: Sequence[tuple[float, float]],
    found: Sequence[tuple[float, float]],
    tolerance: float = TOLERANCE,
) -> int:
    """Return how many true borders can be matched with found ones, one to one.

    Parameters
    ----------
    truth, found
        Borders from when to when, in order of time: a border is as long as the pause in it, and
        anything in the pause is at distance 0.
    tolerance
        Largest distance, in seconds.
    """
    matched = here = there = 0
    # Both are in order, so that to match the earliest that fit leaves most for the others.
    while here < len(truth) and there < len(found):
        # Times are sums of frames: what is as far as the tolerance may lie a rounding beyond.
        late = found[there][0] - truth[here][1] > tolerance + 1e-9
        early = truth[here][0] - found[there][1] > tolerance + 1e-9
        matched += not late and not early
        here += not early
        there += not late
    return matched


def _boundaries(spans: Sequence[LabelledInterval]) -> list[tuple[float, float]]:
    return [(end, start) for (_, end, _), (start, _, _) in pairwise(merge_equal(spans))]


def _frames(
    truth: Sequence[LabelledInterval], found: Sequence[LabelledInterval], classes: Sequence[str]
) -> Counts:
    index = {name: number for number, name in enumerate(classes)}
    centres = (np.arange(round(truth[-1][1] / FRAME)) + 0.5) * FRAME
    true, said = _labels(truth, centres, index), _labels(found, centres, index)
    scored = true < len(classes)
    cells = true[scored] * (len(classes) + 1) + said[scored]
    counts = np.bincount(cells, minlength=len(classes) * (len(classes) + 1))
    return counts.reshape(len(classes), len(classes) + 1).astype(np.int64)


def _labels(
    spans: Sequence[LabelledInterval], centres: NDArray[np.floating], index: dict[str, int]
) -> Counts:
    """The class at each time, the number of classes where there is none."""
    nothing = len(index)
    starts = np.array([start for start, _, _ in spans])
    ends = np.array([end for _, end, _ in spans])
    own = np.array([index.get(emotion, nothing) for *_, emotion in spans], dtype=np.int64)
    if not len(own):
        return np.full(len(centres), nothing, np.int64)
    place = np.searchsorted(starts, centres, side="right") - 1
    inside = (place >= 0) & (centres < ends[place])
    return np.where(inside, own[place], nothing)


def scores(counts: TimelineCounts, classes: Sequence[str]) -> dict[str, float]:
    """Return the scores of a timeline, of one recording or of several pooled.

    ``frame_accuracy``, ``frame_ua`` (the mean recall of the classes in truth) and ``eder`` are
    in percent, ``boundary_f1`` goes from 0 to 1, and ``segment_ratio`` is segments found over
    segments true.
    """
    total = counts.frames.sum(axis=1)
    right = np.diagonal(counts.frames)
    there = total > 0
    borders = counts.found_borders + counts.true_borders
    return {
        "frame_accuracy": float(100.0 * right.sum() / total.sum()),
        "frame_ua": float(100.0 * np.mean(right[there] / total[there])),
        "eder": float(100.0 * error_frames(counts, classes) / total.sum()),
        "boundary_f1": 2.0 * counts.matched / borders if borders else 1.0,
        "segment_ratio": counts.found_segments / counts.true_segments,
    }


def error_frames(counts: TimelineCounts, classes: Sequence[str]) -> int:
    """Return the frames of false alarm, of missed and of confused emotion.

    Over all scored frames they make the emotion diarisation error rate, EDER (Y. Wang et al.,
    "Speech emotion diarization: which emotion appears when?", ASRU 2023). Neutral and no speech
    are no emotion, so that to take one for the other is no error.
    """
    emotional = np.array([name != NEUTRAL for name in classes])
    found_emotional = np.append(emotional, False)
    right = int(np.diagonal(counts.frames).sum())
    quiet = counts.frames[~emotional][:, ~found_emotional].sum()
    right_emotional = right - int(np.diagonal(counts.frames)[~emotional].sum())
    return int(counts.frames.sum()) - right_emotional - int(quiet)


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
    ``eder_interval``, its 95 % interval over resampled speakers.
    """
    scored = [int(c.frames.sum()) for c in first]
    wrong, others = ([error_frames(c, classes) for c in counts] for counts in (first, second))

    def rate(frames: Counts, errors: Counts) -> float:
        return float(100.0 * errors.sum() / frames.sum())

    difference, *interval = paired_bootstrap(rate, scored, wrong, others, speakers)
    base = rate(np.array(scored), np.array(others))
    return {
        "relative_reduction": round(-100.0 * difference / base, 2) if base else None,
        "eder": round(difference, 2),
        "eder_interval": [round(end, 2) for end in interval],
    }
