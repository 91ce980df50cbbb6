"""Scores as rows of text, and rows as tables: for reports, the model card and the terminal."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bilstm_hmm.evaluation.metrics import MIN_SPEAKERS
from bilstm_hmm.hmm.fusion import INT8_SUFFIX

if TYPE_CHECKING:
    from rich.table import Table


def score_row(system: str, scores: Mapping[str, Any]) -> list[str]:
    """Return a system's name, UA, its interval, WA, F1 and ECE, as `compute_metrics` has them."""
    interval = scores["ua_interval"]
    return [
        system,
        f"{scores['ua']:.1f}",
        "none" if interval is None else f"{interval[0]:.1f} to {interval[1]:.1f}",
        f"{scores['wa']:.1f}",
        f"{scores['f1']:.1f}",
        f"{scores['ece']:.3f}",
    ]


def label_rows(
    corner: str, systems: Mapping[str, Any], keys: Sequence[str], missing: str
) -> list[list[str]]:
    """Return a row a label, a column a system, of scores in percent that each has by label.

    Parameters
    ----------
    corner
        Heads the column of the labels.
    systems
        The scores of each system, as `compute_metrics` has them.
    keys
        Which of the scores: ``recalls``, ``ua_by_sex``.
    missing
        Stands where there is no score.
    """
    rows = [[corner, *systems]]
    for key in keys:
        for label in next(iter(systems.values()))[key]:
            values = [scores[key][label] for scores in systems.values()]
            rows.append([label, *(missing if v is None else f"{v:.1f}" for v in values)])
    return rows


def fold_rows(systems: Mapping[str, Any], folds: Sequence[int], key: str) -> list[list[str]]:
    """Return a row a fold, a column a system; the scores have a list of one a fold at `key`."""
    columns = [scores[key] for scores in systems.values()]
    return [
        ["fold", *systems],
        *(
            [str(number), *(f"{value:.1f}" for value in of_fold)]
            for number, *of_fold in zip(folds, *columns, strict=True)
        ),
    ]


def difference_text(
    first: str, second: str, points: float, score: str, interval: Sequence[float] | None
) -> str:
    """Say by how many points two systems differ in a score, in percent, with its interval."""
    difference = f"{first} less {second}: {points:+.1f} points of {score}"
    if interval is None:
        return difference
    low, high = interval
    return f"{difference} (95 % interval {low:+.1f} to {high:+.1f})"


def interval_note(systems: Mapping[str, Any]) -> str:
    """Say what the intervals of the scores are, or why there are none."""
    if any(scores["ua_interval"] is None for scores in systems.values()):
        return f"fewer than {MIN_SPEAKERS} speakers allow no interval"
    return "the interval resamples whole speakers"


def int8_note(systems: Mapping[str, Any]) -> list[str]:
    """Say what the systems of the int8 network are, a sentence each, where there are any."""
    int8_systems = [system for system in systems if system.endswith(INT8_SUFFIX)]
    return [
        f"`{system}` is `{system.removesuffix(INT8_SUFFIX)}` with the model's int8 network "
        "(`--precision int8`)."
        for system in int8_systems
    ]


def interval_verdict(interval: Sequence[float] | None) -> str:
    """Say whether a difference is more than an interval over resampled speakers allows."""
    if interval is None:
        return f"fewer than {MIN_SPEAKERS} speakers do not tell whether it is more than chance"
    low, high = interval
    if low > 0 or high < 0:
        return "more than the choice of speakers explains"
    return "not more than the choice of speakers may explain"


def terminal_table(title: str, rows: Sequence[Sequence[str]], *, narrow: bool = False) -> "Table":
    """Return a table for the terminal (rich); the first row is its header.

    One that is `narrow` has no lines between its columns: eight emotions fit 80 characters.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title))
    if narrow:
        table.box, table.padding = box.SIMPLE_HEAD, (0, 0, 0, 0)
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
