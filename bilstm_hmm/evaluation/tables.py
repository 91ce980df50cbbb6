"""Scores as rows of text, and rows as tables: for reports, the model card and the terminal."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bilstm_hmm.hmm.fusion import INT8_MARK

if TYPE_CHECKING:
    from rich.table import Table


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


def interval_verdict(low: float, high: float) -> str:
    """Say what an interval over resampled speakers tells of a difference."""
    surely = low > 0 or high < 0
    return (
        "more than the choice of speakers explains"
        if surely
        else "not more than the choice of speakers may explain"
    )


def terminal_table(title: str, rows: Sequence[Sequence[str]]) -> "Table":
    """Return a table for the terminal (rich); the first row is its header."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title))
    header, *body = rows
    table.add_column(header[0])
    for name in header[1:]:
        table.add_column(name, justify="right")
    for row in body:
        table.add_row(*map(Text, row))
    return table


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown; the first row is its header, the first column its names."""
    header, *body = [f"| {' | '.join(map(escape_markdown, row))} |" for row in rows]
    rule = "|---|" + "---:|" * (len(rows[0]) - 1)
    return "\n".join([header, rule, *body])


def escape_markdown(cell: str) -> str:
    """Return text that breaks no table: a label of a user's own corpus may be anything."""
    return " ".join(cell.replace("|", "\\|").splitlines())
