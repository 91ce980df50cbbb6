"""The command ``score``: how well a model labels clips whose emotions are known."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bilstm_hmm.cli.labelling.options import Jobs, ModelName, Yes

if TYPE_CHECKING:
    from bilstm_hmm.data.clip import Clip
    from bilstm_hmm.inference.model import Model
    from bilstm_hmm.prediction import Result


def score(
    corpus: Annotated[
        str,
        typer.Option(
            metavar="PATH_OR_NAME",
            help="Labelled clips: a folder with a folder for each emotion, a CSV manifest, or a "
            "corpus's name.",
            show_default=False,
        ),
    ],
    model: ModelName = None,
    root: Annotated[
        Path | None, typer.Option(help="Folder of the corpus that --corpus names.")
    ] = None,
    renamed: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="EMOTION=EMOTION", help="Count one as another: calm=neutral."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for metrics.json, report.md and predictions.csv."),
    ] = None,
    voices: Annotated[
        bool,
        typer.Option(
            "--voices",
            help="Score with the voices known by other clips of theirs as well, by none to all.",
        ),
    ] = False,
    yes: Yes = False,
    jobs: Jobs = None,
) -> None:
    """Score a model on labelled clips, such as your own."""
    from bilstm_hmm.cli.encoder_on_demand import with_encoder
    from bilstm_hmm.experiments.score import read_clips, refuse_used
    from bilstm_hmm.experiments.score import score as run
    from bilstm_hmm.experiments.score_voices import check_known_voices
    from bilstm_hmm.inference.model import load

    pairs = emotion_pairs(renamed or ())
    refuse_used(output)
    loaded = with_encoder(lambda: load(model), yes)
    clips = read_clips(corpus, root, loaded.classes, pairs)

    if voices:
        check_known_voices(loaded, clips.clips)
    n_jobs = jobs or os.cpu_count() or 1

    def label(files: Sequence[Path]) -> "Iterator[Result]":
        return _labelled(loaded, files, n_jobs)

    def known(of_voices: "Sequence[Clip]") -> dict[str, Any]:
        return _known_voices(loaded, of_voices, n_jobs)

    document = run(loaded.bundle, clips, label, output, known if voices else None)
    _show(document)
    if output is not None:
        print(f"Report: {output / 'report.md'}")
    raise typer.Exit(1 if document["unreadable"] else 0)


def emotion_pairs(texts: Sequence[str]) -> dict[str, str]:
    """Return which emotions count as which others, as ``--map`` has them.

    Raises
    ------
    ToolkitError
        A text that is no pair.
    """
    from bilstm_hmm.errors import ToolkitError

    pairs = {}
    for text in texts:
        one, equals, other = text.partition("=")
        if not (one and equals and other):
            raise ToolkitError(f"--map {text}: give two emotions, as in --map calm=neutral.")
        pairs[one] = other
    return pairs


def _labelled(model: "Model", files: Sequence[Path], jobs: int) -> "Iterator[Result]":
    from bilstm_hmm.cli.labelling.file_workers import predict_files
    from bilstm_hmm.cli.progress import console_progress

    with console_progress() as progress:
        progress.update("Labelling", 0, len(files))
        for count, result in enumerate(predict_files(model, files, jobs), 1):
            progress.update("Labelling", count, len(files))
            yield result


def _known_voices(model: "Model", clips: "Sequence[Clip]", jobs: int) -> dict[str, Any]:
    from bilstm_hmm.cli.progress import console_progress
    from bilstm_hmm.experiments.score_voices import score_known_voices

    with console_progress() as progress:

        def on_clip(done: int) -> None:
            progress.update("Scoring with the voices known", done, len(clips))

        on_clip(0)
        return score_known_voices(model, clips, jobs, on_clip)


def _show(document: Mapping[str, Any]) -> None:
    from rich.console import Console

    from bilstm_hmm.evaluation.model_scores import confusion_rows, notes, summary_rows
    from bilstm_hmm.evaluation.tables import terminal_table
    from bilstm_hmm.evaluation.unheard.report import known_rows

    console = Console()
    console.print(
        terminal_table(f"{document['model']} on {document['root']}", summary_rows(document))
    )
    console.print(terminal_table("Clips", confusion_rows(document), narrow=True))
    if "known" in document:
        (system,) = document["systems"]
        console.print(terminal_table("With the voices known", known_rows(document, system)))
    for note in notes(document):
        print(note)
    for name, error in document["unreadable"].items():
        print(f"{name}: {error}")
