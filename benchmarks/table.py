"""What was measured as Markdown: a section a scenario, with its tables and its notes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.timing import Spread, ratio, spread
from bilstm_hmm.evaluation.tables import markdown_table

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Section:
    """One scenario: its title, what was done, tables whose first row is the header, and notes."""

    title: str
    what: str
    tables: tuple[Rows, ...]
    notes: tuple[str, ...] = ()


def document(machine: Sequence[str], sections: Sequence[Section]) -> str:
    """Return the whole of ``results.md``; `machine` are the lines that say what was measured on."""
    parts = ["# Benchmarks", "Written by `make bench`.", _list(machine)]
    for section in sections:
        parts += [f"## {section.title}", section.what]
        parts += [markdown_table(rows) for rows in section.tables]
        if section.notes:
            parts.append(_list(section.notes))
    return "\n\n".join(parts) + "\n"


def number(value: float) -> str:
    """Return a value with three digits that tell."""
    if value >= 100:
        return f"{value:.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 1 else f"{value:#.3g}"


def cell(values: Spread) -> str:
    """Return the median and, in brackets, the bounds."""
    return f"{number(values.median)} ({number(values.low)} to {number(values.high)})"


def comparison(
    seconds: Mapping[str, Sequence[float]],
    *,
    unit: str,
    scale: float = 1.0,
    outside: float = 0.0,
    further: Mapping[str, Mapping[str, str]] | None = None,
) -> Rows:
    """Return a row a contestant: its time, and how many times that of the first, which is ours.

    Parameters
    ----------
    seconds
        Of each contestant, a value a turn.
    unit, scale
        The unit of the first column of figures, and how many of it make a second.
    outside
        See `benchmarks.timing.spread`.
    further
        More columns: by title, then by contestant.
    """
    ours = next(iter(seconds.values()))
    columns = further or {}
    rows = [["", unit, "times ours", *columns]]
    for name, values in seconds.items():
        rows.append(
            [
                name,
                cell(spread([scale * value for value in values], outside)),
                "1" if values is ours else cell(ratio(values, ours, outside)),
                *(column.get(name, "") for column in columns.values()),
            ]
        )
    return rows


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
