"""The program ``bilstm-hmm``: every command, and the scripts that are a command or a group."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bilstm_hmm import __version__
from bilstm_hmm.cli.cache.command import clear, show_cache
from bilstm_hmm.cli.checking.check import check
from bilstm_hmm.cli.checking.label_issues import label_issues
from bilstm_hmm.cli.corpora import download, list_corpora, summary, synthesise
from bilstm_hmm.cli.encoders import fetch, list_encoders
from bilstm_hmm.cli.errors import standard_streams, user_errors
from bilstm_hmm.cli.export.command import export
from bilstm_hmm.cli.labelling.score import score
from bilstm_hmm.cli.models import list_models
from bilstm_hmm.cli.options import DASH
from bilstm_hmm.cli.predict import predict
from bilstm_hmm.cli.run_list.command import list_runs
from bilstm_hmm.cli.runs import evaluate, train
from bilstm_hmm.cli.service.serve import serve
from bilstm_hmm.cli.tuning.command import tune
from bilstm_hmm.cli.voice.commands import learn, show

Command = Callable[..., None]

HELP = (
    "Speech emotion recognition with a BiLSTM and one hidden Markov model an emotion. "
    "`bilstm-hmm x.wav` is `bilstm-hmm predict x.wav`."
)
COMMANDS: Mapping[str, Command] = {
    "train": train,
    "evaluate": evaluate,
    "tune": tune,
    "predict": predict,
    "score": score,
    "serve": serve,
    "export": export,
    "models": list_models,
    "runs": list_runs,
}
CORPORA: Mapping[str, Command] = {
    "list": list_corpora,
    "summary": summary,
    "check": check,
    "label-issues": label_issues,
    "download": download,
    "synthesise": synthesise,
}
ENCODERS: Mapping[str, Command] = {"list": list_encoders, "fetch": fetch}
VOICE: Mapping[str, Command] = {"learn": learn, "show": show}
CACHE: Mapping[str, Command] = {"show": show_cache, "clear": clear}
CORPORA_HELP = "Corpora of emotional speech: which, what a folder holds."
ENCODERS_HELP = "Pre-trained encoders: which there are, bringing one here."
VOICE_HELP = "Profiles of voices: learning one from recordings, what it holds."
CACHE_HELP = "What is kept of recordings' features, and encoders: how much, removing it."


def command(function: Command) -> typer.Typer:
    """Return a command of its own for a script."""
    return _app({"": function})


def group(commands: Mapping[str, Command], help: str) -> typer.Typer:
    """Return a program of several commands."""
    return _app(commands, help=help, no_args_is_help=True)


class RecordingsFirst(TyperGroup):
    """The program's commands, where recordings may stand in the place of one: to be labelled."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take ``bilstm-hmm x.wav`` for ``bilstm-hmm predict x.wav``."""
        if args and args[0] not in self.commands and _is_like_a_path(args[0]):
            args = [predict.__name__, *args]
        return super().parse_args(ctx, args)


def _is_like_a_path(word: str) -> bool:
    """Say whether a word is a path rather than a command that was misspelt."""
    if word.startswith("-"):
        return word == DASH
    has_separator = any(separator in word for separator in (os.sep, os.altsep) if separator)
    return has_separator or bool(Path(word).suffix) or Path(word).exists()


class _Program(typer.Typer):
    def __call__(self, *args: Any, **options: Any) -> Any:
        with standard_streams():
            return super().__call__(*args, **options)


def _app(commands: Mapping[str, Command], **options: Any) -> typer.Typer:
    """Return commands whose errors are one sentence, with plain help, which comes at once."""
    options = {"add_completion": False, **options}
    app = _Program(pretty_exceptions_enable=False, rich_markup_mode=None, **options)
    for name, function in commands.items():
        app.command(name or None)(user_errors()(function))
    return app


def program(*, completion: bool = False) -> typer.Typer:
    """Return the program with all commands.

    Parameters
    ----------
    completion
        Whether it can install shell completion, which goes by the program's name.
    """
    app = _app(COMMANDS, help=HELP, no_args_is_help=True, add_completion=completion)
    app.callback(cls=RecordingsFirst, help=HELP)(_global_options)
    app.add_typer(group(CORPORA, CORPORA_HELP), name="corpora")
    app.add_typer(group(ENCODERS, ENCODERS_HELP), name="encoders")
    app.add_typer(group(VOICE, VOICE_HELP), name="voice")
    app.add_typer(group(CACHE, CACHE_HELP), name="cache")
    # As the folder is called, and ``python -m features``.
    app.add_typer(group(ENCODERS, ENCODERS_HELP), name="features", hidden=True)
    return app


def _show_version(asked: bool) -> None:
    if asked:
        print(f"bilstm-hmm {__version__}")
        raise typer.Exit


def _global_options(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version."),
    ] = False,
) -> None:
    """Take the options of the whole program."""


def main() -> None:
    """Run the program ``bilstm-hmm``."""
    program(completion=True)(prog_name="bilstm-hmm")
