"""The command ``corpora label-issues``: which labels the posteriors of others contradict."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bilstm_hmm.cli.labelling.options import Yes

if TYPE_CHECKING:
    from bilstm_hmm.evaluation.label_issues.review import Review


def label_issues(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="PATH",
            help="The folder of an evaluation; or labelled recordings, as for `corpora check`.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(help="New folder for index.html and manifest.csv (default: PATH-labels)."),
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option(help="Of an evaluation: where the audio lies (default: where it was)."),
    ] = None,
    system: Annotated[
        str | None,
        typer.Option(help="Of an evaluation: whose posteriors count (default: hybrid)."),
    ] = None,
    corpus: Annotated[
        str | None,
        typer.Option(help="Of recordings: the corpus, as in `corpora list` (default: found out)."),
    ] = None,
    yes: Yes = False,
) -> None:
    """Find labels that look wrong, as a page to listen through and a manifest to correct."""
    from bilstm_hmm.errors import ToolkitError
    from bilstm_hmm.evaluation.label_issues.predictions import PREDICTIONS
    from bilstm_hmm.evaluation.label_issues.review import summary_lines
    from bilstm_hmm.experiments.corpus_check.label_issues import (
        PAGE,
        refuse_used,
        review_run,
        write_review,
    )
    from bilstm_hmm.output.label_tracks import escape_unprintable

    folder = output if output is not None else _beside(source)
    refuse_used(folder)
    is_run = (source / PREDICTIONS).is_file()
    of_the_other = {"--corpus": corpus} if is_run else {"--root": root, "--system": system}
    for option, given in of_the_other.items():
        if given is not None:
            other = "recordings" if is_run else "an evaluation"
            raise ToolkitError(f"{option}: it goes with {other}, and {source} is none.")
    review = review_run(source, root, system) if is_run else _judged(source, corpus, yes)
    write_review(review, folder)
    for line in summary_lines(review):
        print(escape_unprintable(line))
    print(f"Listen and correct: {escape_unprintable(str(folder / PAGE))}")


def _beside(source: Path) -> Path:
    """Return where the page goes unless said otherwise: a folder beside what was judged."""
    resolved = source.resolve()
    return source.parent / f"{resolved.stem if resolved.is_file() else resolved.name}-labels"


def _judged(source: Path, corpus: str | None, yes: bool) -> "Review":
    """Judge recordings by a quick classifier."""
    from bilstm_hmm.cli.encoder_on_demand import with_encoder
    from bilstm_hmm.cli.progress import console_progress
    from bilstm_hmm.data.corpora.registry import corpus_at, scan_corpus
    from bilstm_hmm.experiments.corpus_check.label_issues import review_clips
    from bilstm_hmm.experiments.corpus_check.quick_posteriors import SETTINGS, quick_posteriors
    from bilstm_hmm.extras import require_extra
    from bilstm_hmm.features.extraction.extract import load_encoder

    require_extra("train", "Judging labels without an evaluation", ["sklearn", "onnx"])
    clips = scan_corpus(corpus or corpus_at(source).name, source).clips
    with_encoder(lambda: load_encoder(SETTINGS), yes)
    with console_progress() as progress:

        def on_clip(done: int) -> None:
            progress.update("Encoding the clips", done, len(clips))

        on_clip(0)
        judged = quick_posteriors(clips, on_clip)
    return review_clips(source.resolve().name, clips, judged)
