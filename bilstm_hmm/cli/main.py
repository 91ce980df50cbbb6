"""The commands: arguments in, one call, results out, and every error as one sentence."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bilstm_hmm.data.splits.protocols import Protocol

Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key, as in training.epochs=5."),
]
Config = Annotated[
    str, typer.Option("--config", help="A recipe: a path, or a name among those in configs/.")
]
Output = Annotated[
    Path | None, typer.Option("--output", help="Folder of the run (default: under runs/).")
]


@contextmanager
def user_errors() -> Iterator[None]:
    """Turn what a user can cause into one sentence on standard error and exit status 2."""
    from bilstm_hmm.data.errors import DataError
    from bilstm_hmm.errors import ToolkitError
    from bilstm_hmm.features.errors import AudioError, EncoderError

    try:
        yield
    except (ToolkitError, DataError, AudioError, EncoderError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        print("Interrupted; what was finished is kept, go on with --resume.", file=sys.stderr)
        raise typer.Exit(130) from None
    except BrokenPipeError:
        # The reader has gone (as in `| head`): nothing more to say, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None
    except MemoryError:
        print("Not enough memory; use a machine with more, or fewer clips.", file=sys.stderr)
        raise typer.Exit(2) from None
    except OSError as error:
        # What has no sentence of its own: mostly a folder above the file that may not be entered.
        cure = "check the path, its permissions and the free space"
        print(f"{error.filename}: {error.strerror or error}; {cure}.", file=sys.stderr)
        raise typer.Exit(2) from None


def train(
    config: Config = "config.yaml",
    overrides: Sets = None,
    output: Output = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted run.")
    ] = False,
) -> None:
    """Train on one fold of a corpus and report on speakers that were not trained on."""
    with user_errors():
        from bilstm_hmm.cli.progress import console_progress
        from bilstm_hmm.config.loading import load_recipe
        from bilstm_hmm.experiments.run_folder import open_run
        from bilstm_hmm.features.extraction.extract import load_encoder
        from bilstm_hmm.training.dataset import dataset_folds, find_fold, load_dataset

        recipe = load_recipe(config, overrides or ())
        # Whatever is wrong with the data or an encoder is told before a folder is made.
        load_encoder(recipe.features)
        selection = load_dataset(recipe.data)
        _refuse_joined(selection.protocol)
        find_fold(dataset_folds(selection, recipe.seed), recipe.data.fold)
        folder = open_run(recipe, output, resume)
        with console_progress(folder / "train.log") as progress:
            from bilstm_hmm.experiments.train import BUNDLE
            from bilstm_hmm.experiments.train import train as run

            metrics = run(recipe, folder, progress)
        _print_table(metrics)
        print(f"Model: {folder / BUNDLE}")
        print(f"Report: {folder / 'report.md'}")


def _refuse_joined(protocol: "Protocol") -> None:
    from bilstm_hmm.errors import ToolkitError

    if protocol.joined is not None:
        raise ToolkitError(
            f"data.protocol: {protocol.name} evaluates timelines; train by {protocol.joined}, or "
            "run evaluate.py."
        )


def evaluate(
    config: Config = "config.yaml",
    protocol: Annotated[
        str | None, typer.Option(help="Protocol (default: the corpus's own).")
    ] = None,
    folds: Annotated[
        str | None, typer.Option(help="Folds to run, as in 1,2 (default: all).")
    ] = None,
    overrides: Sets = None,
    output: Output = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted run.")
    ] = False,
    models: Annotated[
        Path | None,
        typer.Option(help="For timelines: an earlier evaluation whose models of the folds to use."),
    ] = None,
) -> None:
    """Train and test on the folds of a protocol, and report over all of them."""
    with user_errors():
        from bilstm_hmm.cli.progress import console_progress
        from bilstm_hmm.config.loading import load_recipe
        from bilstm_hmm.experiments.evaluate import evaluate as run
        from bilstm_hmm.experiments.evaluate import fold_numbers
        from bilstm_hmm.experiments.fold_store import check_models
        from bilstm_hmm.experiments.run_folder import open_run
        from bilstm_hmm.features.extraction.extract import load_encoder
        from bilstm_hmm.training.dataset import dataset_folds, find_fold, load_dataset

        named = [f"data.protocol={protocol}"] if protocol is not None else []
        recipe = load_recipe(config, [*(overrides or ()), *named])
        load_encoder(recipe.features)
        selection = load_dataset(recipe.data)
        found = dataset_folds(selection, recipe.seed)
        numbers = fold_numbers(folds, found)
        wanted = [find_fold(found, number, "--folds") for number in numbers]
        if models is not None:
            check_models(models, wanted, selection)
        folder = open_run(recipe, output, resume)
        with console_progress(folder / "evaluate.log") as progress:
            if selection.protocol.joined is not None:
                from bilstm_hmm.experiments.evaluate_timelines import evaluate_timelines

                metrics = evaluate_timelines(recipe, numbers, folder, progress, models)
            else:
                metrics = run(recipe, numbers, folder, progress)
        _print_table(metrics)
        print(f"Report: {folder / 'report.md'}")


def predict(
    file: Annotated[
        Path | None, typer.Option(help="A recording to label; - is standard input.")
    ] = None,
    folder: Annotated[Path | None, typer.Option(help="A folder of recordings to label.")] = None,
    model: Annotated[
        Path | None,
        typer.Option(help="A bundle, a run or a shipped model's name (default: models/default)."),
    ] = None,
    format: Annotated[
        str, typer.Option(help="text, json, jsonl, csv, tsv, rttm, audacity, textgrid, srt, png.")
    ] = "text",
    output: Annotated[
        Path | None, typer.Option(help="File (or folder) to write to (default: standard output).")
    ] = None,
    timeline: Annotated[
        bool, typer.Option("--timeline", help="Print the segments as well.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Leave out files that the output already has.")
    ] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Cores to use (default: all of them).")
    ] = None,
    precision: Annotated[
        str, typer.Option(help="float, or int8: a faster network, if the model has one.")
    ] = "float",
    live: Annotated[
        bool, typer.Option("--live", help="Tell of standard input while it comes.")
    ] = False,
    mic: Annotated[bool, typer.Option("--mic", help="Listen to the microphone, live.")] = False,
    device: Annotated[
        str | None, typer.Option(help="Number or name of the microphone (default: the system's).")
    ] = None,
    pcm: Annotated[
        int | None,
        typer.Option(
            metavar="RATE", help="Standard input is raw 16-bit samples, so many a second."
        ),
    ] = None,
    channels: Annotated[
        int | None, typer.Option(help="Channels of raw samples (default: 1).")
    ] = None,
    interval: Annotated[
        float | None, typer.Option(help="Seconds between live updates (default: 0.5).")
    ] = None,
    lookahead: Annotated[
        float | None, typer.Option(help="Seconds of sound heard beyond them (default: 1).")
    ] = None,
) -> None:
    """Label a recording, every recording in a folder, or what is being said."""
    with user_errors():
        from bilstm_hmm.cli.label import (
            PredictOptions,
            audio_files_in,
            existing_file,
            write_predictions,
        )
        from bilstm_hmm.cli.live_input import LiveOptions, predict_live_input, validate_options
        from bilstm_hmm.cli.stdin import DASH
        from bilstm_hmm.errors import ToolkitError
        from bilstm_hmm.inference.model import load
        from bilstm_hmm.inference.shipped import default_model, named_model
        from bilstm_hmm.output.formats import format_named

        if [file is not None, folder is not None, mic].count(True) != 1:
            raise ToolkitError("Give either --file FILE, --folder DIR or --mic.")
        format_named(format)
        # Results are UTF-8 whatever the terminal's language, so that other programs can read them.
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")
        piped = file == Path(DASH)
        incoming = LiveOptions(piped, mic, live, pcm, channels, device, interval, lookahead)
        cores = jobs or os.cpu_count() or 1
        order = PredictOptions((), folder is not None, format, output, timeline, resume, cores)
        validate_options(incoming, order)
        if file is not None and not piped:
            order = replace(order, files=(existing_file(file),))
        elif folder is not None:
            order = replace(order, files=audio_files_in(folder))
        loaded = load(named_model(model) if model is not None else default_model(), precision)
        if piped or mic:
            failed = predict_live_input(loaded, order, incoming)
        else:
            with _folder_progress(order.many) as moved:
                failed = write_predictions(loaded, order, moved)
    raise typer.Exit(1 if failed else 0)


@contextmanager
def _folder_progress(shown: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar for a folder; nothing, not even an import of rich, for one file."""
    if not shown or not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from bilstm_hmm.cli.progress import console_progress

    with console_progress() as progress:
        yield lambda done, total: progress.move("Labelling", done, total)


def _print_table(metrics: dict[str, object]) -> None:
    from rich.console import Console

    from bilstm_hmm.evaluation.report import results_table
    from bilstm_hmm.evaluation.timeline_report import timeline_table

    Console().print(timeline_table(metrics) if "recordings" in metrics else results_table(metrics))


def command(function: Callable[..., None]) -> typer.Typer:
    """Return a command of its own for a script."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(function)
    return app


def main() -> None:
    """Run the command ``bilstm-hmm``."""
    app = typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        help="Speech emotion recognition with a BiLSTM and one hidden Markov model an emotion.",
    )
    for function in (train, evaluate, predict):
        app.command()(function)
    app()
