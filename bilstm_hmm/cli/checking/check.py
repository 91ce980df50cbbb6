"""The command ``corpora check``: what a folder or manifest holds, and what is wrong with it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bilstm_hmm.cli.labelling.options import Jobs

if TYPE_CHECKING:
    from bilstm_hmm.data.checking.check import Report
    from bilstm_hmm.data.checking.collection import Collection
    from bilstm_hmm.data.checking.sound import Sound, Unreadable

FORMATS = ("text", "json")


def check(
    root: Annotated[
        Path,
        typer.Argument(
            metavar="PATH",
            help="A folder with a folder for each emotion, a CSV manifest, or a corpus.",
            show_default=False,
        ),
    ],
    corpus: Annotated[
        str | None,
        typer.Option(help="The corpus that it is, as in `corpora list` (default: found out)."),
    ] = None,
    format: Annotated[str, typer.Option(help="text or json.")] = "text",
    everything: Annotated[
        bool, typer.Option("--all", help="List all clips, not the first ten of a kind.")
    ] = False,
    shortest: Annotated[
        float, typer.Option(min=0.0, help="Seconds that a clip must last at least.")
    ] = 0.4,
    longest: Annotated[
        float, typer.Option(min=0.0, help="Seconds that a clip may last at most.")
    ] = 20.0,
    clips: Annotated[int, typer.Option(min=1, help="Clips that a class must have.")] = 5,
    jobs: Jobs = None,
) -> None:
    """Check labelled recordings before a training: the exit status is 1 where a fault is found."""
    from bilstm_hmm.data.checking.audio import Limits
    from bilstm_hmm.data.checking.check import check as run
    from bilstm_hmm.data.checking.collection import read_collection
    from bilstm_hmm.errors import ToolkitError

    if format not in FORMATS:
        raise ToolkitError(f"format {format!r} is not known; choose from {', '.join(FORMATS)}.")
    if shortest >= longest:
        raise ToolkitError(
            f"--shortest {shortest:g} is not below --longest {longest:g}; give other seconds."
        )
    collection = read_collection(root, corpus)
    sounds = _measured(collection, jobs)
    report = run(collection, sounds, Limits(shortest, longest, clips))
    _print(report, format, everything)
    raise typer.Exit(1 if report.faults else 0)


def _measured(collection: "Collection", jobs: int | None) -> "list[Sound | Unreadable]":
    from bilstm_hmm.cli.progress import console_progress
    from bilstm_hmm.experiments.corpus_check.sounds import measure_sounds

    paths = [entry.clip.path for entry in collection.entries]
    with console_progress() as progress:

        def on_clip(done: int) -> None:
            progress.update("Decoding the clips", done, len(paths))

        on_clip(0)
        return measure_sounds(paths, jobs, on_clip)


def _print(report: "Report", format: str, everything: bool) -> None:
    from bilstm_hmm.data.checking.report import report_document, report_lines

    if format == "json":
        print(json.dumps(report_document(report), ensure_ascii=False, indent=2))
        return
    for line in report_lines(report, everything):
        print(line)
