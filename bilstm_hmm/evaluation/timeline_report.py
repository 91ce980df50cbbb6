"""What an evaluation of timelines leaves behind: scores, a report to read, every segment."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bilstm_hmm.atomic_files import atomic_write
from bilstm_hmm.evaluation.tables import (
    difference_text,
    escape_markdown,
    fold_rows,
    interval_verdict,
    markdown_table,
    terminal_table,
)
from bilstm_hmm.evaluation.timeline_metrics import (
    TimelineCounts,
    compute_timeline_metrics,
    count_recording,
    eder_difference,
    sum_counts,
)
from bilstm_hmm.evaluation.timeline_results import TimelineResult, write_fold_timelines
from bilstm_hmm.evaluation.timeline_systems import COMPOSITE, TIMELINE_SYSTEMS

if TYPE_CHECKING:
    from rich.table import Table

Metrics = Mapping[str, Any]
Folds = Mapping[int, Sequence[TimelineResult]]

_DIGITS = {
    "frame_accuracy": 2,
    "frame_ua": 2,
    "eder": 2,
    "boundary_f1": 3,
    "segment_ratio": 3,
}
_EXPLAINED = (
    "Frames are of 10 ms; pauses between two turns are not scored. Accuracy is the share of frames "
    "with the right emotion, UA the mean over the emotions, both in percent. EDER, the emotion "
    "diarisation error rate, is the share of time with an emotion where there is none, none where "
    "there is one, or a wrong one, in percent; neutral and no speech are no emotion. Boundary F1 "
    "takes a border as found within 0.5 s of the pause between two turns; segments are those found "
    "over those true."
)
_SYSTEMS = (
    "`frame-argmax` is the network's likeliest emotion of each frame; `median-filter` the same, "
    "posteriors smoothed by a running median of one second; "
    "`windows` labels 3 s at a time, as clips of their own; `phrase-argmax` and `phrase-median` "
    "are the first two where the network hears each phrase on its own; and `composite-hmm` is the "
    "timeline that the model gives, the HMM over the same phrases."
)


def write_timeline_evaluation(
    folder: Path,
    protocol: str,
    speaker_independent: bool,
    classes: Sequence[str],
    folds: Folds,
    models: Sequence[Metrics],
) -> dict[str, Any]:
    """Write ``metrics.json``, ``report.md`` and ``timelines.csv``; return the metrics.

    Parameters
    ----------
    folds
        The results of each fold, by its number.
    models
        What is known of the model of each fold, in the same order.

    Raises
    ------
    ToolkitError
        A file cannot be written.
    """
    metrics = pooled_timeline_metrics(protocol, speaker_independent, classes, folds)
    metrics["models"] = list(models)
    write_fold_timelines(folder / "timelines.csv", folds)
    atomic_write(folder / "report.md", _report(metrics))
    atomic_write(folder / "metrics.json", json.dumps(metrics, indent=2, ensure_ascii=False) + "\n")
    return metrics


def pooled_timeline_metrics(
    protocol: str, speaker_independent: bool, classes: Sequence[str], folds: Folds
) -> dict[str, Any]:
    """Return what ``metrics.json`` holds, the scores pooled over all recordings.

    ``eder_per_fold`` is in the order of ``folds``; ``comparison`` is that of the composite HMM
    with each other system, see `eder_difference`.
    """
    results = [result for fold in folds.values() for result in fold]
    numbers = [number for number, fold in folds.items() for _ in fold]
    counts = {
        system: [count_recording(r.truth, r.predicted[system], classes) for r in results]
        for system in TIMELINE_SYSTEMS
    }
    speakers = [result.speaker for result in results]
    return {
        "protocol": protocol,
        "speaker_independent": speaker_independent,
        "classes": list(classes),
        "recordings": len(results),
        "speakers": len(set(speakers)),
        "folds": list(folds),
        "systems": {s: _scores(counts[s], numbers, list(folds), classes) for s in counts},
        "comparison": {
            f"{COMPOSITE}-{other}": eder_difference(
                counts[COMPOSITE], counts[other], speakers, classes
            )
            for other in TIMELINE_SYSTEMS
            if other != COMPOSITE
        },
    }


def _scores(
    counts: Sequence[TimelineCounts],
    numbers: Sequence[int],
    folds: Sequence[int],
    classes: Sequence[str],
) -> dict[str, Any]:
    pooled = compute_timeline_metrics(sum_counts(counts), classes)
    by_fold = [[c for c, n in zip(counts, numbers, strict=True) if n == fold] for fold in folds]
    return {
        **{name: round(value, _DIGITS[name]) for name, value in pooled.items()},
        "eder_per_fold": [
            round(compute_timeline_metrics(sum_counts(c), classes)["eder"], 2) for c in by_fold
        ],
    }


def timeline_table(metrics: Metrics) -> "Table":
    """Return the scores as a table for the terminal (rich): a row a system."""
    title = f"{metrics['protocol']}, {metrics['recordings']} recordings"
    return terminal_table(title, _score_rows(metrics))


def _report(metrics: Metrics) -> str:
    parts = [
        f"# Timelines: {metrics['protocol']}",
        "Speaker-independent: no test speaker is in training or validation.",
        f"{metrics['recordings']} recordings, each joined of the clips of one test speaker, "
        f"{len(metrics['classes'])} classes: {escape_markdown(', '.join(metrics['classes']))}.",
        markdown_table(_score_rows(metrics)),
        _EXPLAINED,
        _SYSTEMS,
        "## Comparison",
        _comparison(metrics["comparison"]),
        "## EDER of each fold (%)",
        markdown_table(fold_rows(metrics["systems"], metrics["folds"], "eder_per_fold")),
    ]
    return "\n\n".join(parts) + "\n"


def _score_rows(metrics: Metrics) -> list[list[str]]:
    rows = [["system", "frame accuracy", "frame UA", "EDER", "boundary F1", "segments"]]
    for system, values in metrics["systems"].items():
        cells = [f"{values[name]:.{digits - 1}f}" for name, digits in _DIGITS.items()]
        rows.append([system, *cells])
    return rows


def _comparison(comparison: Metrics) -> str:
    lines = []
    for pair, difference in comparison.items():
        interval, relative = difference["eder_interval"], difference["relative_reduction"]
        other = pair.removeprefix(f"{COMPOSITE}-")
        text = difference_text(COMPOSITE, other, difference["eder"], "EDER", interval)
        share = "" if relative is None else f", {-relative:+.1f} % of it"
        lines.append(f"- {text}{share}; {interval_verdict(interval)}.")
    return "\n".join(lines)
