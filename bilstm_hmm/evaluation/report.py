"""What an evaluation leaves behind: tables, a report to read, and the files of its folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from bilstm_hmm.atomic_files import atomic_write
from bilstm_hmm.evaluation.baselines import BASELINES
from bilstm_hmm.evaluation.clip_results import (
    ClipResult,
    compute_metrics,
    system_probabilities,
    true_indices,
    write_predictions,
)
from bilstm_hmm.evaluation.metrics import confusion_matrix
from bilstm_hmm.evaluation.plots import write_confusion, write_reliability
from bilstm_hmm.evaluation.tables import (
    escape_markdown,
    int8_note,
    interval_verdict,
    markdown_table,
    score_row,
    terminal_table,
)
from bilstm_hmm.hmm.fusion import SYSTEMS

if TYPE_CHECKING:
    from rich.table import Table

Document = Mapping[str, Any]


def write_evaluation(
    folder: Path,
    protocol: str,
    speaker_independent: bool,
    classes: Sequence[str],
    results: Sequence[ClipResult],
    folds: Sequence[int],
    cost: Document | None = None,
) -> dict[str, Any]:
    """Write everything an evaluation leaves into `folder`; return the document of its scores.

    ``metrics.json``, ``report.md``, ``predictions.csv``, and for each of `SYSTEMS`
    ``confusion_<system>.png``, ``confusion_<system>.csv`` and ``reliability_<system>.png``.
    The other arguments are those of `compute_metrics`.

    Parameters
    ----------
    cost
        What the training took, for the document: ``parameters`` and
        ``train_seconds_per_fold``, in the order of the folds.

    Raises
    ------
    ToolkitError
        A file cannot be written.
    """
    document = compute_metrics(protocol, speaker_independent, classes, results, folds)
    document |= cost or {}
    truth = true_indices(results, classes)
    kind = independence(document)
    texts = []
    write_predictions(folder / "predictions.csv", results, classes)
    for system, scores in document["systems"].items():
        if system not in SYSTEMS:
            continue
        probabilities = system_probabilities(results, system)
        predicted = probabilities.argmax(axis=1)
        title = f"{protocol} ({kind}), {system}"
        write_confusion(
            confusion_matrix(truth, predicted, len(classes)),
            classes,
            folder / f"confusion_{system}.png",
            folder / f"confusion_{system}.csv",
            f"{title}\nUA {scores['ua']:.1f} %, WA {scores['wa']:.1f} %",
        )
        write_reliability(probabilities, truth, folder / f"reliability_{system}.png", title)
        texts.append((system, classification_report(truth, predicted, classes)))
    write_report_markdown(folder / "report.md", document, dict(texts))
    atomic_write(folder / "metrics.json", json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return document


def independence(document: Document) -> str:
    """Return ``speaker-independent`` or, loudly, ``SPEAKER-DEPENDENT``."""
    return "speaker-independent" if document["speaker_independent"] else "SPEAKER-DEPENDENT"


def classification_report(truth: ArrayLike, predicted: ArrayLike, labels: Sequence[str]) -> str:
    """Return scikit-learn's table of precision, recall and F1 a class, as text.

    `truth` and `predicted` hold indices into `labels`.
    """
    import sklearn.metrics

    return str(
        sklearn.metrics.classification_report(
            truth,
            predicted,
            labels=np.arange(len(labels)),
            target_names=list(labels),
            digits=3,
            zero_division=0,
        )
    )


def results_table(document: Document) -> "Table":
    """Return the scores as a table for the terminal (rich): a row a system."""
    title = f"{document['protocol']}, {document['clips']} clips, {independence(document)}"
    return terminal_table(title, _score_rows(document))


def write_report_markdown(
    path: Path, document: Document, classification: Mapping[str, str]
) -> None:
    """Write the report to read: scores, comparison, recalls, folds, pictures and tables.

    `document` is that of `write_evaluation`, `classification` the text of
    `classification_report` for each system that has a section of its own. Pictures are linked
    by the names that `write_evaluation` gives them.
    """
    parts = [
        f"# Evaluation: {document['protocol']}",
        _warning(document),
        f"{document['clips']} test clips, {len(document['classes'])} classes: "
        f"{escape_markdown(', '.join(document['classes']))}.",
        markdown_table(_score_rows(document)),
        "UA is the mean of the class recalls, WA the share of clips labelled right, both in "
        "percent; the interval resamples whole speakers; ECE is the expected calibration error, "
        "from 0 to 1.",
    ]
    parts += [*int8_note(document["systems"]), *_floors(document)]
    if document.get("parameters") is not None:
        parts.append(f"The network has {document['parameters']:,} parameters.")
    if document["comparison"]:
        parts += ["## Comparison", _comparison(document["comparison"])]
    parts += ["## Recall of each class (%)", markdown_table(_recall_rows(document))]
    if any(scores["ua_by_sex"] for scores in document["systems"].values()):
        parts += ["## UA by sex of the speaker (%)", markdown_table(_sex_rows(document))]
    parts += ["## UA of each fold (%)", markdown_table(_fold_rows(document))]
    for system, table in classification.items():
        parts += [
            f"## {system}",
            f"![Confusion matrix of {system}](confusion_{system}.png)",
            f"![Reliability of {system}](reliability_{system}.png)",
            f"```\n{table.rstrip()}\n```",
        ]
    atomic_write(path, "\n\n".join(parts) + "\n")


def _warning(document: Document) -> str:
    if document["speaker_independent"]:
        return "Speaker-independent: no test speaker is in training or validation."
    return (
        "> **SPEAKER-DEPENDENT: test speakers were also heard in training. These figures are "
        "speaker-dependent: unknown speakers would give lower ones, so that they must not be "
        "set beside speaker-independent figures.**"
    )


def _floors(document: Document) -> list[str]:
    """Tell what the floors are, where there are any."""
    if not set(BASELINES) & set(document["systems"]):
        return []
    return [
        "Two floors to compare with: `posterior-mean` is the network alone, the mean of its "
        "frame posteriors without pooling or HMMs; `hmm-raw` is one HMM an emotion on the "
        "features themselves, without a network."
    ]


def _score_rows(document: Document) -> list[list[str]]:
    rows = [["system", "UA", "95 % interval", "WA", "F1", "ECE"]]
    rows.extend(score_row(system, scores) for system, scores in document["systems"].items())
    return rows


def _recall_rows(document: Document) -> list[list[str]]:
    systems = document["systems"]
    rows = [["class", *systems]]
    for label in document["classes"]:
        recalls = [scores["recalls"][label] for scores in systems.values()]
        rows.append([label, *("no clips" if r is None else f"{r:.1f}" for r in recalls)])
    return rows


def _fold_rows(document: Document) -> list[list[str]]:
    systems = document["systems"]
    per_fold = zip(*(scores["ua_per_fold"] for scores in systems.values()), strict=True)
    rows = [["fold", *systems]]
    for number, fold in zip(document["folds"], per_fold, strict=True):
        rows.append([str(number), *(f"{ua:.1f}" for ua in fold)])
    means = [np.mean(scores["ua_per_fold"]) for scores in systems.values()]
    rows.append(["mean", *(f"{mean:.1f}" for mean in means)])
    if "train_seconds_per_fold" in document:
        seconds = document["train_seconds_per_fold"]
        known = [s for s in seconds if s is not None]
        column = ["training (s)", *seconds, np.mean(known) if known else None]
        for row, cell in zip(rows, column, strict=True):
            row.append(cell if isinstance(cell, str) else _seconds(cell))
    return rows


def _seconds(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0f}"


def _sex_rows(document: Document) -> list[list[str]]:
    systems = document["systems"]
    rows = [["sex", *systems]]
    for sex in next(iter(systems.values()))["ua_by_sex"]:
        rows.append([sex, *(f"{scores['ua_by_sex'][sex]:.1f}" for scores in systems.values())])
    return rows


def _comparison(comparison: Document) -> str:
    lines = []
    for pair, found in comparison.items():
        first, second = pair.split("-")
        low, high = found["ua_interval"]
        lines.append(
            f"- {first} less {second}: {found['ua']:+.1f} points of UA "
            f"(95 % interval {low:+.1f} to {high:+.1f}), {interval_verdict(low, high)}."
        )
    return "\n".join(lines)
