"""What an evaluation leaves behind: tables, a report to read, and the files of its folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from bilstm_hmm.atomic_files import atomic_write
from bilstm_hmm.confidence.risk_coverage import fit_risk_coverage
from bilstm_hmm.evaluation.baselines import BASELINES
from bilstm_hmm.evaluation.clip_metrics import compute_metrics
from bilstm_hmm.evaluation.clip_results import (
    ClipResult,
    system_probabilities,
    true_indices,
    write_predictions,
)
from bilstm_hmm.evaluation.metrics import confusion_matrix
from bilstm_hmm.evaluation.plots import (
    write_confusion_matrix,
    write_reliability_diagram,
    write_risk_coverage,
)
from bilstm_hmm.evaluation.tables import (
    difference_text,
    escape_markdown,
    fold_rows,
    int8_note,
    interval_note,
    interval_verdict,
    label_rows,
    markdown_table,
    score_row,
    terminal_table,
)
from bilstm_hmm.hmm.fusion import SYSTEMS

if TYPE_CHECKING:
    from rich.table import Table

Metrics = Mapping[str, Any]


def write_evaluation(
    folder: Path,
    protocol: str,
    speaker_independent: bool,
    classes: Sequence[str],
    results: Sequence[ClipResult],
    folds: Sequence[int],
    cost: Metrics | None = None,
) -> dict[str, Any]:
    """Write everything an evaluation leaves into `folder`; return the metrics.

    ``metrics.json``, ``report.md``, ``predictions.csv``, and for each of `SYSTEMS`
    ``confusion_<system>.png``, ``confusion_<system>.csv``, ``reliability_<system>.png`` and
    ``risk_coverage_<system>.png``.
    The other arguments are those of `compute_metrics`.

    Parameters
    ----------
    cost
        What the training took, for the metrics: ``parameters`` and
        ``train_seconds_per_fold``, in the order of the folds.

    Raises
    ------
    ToolkitError
        A file cannot be written.
    """
    metrics = compute_metrics(protocol, speaker_independent, classes, results, folds)
    metrics |= cost or {}
    write_predictions(folder / "predictions.csv", results, classes)
    reports = {
        system: _write_system(folder, system, metrics, results)
        for system in metrics["systems"]
        if system in SYSTEMS
    }
    write_report_markdown(folder / "report.md", metrics, reports)
    atomic_write(folder / "metrics.json", json.dumps(metrics, indent=2, ensure_ascii=False) + "\n")
    return metrics


def _write_system(
    folder: Path, system: str, metrics: Metrics, results: Sequence[ClipResult]
) -> str:
    """Write the pictures of a system; return its `classification_report`."""
    classes, scores = metrics["classes"], metrics["systems"][system]
    truth, probabilities = true_indices(results, classes), system_probabilities(results, system)
    predicted = probabilities.argmax(axis=1)
    title = f"{metrics['protocol']} ({independence(metrics)}), {system}"
    write_confusion_matrix(
        confusion_matrix(truth, predicted, len(classes)),
        classes,
        folder / f"confusion_{system}.png",
        folder / f"confusion_{system}.csv",
        f"{title}\nUA {scores['ua']:.1f} %, WA {scores['wa']:.1f} %",
    )
    write_reliability_diagram(probabilities, truth, folder / f"reliability_{system}.png", title)
    table = {system: fit_risk_coverage(probabilities, truth)}
    write_risk_coverage(table, folder / f"risk_coverage_{system}.png", title)
    return classification_report(truth, predicted, classes)


def independence(metrics: Metrics) -> str:
    """Return ``speaker-independent`` or, loudly, ``SPEAKER-DEPENDENT``."""
    return "speaker-independent" if metrics["speaker_independent"] else "SPEAKER-DEPENDENT"


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


def results_table(metrics: Metrics) -> "Table":
    """Return the scores as a table for the terminal (rich): a row a system."""
    title = f"{metrics['protocol']}, {metrics['clips']} clips, {independence(metrics)}"
    return terminal_table(title, _score_rows(metrics))


def write_report_markdown(path: Path, metrics: Metrics, reports: Mapping[str, str]) -> None:
    """Write the report to read: scores, comparison, recalls, folds, pictures and tables.

    `metrics` are those of `write_evaluation`, `reports` the text of
    `classification_report` for each system that has a section of its own. Pictures are linked
    by the names that `write_evaluation` gives them.
    """
    systems = metrics["systems"]
    parts = [
        f"# Evaluation: {metrics['protocol']}",
        _warning(metrics),
        f"{metrics['clips']} test clips, {len(metrics['classes'])} classes: "
        f"{escape_markdown(', '.join(metrics['classes']))}.",
        markdown_table(_score_rows(metrics)),
        "UA is the mean of the class recalls, WA the share of clips labelled right, both in "
        f"percent; {interval_note(systems)}; ECE is the expected calibration error, from 0 to 1.",
    ]
    parts += [*int8_note(systems), *_baselines_note(systems)]
    if metrics.get("parameters") is not None:
        parts.append(f"The network has {metrics['parameters']:,} parameters.")
    if metrics["comparison"]:
        parts += ["## Comparison", _comparison(metrics["comparison"])]
    parts += [
        "## Recall of each class (%)",
        markdown_table(label_rows("class", systems, ["recalls"], missing="no clips")),
    ]
    if any(scores["ua_by_sex"] for scores in systems.values()):
        parts += [
            "## UA by sex of the speaker (%)",
            markdown_table(label_rows("sex", systems, ["ua_by_sex"], missing="no clips")),
        ]
    parts += ["## UA of each fold (%)", markdown_table(_fold_rows(metrics))]
    for system, table in reports.items():
        parts += [
            f"## {system}",
            f"![Confusion matrix of {system}](confusion_{system}.png)",
            f"![Reliability of {system}](reliability_{system}.png)",
            f"![Risk and coverage of {system}](risk_coverage_{system}.png)",
            f"```\n{table.rstrip()}\n```",
        ]
    atomic_write(path, "\n\n".join(parts) + "\n")


def _warning(metrics: Metrics) -> str:
    if metrics["speaker_independent"]:
        return "Speaker-independent: no test speaker is in training or validation."
    return (
        "> **SPEAKER-DEPENDENT: test speakers were also heard in training. These figures are "
        "speaker-dependent: unknown speakers would give lower ones, so that they must not be "
        "set beside speaker-independent figures.**"
    )


def _baselines_note(systems: Metrics) -> list[str]:
    """Say what the baselines are, where there are any."""
    if not set(BASELINES) & set(systems):
        return []
    return [
        "Two floors to compare with: `posterior-mean` is the network alone, the mean of its "
        "frame posteriors without pooling or HMMs; `hmm-raw` is one HMM an emotion on the "
        "features themselves, without a network."
    ]


def _score_rows(metrics: Metrics) -> list[list[str]]:
    rows = [["system", "UA", "95 % interval", "WA", "F1", "ECE"]]
    rows.extend(score_row(system, scores) for system, scores in metrics["systems"].items())
    return rows


def _fold_rows(metrics: Metrics) -> list[list[str]]:
    systems = metrics["systems"]
    rows = fold_rows(systems, metrics["folds"], "ua_per_fold")
    means = [np.mean(scores["ua_per_fold"]) for scores in systems.values()]
    rows.append(["mean", *(f"{mean:.1f}" for mean in means)])
    if "train_seconds_per_fold" in metrics:
        header, *seconds = _seconds_column(metrics["train_seconds_per_fold"])
        for row, cell in zip(rows, [header, *seconds], strict=True):
            row.append(cell)
    return rows


def _seconds_column(seconds: Sequence[float | None]) -> list[str]:
    known = [s for s in seconds if s is not None]
    mean = float(np.mean(known)) if known else None
    return ["training (s)", *("unknown" if s is None else f"{s:.0f}" for s in (*seconds, mean))]


def _comparison(comparison: Metrics) -> str:
    lines = []
    for pair, difference in comparison.items():
        interval = difference["ua_interval"]
        first, second = pair.split("-")
        text = difference_text(first, second, difference["ua"], "UA", interval)
        lines.append(f"- {text}, {interval_verdict(interval)}.")
    return "\n".join(lines)
