"""What the protocol ``unheard`` leaves behind: scores and a report to read."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bilstm_hmm.atomic_files import atomic_write
from bilstm_hmm.evaluation.tables import escape_markdown, markdown_table, terminal_table
from bilstm_hmm.evaluation.unheard.metrics import LeftOutCorpus, unheard_metrics

if TYPE_CHECKING:
    from rich.table import Table

Metrics = Mapping[str, Any]

#: What the names of `known_clips.KNOWN` stand for.
_MEANING = {
    "10-neutral": "10, all neutral",
    "10-one-emotion": "10, all of one emotion",
    "10-mostly-neutral": "10, 7 of them neutral",
}
_SCORES = {"ua": ("UA", 1), "wa": ("WA", 1), "ece": ("ECE", 3), "log_loss": ("log loss", 3)}
_EXPLAINED = (
    "Each corpus was left out of the training in turn, and the model of all the others tested on "
    "it: nothing of it was trained on, nor fitted to it. UA is the mean recall of the corpus's own "
    "emotions, WA the share of clips labelled right, both in percent; ECE is the expected "
    "calibration error, from 0 to 1; log loss is in nats. The means are over the corpora."
)
_KNOWN = (
    "The rows say how many other clips of the voice were known, without labels, when a clip was "
    "tested, drawn anew for each. With `all` every clip of the voice is at hand: that row is "
    "transductive. The last three rows are skewed draws of up to ten clips."
)
_UNKNOWN = "Nothing was known of the voices: the recipe has no `voice.known_clips`."


def write_unheard_evaluation(
    folder: Path, protocol: str, decision_system: str, corpora: Sequence[LeftOutCorpus]
) -> dict[str, Any]:
    """Write ``metrics.json`` and ``report.md``; return the metrics, those of `unheard_metrics`.

    Raises
    ------
    ToolkitError
        A file cannot be written.
    """
    metrics = unheard_metrics(protocol, decision_system, corpora)
    atomic_write(folder / "report.md", _report(metrics))
    atomic_write(folder / "metrics.json", json.dumps(metrics, indent=2, ensure_ascii=False) + "\n")
    return metrics


def unheard_table(metrics: Metrics) -> "Table":
    """Return UA of the system that decides as a table for the terminal (rich)."""
    title = f"{metrics['protocol']}, {metrics['clips']} clips, UA of {metrics['system']}"
    return terminal_table(title, ua_rows(metrics))


def known_title(known: str) -> str:
    """Return what the name of an amount that is known stands for."""
    return _MEANING.get(known, known)


def ua_rows(metrics: Metrics) -> list[list[str]]:
    """Return a row for each amount that is known, a column a corpus, of UA, and the means."""
    system = metrics["system"]
    rows = [["known clips", *metrics["corpora"], "mean", "ECE", "log loss"]]
    for known, mean in metrics["mean"].items():
        of_corpora = [
            corpus["known"][known]["systems"][system]["ua"]
            for corpus in metrics["corpora"].values()
        ]
        cells = [f"{ua:.1f}" for ua in (*of_corpora, mean[system]["ua"])]
        calibration = [f"{mean[system][key]:.3f}" for key in ("ece", "log_loss")]
        rows.append([known_title(known), *cells, *calibration])
    return rows


def known_section(metrics: Metrics) -> str:
    """Return a section on the voices known, of metrics that have `known_metrics` as ``known``."""
    (system,) = metrics["systems"]
    parts = [
        "## With the voices known",
        _KNOWN,
        markdown_table(known_rows(metrics)),
        f"Recall of each emotion by `{system}` (%):",
        markdown_table(_corpus_recall_rows(metrics, system)),
    ]
    return "\n\n".join(parts) + "\n"


def _report(metrics: Metrics) -> str:
    is_known = len(metrics["mean"]) > 1
    parts = [
        f"# Evaluation: {metrics['protocol']}",
        _EXPLAINED,
        _KNOWN if is_known else _UNKNOWN,
        f"## UA of `{metrics['system']}` (%)",
        markdown_table(ua_rows(metrics)),
        "ECE and log loss are means over the corpora as well.",
        "## Means of every system",
        markdown_table(_mean_rows(metrics["mean"])),
        f"## Recall of each emotion by `{metrics['system']}` (%)",
        markdown_table(_recall_rows(metrics)),
        "Means over the corpora that have the emotion.",
    ]
    for name, corpus in metrics["corpora"].items():
        parts += [f"## {escape_markdown(name)}", _corpus_text(corpus, metrics["system"])]
        parts.append(markdown_table(known_rows(corpus)))
        parts.append(markdown_table(_corpus_recall_rows(corpus, metrics["system"])))
    return "\n\n".join(parts) + "\n"


def _mean_rows(means: Metrics) -> list[list[str]]:
    rows = [["known clips", "system", *(title for title, _ in _SCORES.values())]]
    for known, systems in means.items():
        for system, scores in systems.items():
            rows.append([known_title(known), system, *_cells(scores)])
    return rows


def _recall_rows(metrics: Metrics) -> list[list[str]]:
    recalls = {
        known: systems[metrics["system"]]["recalls"] for known, systems in metrics["mean"].items()
    }
    return _label_rows(recalls)


def _corpus_recall_rows(corpus: Metrics, system: str) -> list[list[str]]:
    return _label_rows(
        {known: found["systems"][system]["recalls"] for known, found in corpus["known"].items()}
    )


def _label_rows(recalls: Mapping[str, Mapping[str, float]]) -> list[list[str]]:
    labels = list(dict.fromkeys(label for of_known in recalls.values() for label in of_known))
    rows = [["known clips", *labels]]
    for known, of_known in recalls.items():
        cells = [f"{of_known[label]:.1f}" for label in labels]
        rows.append([known_title(known), *cells])
    return rows


def known_rows(corpus: Metrics, only: str | None = None) -> list[list[str]]:
    """Return a row for each amount that is known and each system, or `only` one, of its scores."""
    titles = [title for title, _ in _SCORES.values()]
    rows = [["known clips", "clips drawn", "system", *titles]]
    for known, found in corpus["known"].items():
        drawn = f"{found['clips_known']:g}"
        for system, scores in found["systems"].items():
            if only in (None, system):
                rows.append([known_title(known), drawn, system, *_cells(scores)])
    return rows


def _cells(scores: Metrics) -> list[str]:
    return [f"{scores[key]:.{digits}f}" for key, (_, digits) in _SCORES.items()]


def _corpus_text(corpus: Metrics, system: str) -> str:
    said = [
        f"{corpus['clips']} clips of {corpus['speakers']} speakers; trained on "
        f"{', '.join(corpus['trained_on'])}. Emotions: {', '.join(corpus['own_classes'])}, of the "
        f"{len(corpus['classes'])} that were trained."
    ]
    if corpus["left_out"]:
        counts = ", ".join(f"{label} ({count})" for label, count in corpus["left_out"].items())
        said.append(f"Clips of emotions that no other corpus has were left out: {counts}.")
    interval = next(iter(corpus["known"].values()))["systems"][system].get("ua_interval")
    if interval is not None:
        low, high = interval
        said.append(
            f"With nothing known, the 95 % interval of UA of `{system}` over resampled speakers "
            f"is {low:.1f} to {high:.1f}."
        )
    return escape_markdown(" ".join(said))
