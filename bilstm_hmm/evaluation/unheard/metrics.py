"""The scores of corpora that were left out: what ``metrics.json`` holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bilstm_hmm.evaluation.metrics import (
    bootstrap_interval,
    class_recalls,
    expected_calibration_error,
    log_loss,
    reported_interval,
    unweighted_accuracy,
    weighted_accuracy,
)
from bilstm_hmm.evaluation.unheard.results import KnownResult, KnownResults

#: The scores that have a mean over the corpora, with their digits.
_DIGITS = {"ua": 2, "wa": 2, "ece": 4, "log_loss": 4}


@dataclass(frozen=True, slots=True, eq=False)
class LeftOutCorpus:
    """A corpus that was left out of the training, and what came of it.

    Attributes
    ----------
    name, fold
        Of the corpus, and the number of its fold.
    trained_on
        The other corpora.
    classes
        The emotions that were trained.
    left_out
        Clips of emotions that were not, by emotion.
    results
        Of its other clips.
    cost
        What is known of the training, such as ``parameters`` and ``train_seconds``.
    """

    name: str
    fold: int
    trained_on: tuple[str, ...]
    classes: tuple[str, ...]
    left_out: Mapping[str, int]
    results: KnownResults
    cost: Mapping[str, Any]


def unheard_metrics(
    protocol: str, decision_system: str, corpora: Sequence[LeftOutCorpus]
) -> dict[str, Any]:
    """Return what ``metrics.json`` holds, made of plain types.

    ``corpora`` has for each corpus, below ``known``, the scores of every system by how much was
    known of the voices: ``ua`` and ``recalls`` over the corpus's own emotions, ``wa``, ``ece``
    and ``log_loss``, and the 95 % interval of UA of the system that decides, over resampled
    speakers. ``mean`` has the means over the corpora, those of the recalls over the corpora that
    have the emotion.
    """
    measured = {corpus.name: _corpus_metrics(corpus, decision_system) for corpus in corpora}
    return {
        "protocol": protocol,
        "speaker_independent": True,
        "system": decision_system,
        "folds": [corpus.fold for corpus in corpora],
        "clips": sum(one["clips"] for one in measured.values()),
        "speakers": sum(one["speakers"] for one in measured.values()),
        "corpora": measured,
        "mean": _means([one["known"] for one in measured.values()]),
    }


def _corpus_metrics(corpus: LeftOutCorpus, decision_system: str) -> dict[str, Any]:
    first = next(iter(corpus.results.values()))
    return {
        "fold": corpus.fold,
        "trained_on": list(corpus.trained_on),
        "classes": list(corpus.classes),
        "own_classes": [name for name in corpus.classes if name in first.truths],
        "left_out": dict(corpus.left_out),
        "clips": len(first.names),
        "speakers": len(set(first.speakers)),
        **corpus.cost,
        "known": known_metrics(corpus.results, corpus.classes, decision_system),
    }


def known_metrics(
    results: KnownResults, classes: Sequence[str], decision_system: str
) -> dict[str, Any]:
    """Return the scores of every system by how much was known of the voices.

    ``clips_known`` is how many clips that was on average; ``systems`` as in `unheard_metrics`.
    """
    return {
        known: {
            "clips_known": round(float(result.n_known.mean()), 1),
            "systems": {
                system: _scores(result, system, classes, system == decision_system)
                for system in result.probabilities
            },
        }
        for known, result in results.items()
    }


def _scores(
    result: KnownResult, system: str, classes: Sequence[str], with_interval: bool
) -> dict[str, Any]:
    probabilities = result.probabilities[system]
    truth = np.array([classes.index(name) for name in result.truths], dtype=np.int64)
    predicted = probabilities.argmax(axis=1)
    recalls = class_recalls(truth, predicted, len(classes))
    scores = {
        "ua": round(unweighted_accuracy(truth, predicted), 2),
        "wa": round(weighted_accuracy(truth, predicted), 2),
        "ece": round(expected_calibration_error(probabilities, truth), 4),
        "log_loss": round(log_loss(probabilities, truth), 4),
        "recalls": {
            label: round(float(recall), 2)
            for label, recall in zip(classes, recalls, strict=True)
            if not np.isnan(recall)
        },
    }
    if with_interval:
        ends = bootstrap_interval(unweighted_accuracy, truth, predicted, result.speakers)
        scores["ua_interval"] = reported_interval(ends, result.speakers)
    return scores


def _means(corpora: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the means over the corpora, by what is known and by system."""
    means: dict[str, Any] = {}
    for known, first in corpora[0].items():
        means[known] = {}
        for system in first["systems"]:
            scores = [corpus[known]["systems"][system] for corpus in corpora]
            recalls: dict[str, list[float]] = {}
            for of_corpus in scores:
                for label, recall in of_corpus["recalls"].items():
                    recalls.setdefault(label, []).append(recall)
            means[known][system] = {
                **{
                    key: round(float(np.mean([one[key] for one in scores])), digits)
                    for key, digits in _DIGITS.items()
                },
                "recalls": {
                    label: round(float(np.mean(values)), 2) for label, values in recalls.items()
                },
            }
    return means
