"""Scores as rows of text, and rows as a table in Markdown: for the report and the model card."""

from collections.abc import Mapping, Sequence
from typing import Any

from bilstm_hmm.decision import INT8_MARK


def score_row(system: str, scores: Mapping[str, Any]) -> list[str]:
    """Return a system's name, UA, its interval, WA, F1 and ECE, as `metrics_document` has them."""
    low, high = scores["ua_interval"]
    return [
        system,
        f"{scores['ua']:.1f}",
        # Resampling one speaker tells nothing of others.
        f"{low:.1f} to {high:.1f}" if low < high else "none",
        f"{scores['wa']:.1f}",
        f"{scores['f1']:.1f}",
        f"{scores['ece']:.3f}",
    ]


def int8_note(systems: Mapping[str, Any]) -> list[str]:
    """Tell what the systems of the int8 network are, a sentence each, where there are any."""
    marked = [system for system in systems if system.endswith(INT8_MARK)]
    return [
        f"`{system}` is `{system.removesuffix(INT8_MARK)}` with the model's int8 network "
        "(`--precision int8`)."
        for system in marked
    ]


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown; the first row is its header, the first column its names."""
    header, *body = [f"| {' | '.join(map(escaped, row))} |" for row in rows]
    rule = "|---|" + "---:|" * (len(rows[0]) - 1)
    return "\n".join([header, rule, *body])


def escaped(cell: str) -> str:
    """Return text that breaks no table: a label of a user's own corpus may be anything."""
    return " ".join(cell.replace("|", "\\|").splitlines())
