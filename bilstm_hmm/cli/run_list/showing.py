"""The list of runs: in order, and as a table for the terminal, as CSV or as JSON."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bilstm_hmm.cli.durations import hours_minutes
from bilstm_hmm.cli.run_list.run_row import SCORES, SYSTEMS, RunRow
from bilstm_hmm.delimited_text import table_text

if TYPE_CHECKING:
    from rich.table import Table

Key = Callable[[RunRow], Any]

#: What the list may be sorted by, and whether the greatest comes first.
SORTS: dict[str, tuple[Key, bool]] = {
    "date": (lambda row: row.date, True),
    "folder": (lambda row: row.folder, False),
    "kind": (lambda row: row.kind, False),
    "recipe": (lambda row: row.recipe, False),
    "corpus": (lambda row: row.corpus, False),
    "protocol": (lambda row: row.protocol, False),
    "ua": (lambda row: row.score("ua"), True),
    "wa": (lambda row: row.score("wa"), True),
    "ece": (lambda row: row.score("ece"), False),
    "duration": (lambda row: row.seconds, True),
    "state": (lambda row: row.state, False),
}


def in_order(rows: Sequence[RunRow], by: str) -> list[RunRow]:
    """Sort runs: scores with the best first, dates with the latest; those without come last."""
    key, greatest_first = SORTS[by]
    known = [row for row in rows if key(row) is not None]
    unknown = [row for row in rows if key(row) is None]
    return sorted(known, key=key, reverse=greatest_first) + unknown


def as_objects(row: RunRow) -> dict[str, Any]:
    """Return a run as JSON has it."""
    return {
        "folder": row.folder,
        "kind": row.kind,
        "recipe": row.recipe,
        "date": None if row.date is None else row.date.isoformat(timespec="seconds"),
        "corpus": row.corpus,
        "protocol": row.protocol,
        "clips": row.clips,
        "system": row.decides,
        "systems": {name: dict(scores) for name, scores in row.systems.items()},
        "seconds": None if row.seconds is None else round(row.seconds, 1),
        "state": row.state,
        "note": row.note,
    }


def as_json(rows: Sequence[RunRow]) -> str:
    """Return the runs as a list of objects."""
    return json.dumps([as_objects(row) for row in rows], ensure_ascii=False, indent=2)


def as_csv(rows: Sequence[RunRow]) -> str:
    """Return a row a run, with a column for each score of the three systems."""
    scores = [(system, score) for system in SYSTEMS for score in SCORES]
    plain = ("folder", "kind", "recipe", "date", "corpus", "protocol", "clips", "system")
    after = ("seconds", "state", "note")
    table = [[*plain, *(f"{system}_{score}" for system, score in scores), *after]]
    for row in rows:
        objects = as_objects(row)
        cells = [*(objects[name] for name in plain), *(row.score(b, a) for a, b in scores)]
        cells += [objects[name] for name in after]
        table.append(["" if cell is None else str(cell) for cell in cells])
    return table_text(table)


def as_table(rows: Sequence[RunRow]) -> "Table":
    """Return a row a run for the terminal (rich), without the notes."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("folder", "kind", "recipe", "date", "corpus", "protocol"):
        table.add_column(name)
    for name in (*SYSTEMS, "WA", "ECE", "time"):
        table.add_column(name, justify="right")
    table.add_column("state")
    for row in rows:
        table.add_row(*map(Text, _cells(row)))
    return table


def _cells(row: RunRow) -> list[str]:
    texts = (row.folder, row.kind, row.recipe, _date(row), row.corpus, row.protocol)
    return [
        *(text or "" for text in texts),
        *(_number(row.score("ua", system), 1) for system in SYSTEMS),
        _number(row.score("wa"), 1),
        _number(row.score("ece"), 3),
        "" if row.seconds is None else hours_minutes(row.seconds),
        row.state,
    ]


def as_lines(row: RunRow) -> Iterator[str]:
    """Yield a run as lines, for terminals that the table is too wide for."""
    recipe = f" of {row.recipe}" if row.recipe else ""
    time = hours_minutes(row.seconds) if row.seconds is not None else None
    yield f"{row.folder}: {row.kind}{recipe}, {row.state}"
    facts = [fact for fact in (row.corpus, row.protocol, _date(row), time) if fact]
    if facts:
        yield f"    {', '.join(facts)}"
    known = [system for system in SYSTEMS if row.score("ua", system) is not None]
    if known:
        scores = ", ".join(f"{one} {_number(row.score('ua', one), 1)}" for one in known)
        rest = f"WA {_number(row.score('wa'), 1)}, ECE {_number(row.score('ece'), 3)}"
        yield f"    UA {scores}; {rest}"
    if row.note:
        yield f"    {row.note}"


def _date(row: RunRow) -> str | None:
    return None if row.date is None else f"{row.date:%Y-%m-%d %H:%M}"


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
