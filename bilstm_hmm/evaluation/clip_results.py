"""What an evaluation found out: each clip's probabilities, and the scores made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.atomic_files import atomic_write
from bilstm_hmm.data.clip import Sex
from bilstm_hmm.delimited_text import table_text
from bilstm_hmm.evaluation.metrics import (
    bootstrap_interval,
    class_recalls,
    expected_calibration_error,
    macro_f1,
    paired_bootstrap,
    unweighted_accuracy,
    weighted_accuracy,
)

_COMPARED = (("hybrid", "bilstm"), ("hybrid", "hmm"), ("hmm", "bilstm"))
SEXES: tuple[Sex, ...] = ("female", "male")


@dataclass(frozen=True, slots=True)
class ClipResult:
    """A test clip and what each system says of it.

    `probabilities` maps a system's name to its probabilities, ``[n_classes]``, in the order of
    the evaluation's classes. `sex` is the speaker's, None where it is not known.
    """

    name: str
    speaker: str
    truth: str
    probabilities: Mapping[str, NDArray[np.floating[Any]]]
    sex: Sex | None = None


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
    are any. ``ua_interval`` is the 95 % interval over resampled speakers, and ``comparison``
    holds the difference of two systems' UA with its interval. Percentages have two decimals;
    the ECE is a fraction.

    Parameters
    ----------
    folds
        The number of the fold that each clip was tested in, ``[n_clips]``.
    """
    truth = true_indices(results, classes)
    speakers = [result.speaker for result in results]
    numbers = np.asarray(folds)
    sexes = np.array([result.sex or "" for result in results])
    systems, said = {}, {}
    for system in results[0].probabilities:
        probabilities = system_probabilities(results, system)
        predicted = said[system] = probabilities.argmax(axis=1)
        recalls = class_recalls(truth, predicted, len(classes))
        systems[system] = {
            "ua": _rounded(unweighted_accuracy(truth, predicted)),
            "wa": _rounded(weighted_accuracy(truth, predicted)),
            "f1": _rounded(macro_f1(truth, predicted)),
            "ece": round(expected_calibration_error(probabilities, truth), 4),
            "ua_per_fold": [
                _rounded(unweighted_accuracy(truth[numbers == n], predicted[numbers == n]))
                for n in np.unique(numbers)
            ],
            "ua_by_sex": {
                sex: _rounded(unweighted_accuracy(truth[sexes == sex], predicted[sexes == sex]))
                for sex in SEXES
                if sex in sexes
            },
            "ua_interval": _interval(
                bootstrap_interval(unweighted_accuracy, truth, predicted, speakers)
            ),
            "recalls": {
                label: None if np.isnan(recall) else _rounded(recall)
                for label, recall in zip(classes, recalls, strict=True)
            },
        }
    comparison = {}
    for first, second in _COMPARED:
        if first in said and second in said:
            difference, *interval = paired_bootstrap(
                unweighted_accuracy, truth, said[first], said[second], speakers
            )
            comparison[f"{first}-{second}"] = {
                "ua": _rounded(difference),
                "ua_interval": _interval(interval),
            }
    return {
        "protocol": protocol,
        "speaker_independent": speaker_independent,
        "classes": list(classes),
        "clips": len(results),
        "folds": np.unique(numbers).tolist(),
        "systems": systems,
        "comparison": comparison,
    }


def true_indices(results: Sequence[ClipResult], classes: Sequence[str]) -> NDArray[np.int64]:
    """Return each clip's true class as its index in `classes`, ``[n_clips]``."""
    index = {label: number for number, label in enumerate(classes)}
    return np.array([index[result.truth] for result in results], dtype=np.int64)


def system_probabilities(results: Sequence[ClipResult], system: str) -> NDArray[np.float64]:
    """Return the probabilities of one system, ``[n_clips, n_classes]``."""
    return np.array([result.probabilities[system] for result in results], dtype=np.float64)


def write_predictions(path: Path, results: Sequence[ClipResult], classes: Sequence[str]) -> None:
    """Write a row a clip: name, speaker, sex, truth, then each system's label and probabilities.

    The sex is empty where it is not known.
    """
    systems = list(results[0].probabilities)
    header = ["name", "speaker", "sex", "truth"]
    for system in systems:
        header += [system, *(f"{system} {label}" for label in classes)]
    rows = [header]
    for result in results:
        row = [result.name, result.speaker, result.sex or "", result.truth]
        for system in systems:
            shares = result.probabilities[system]
            row += [classes[int(np.argmax(shares))], *(f"{share:.6f}" for share in shares)]
        rows.append(row)
    atomic_write(path, table_text(rows))


def _rounded(value: float) -> float:
    return round(float(value), 2)


def _interval(ends: Sequence[float]) -> list[float]:
    return [_rounded(end) for end in ends]
