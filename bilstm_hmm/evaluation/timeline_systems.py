"""Ways to a timeline, compared on the same recordings with the same model.

``frame-argmax`` takes each frame's likeliest emotion by the network; ``median-filter`` smooths the
frames' posteriors first; ``windows`` labels 3 s at a time, each as a clip on its own;
``composite-hmm`` is the timeline that the model gives: the network hears each phrase on its own,
and the composite HMM joins them. ``phrase-argmax`` and ``phrase-median`` are the first two with
phrases heard so, and without the HMM, and tell the one from the other.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.evaluation.timeline_metrics import LabelledInterval
from bilstm_hmm.features.frames import FloatArray
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.scoring import RecordingScores
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
#: Seconds of a window that is labelled on its own.
WINDOW = 3.0
#: Width of the median filter, in seconds, with a model that none was fitted for.
MEDIAN = 1.0


def timelines(model: Model, samples: FloatArray) -> dict[str, tuple[LabelledInterval, ...]]:
    """Return the timeline of a recording by each system.

    Parameters
    ----------
    samples
        float32 ``[n]`` at the rate of the model's features.
    """
    fitted, evidence = model.bundle.timeline, model.score(samples)
    phrases, duration = (
        model.score_segments(samples),
        len(samples) / model.bundle.recipe.features.rate,
    )
    width = MEDIAN if fitted is None else fitted.median_width
    argmax = evidence.frame_logits.argmax(axis=1)
    median = median_labels(evidence.frame_logits, evidence.rate, width)
    found = (
        frame_spans(argmax, evidence, model.classes),
        frame_spans(median, evidence, model.classes),
        window_spans(model, samples),
        *phrase_spans(phrases, width, model.classes),
        tuple((s.start, s.end, s.emotion) for s in model.timeline(evidence, phrases, duration)),
    )
    return dict(zip(TIMELINE_SYSTEMS, found, strict=True))


def frame_spans(
    labels: NDArray[np.intp], evidence: RecordingScores, classes: Sequence[str]
) -> tuple[LabelledInterval, ...]:
    """Join frames of one emotion, ``[T]``; the last reaches to the end of the sound."""
    borders = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist()]
    times = [*(evidence.start + border / evidence.rate for border in borders), evidence.end]
    return tuple(
        (start, end, classes[int(labels[border])])
        for border, (start, end) in zip(borders, pairwise(times), strict=True)
    )


def phrase_spans(
    phrases: Sequence[RecordingScores], width: float, classes: Sequence[str]
) -> tuple[tuple[LabelledInterval, ...], tuple[LabelledInterval, ...]]:
    """Label each frame of each phrase by its logits, and by the logits around it.

    The pauses between phrases are left out of both, and no phrase is longer for them.

    Parameters
    ----------
    width
        Of the median filter, in seconds.
    """
    if not phrases:
        return (), ()
    logits = np.concatenate([phrase.frame_logits for phrase in phrases])
    found = []
    for labels in (logits.argmax(axis=1), median_labels(logits, phrases[0].rate, width)):
        own = np.split(labels, np.cumsum([len(phrase.frame_logits) for phrase in phrases])[:-1])
        parts = zip(own, phrases, strict=True)
        found.append(
            tuple(span for part, phrase in parts for span in frame_spans(part, phrase, classes))
        )
    return found[0], found[1]


def window_spans(model: Model, samples: FloatArray) -> tuple[LabelledInterval, ...]:
    """Label one window after the other by the model's decision.

    What is left behind the last whole window belongs to it where it is shorter than half a one.
    """
    rate, system = model.bundle.recipe.features.rate, model.bundle.recipe.decision.system
    size = round(WINDOW * rate)
    borders = [size * number for number in range(max(1, round(len(samples) / size)))]
    spans = []
    for start, stop in pairwise([*borders, len(samples)]):
        shares = model.probabilities_by_system(model.score(samples[start:stop]))[system]
        spans.append((start / rate, stop / rate, model.classes[int(shares.argmax())]))
    return tuple(spans)
