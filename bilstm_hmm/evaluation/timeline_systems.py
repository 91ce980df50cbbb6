"""Ways to a timeline, compared on the same recordings with the same model.

``frame-argmax`` takes each frame's likeliest emotion by the network; ``median-filter`` smooths the
frames' posteriors first; ``windows`` labels 3 s at a time, each as a clip of its own;
``composite-hmm`` is the timeline of the model: the network scores each segment of speech by
itself, and the composite HMM joins them. ``phrase-argmax`` and ``phrase-median`` are the first two
on segments scored so, and without the HMM: they separate the effect of the one from that of the
other.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from bilstm_hmm.arrays import FloatArray, Indices
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.scoring import RecordingScores
from bilstm_hmm.numerics import find_runs
from bilstm_hmm.prediction import LabelledInterval
from bilstm_hmm.timeline.median_filter import median_labels

COMPOSITE = "composite-hmm"
TIMELINE_SYSTEMS = (
    "frame-argmax",
    "median-filter",
    "windows",
    "phrase-argmax",
    "phrase-median",
    COMPOSITE,
)
#: Seconds of a window that is labelled as a clip of its own.
WINDOW_SECONDS = 3.0
#: Width of the median filter, in seconds.
MEDIAN_WIDTH = 1.0


def timelines(model: Model, samples: FloatArray) -> dict[str, tuple[LabelledInterval, ...]]:
    """Return the timeline of a recording by each system.

    Parameters
    ----------
    samples
        float32 ``[n]`` at the rate of the model's features.
    """
    scores, segments = model.score(samples), model.score_speech(samples)
    answer = model.predict(samples, model.bundle.recipe.features.rate)
    argmax = scores.frame_logits.argmax(axis=1)
    median = median_labels(scores.frame_logits, scores.rate, MEDIAN_WIDTH)
    by_system = (
        frame_intervals(argmax, scores, model.classes),
        frame_intervals(median, scores, model.classes),
        window_intervals(model, samples),
        *segment_intervals(segments, MEDIAN_WIDTH, model.classes),
        tuple((s.start, s.end, s.emotion) for s in answer.segments),
    )
    return dict(zip(TIMELINE_SYSTEMS, by_system, strict=True))


def frame_intervals(
    labels: Indices, scores: RecordingScores, classes: Sequence[str]
) -> tuple[LabelledInterval, ...]:
    """Join frames of one emotion, ``[T]``; the last interval reaches to the end of the sound."""
    starts = [start for start, _ in find_runs(labels)]
    times = [*(scores.start + start / scores.rate for start in starts), scores.end]
    return tuple(
        (begin, end, classes[int(labels[start])])
        for start, (begin, end) in zip(starts, pairwise(times), strict=True)
    )


def segment_intervals(
    segments: Sequence[RecordingScores], width: float, classes: Sequence[str]
) -> tuple[tuple[LabelledInterval, ...], tuple[LabelledInterval, ...]]:
    """Label each frame of each segment of speech by its logits, and by the logits around it.

    The pauses between segments are left out of both, and no segment is longer for them.

    Parameters
    ----------
    width
        Of the median filter, in seconds.
    """
    if not segments:
        return (), ()
    logits = np.concatenate([segment.frame_logits for segment in segments])
    ends = np.cumsum([len(segment.frame_logits) for segment in segments])
    argmax, median = (
        tuple(
            interval
            for of_segment, segment in zip(np.split(labels, ends[:-1]), segments, strict=True)
            for interval in frame_intervals(of_segment, segment, classes)
        )
        for labels in (logits.argmax(axis=1), median_labels(logits, segments[0].rate, width))
    )
    return argmax, median


def window_intervals(model: Model, samples: FloatArray) -> tuple[LabelledInterval, ...]:
    """Label one window after the other by the model's decision.

    What is left behind the last window belongs to it where it is shorter than half a one.
    """
    rate, system = model.bundle.recipe.features.rate, model.bundle.recipe.decision.system
    size = round(WINDOW_SECONDS * rate)
    starts = [size * number for number in range(max(1, round(len(samples) / size)))]
    intervals = []
    for start, stop in pairwise([*starts, len(samples)]):
        by_system = model.probabilities_by_system(model.score(samples[start:stop]))
        emotion = model.classes[int(by_system[system].argmax())]
        intervals.append((start / rate, stop / rate, emotion))
    return tuple(intervals)
