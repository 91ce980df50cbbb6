"""The scores of an evaluation of clips: what ``metrics.json`` holds."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.evaluation.clip_results import (
    SEXES,
    ClipResult,
    system_probabilities,
    true_indices,
)
from bilstm_hmm.evaluation.metrics import (
    bootstrap_interval,
    class_recalls,
    expected_calibration_error,
    macro_f1,
    paired_bootstrap,
    reported_interval,
    unweighted_accuracy,
    weighted_accuracy,
)

_COMPARED = (("hybrid", "bilstm"), ("hybrid", "hmm"), ("hmm", "bilstm"))

Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _TestClips:
    """What is known of the test clips: class indices, speakers, sexes (or ""), fold numbers."""

    classes: Sequence[str]
    truth: Labels
    speakers: Sequence[Hashable]
    sexes: NDArray[np.str_]
    folds: Labels


def compute_metrics(
    protocol: str,
    speaker_independent: bool,
    classes: Sequence[str],
    results: Sequence[ClipResult],
    folds: Sequence[int],
) -> dict[str, Any]:
    """Return what ``metrics.json`` holds, made of plain types.

    ``ua``, ``wa``, ``f1``, ``ece`` and ``recalls`` are over all test clips together, each clip
    scored by the one model that did not train on it; ``ua_per_fold`` is in the order of
    ``folds``, their numbers. ``ua_by_sex`` is over the clips of women and of men, where there
    are any. ``ua_interval`` is the 95 % interval over resampled speakers, None with fewer than
    `MIN_SPEAKERS`, and ``comparison`` holds the difference of two systems' UA with its interval.
    Percentages have two decimals; the ECE is a fraction.

    Parameters
    ----------
    folds
        The number of the fold that each clip was tested in, ``[n_clips]``.
    """
    clips = _TestClips(
        classes,
        true_indices(results, classes),
        [result.speaker for result in results],
        np.array([result.sex or "" for result in results]),
        np.asarray(folds),
    )
    probabilities = {
        system: system_probabilities(results, system) for system in results[0].probabilities
    }
    predicted = {system: p.argmax(axis=1) for system, p in probabilities.items()}
    return {
        "protocol": protocol,
        "speaker_independent": speaker_independent,
        "classes": list(classes),
        "clips": len(results),
        "speakers": len({result.speaker for result in results}),
        "folds": np.unique(clips.folds).tolist(),
        "systems": {
            system: _system_scores(clips, probabilities[system], predicted[system])
            for system in probabilities
        },
        "comparison": {
            f"{first}-{second}": _difference(clips, predicted[first], predicted[second])
            for first, second in _COMPARED
            if first in predicted and second in predicted
        },
    }


def accuracies(
    results: Sequence[ClipResult], classes: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Return UA and WA of every system over clips, without what takes resampling."""
    truth = true_indices(results, classes)
    predicted = {
        system: system_probabilities(results, system).argmax(axis=1)
        for system in results[0].probabilities
    }
    return {
        system: {
            "ua": _rounded(unweighted_accuracy(truth, labels)),
            "wa": _rounded(weighted_accuracy(truth, labels)),
        }
        for system, labels in predicted.items()
    }


def scores_by_corpus(
    classes: Sequence[str], results: Sequence[ClipResult], corpora: Sequence[str]
) -> dict[str, dict[str, dict[str, float]]]:
    """Return UA and ECE of every system on each corpus, by system, then by corpus.

    UA is that over the emotions that the corpus has; any of `classes` may have been answered.

    Parameters
    ----------
    corpora
        The corpus of each clip, ``[n_clips]``.
    """
    truth, of_clip = true_indices(results, classes), np.asarray(corpora)
    scores: dict[str, dict[str, dict[str, float]]] = {}
    for system in results[0].probabilities:
        probabilities = system_probabilities(results, system)
        predicted = probabilities.argmax(axis=1)
        scores[system] = {
            corpus: {
                "ua": _rounded(unweighted_accuracy(truth[inside], predicted[inside])),
                "ece": round(expected_calibration_error(probabilities[inside], truth[inside]), 4),
            }
            for corpus in dict.fromkeys(corpora)
            for inside in [of_clip == corpus]
        }
    return scores


def _system_scores(
    clips: _TestClips, probabilities: NDArray[np.float64], predicted: Labels
) -> dict[str, Any]:
    truth = clips.truth
    recalls = class_recalls(truth, predicted, len(clips.classes))

    def ua(subset: NDArray[np.bool_]) -> float:
        return _rounded(unweighted_accuracy(truth[subset], predicted[subset]))

    interval = bootstrap_interval(unweighted_accuracy, truth, predicted, clips.speakers)
    return {
        "ua": _rounded(unweighted_accuracy(truth, predicted)),
        "wa": _rounded(weighted_accuracy(truth, predicted)),
        "f1": _rounded(macro_f1(truth, predicted)),
        "ece": round(expected_calibration_error(probabilities, truth), 4),
        "ua_per_fold": [ua(clips.folds == number) for number in np.unique(clips.folds)],
        "ua_by_sex": {sex: ua(clips.sexes == sex) for sex in SEXES if sex in clips.sexes},
        "ua_interval": reported_interval(interval, clips.speakers),
        "recalls": {
            label: None if np.isnan(recall) else _rounded(recall)
            for label, recall in zip(clips.classes, recalls, strict=True)
        },
    }


def _difference(clips: _TestClips, first: Labels, second: Labels) -> dict[str, Any]:
    """UA of the first system less that of the second, and its interval."""
    difference, *interval = paired_bootstrap(
        unweighted_accuracy, clips.truth, first, second, clips.speakers
    )
    return {
        "ua": _rounded(difference),
        "ua_interval": reported_interval(interval, clips.speakers),
    }


def _rounded(value: float) -> float:
    return round(float(value), 2)
