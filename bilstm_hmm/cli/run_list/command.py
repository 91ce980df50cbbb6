"""The command ``runs``: what was trained, evaluated and searched, with its figures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bilstm_hmm.cli.run_list.run_row import RunRow

FORMATS = ("text", "json", "csv")
#: Columns that the table may have where there is no terminal.
WIDE = 500


def list_runs(
    folder: Annotated[
        Path, typer.Argument(help="A folder of runs, at any of three depths, or a run.")
    ] = Path("runs"),
    sort: Annotated[
        str,
        typer.Option(
            help="date (latest first), folder, kind, recipe, corpus, protocol, ua, wa, ece (best "
            "first, of the system that labels), duration or state."
        ),
    ] = "date",
    reverse: Annotated[bool, typer.Option("--reverse", help="Turn the order round.")] = False,
    format: Annotated[str, typer.Option(help="text, json or csv.")] = "text",
) -> None:
    """List what was trained, evaluated and searched, with its figures."""
    from bilstm_hmm.cli.run_list.reading import find_runs, read_run
    from bilstm_hmm.cli.run_list.showing import SORTS, as_csv, as_json, in_order
    from bilstm_hmm.errors import ToolkitError

    for option, given, allowed in (("format", format, FORMATS), ("sort", sort, tuple(SORTS))):
        if given not in allowed:
            raise ToolkitError(f"--{option} {given}: choose from {', '.join(allowed)}.")
    if not folder.is_dir():
        raise ToolkitError(f"{folder}: no such folder; give one that holds runs.")
    rows = in_order([read_run(run) for run in find_runs(folder)], sort)
    if reverse:
        rows.reverse()
    if format == "json":
        print(as_json(rows))
    elif format == "csv":
        print(as_csv(rows), end="")
    elif rows:
        _print_text(rows)
    else:
        print(f"{folder}: no runs there.")


def _print_text(rows: "list[RunRow]") -> None:
    """Print a table, with the notes below it; or lines, where the terminal is too narrow."""
    from rich.console import Console
    from rich.measure import Measurement

    from bilstm_hmm.cli.run_list.showing import as_lines, as_table

    console, table = Console(), as_table(rows)
    if not console.is_terminal:
        console = Console(width=WIDE)
    elif (
        Measurement.get(console, console.options.update_width(WIDE), table).maximum > console.width
    ):
        print(*(line for row in rows for line in as_lines(row)), sep="\n")
        return
    console.print(table)
    for row in rows:
        if row.note:
            print(f" {row.folder}: {row.note}")
