"""The page of the commands, from the signatures that typer reads as well."""

from collections.abc import Callable
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from typer.models import ArgumentInfo

from .markdown import table


def commands() -> str:
    """Return the page of all commands, their arguments and options."""
    from bilstm_hmm.cli.main import CACHE, COMMANDS, CORPORA, ENCODERS, VOICE

    groups = {
        "": COMMANDS,
        "corpora ": CORPORA,
        "encoders ": ENCODERS,
        "voice ": VOICE,
        "cache ": CACHE,
    }
    named = (
        (f"{g}{name}", function) for g, inner in groups.items() for name, function in inner.items()
    )
    return HEAD + "".join(_command(name, function) for name, function in named)


HEAD = """# Commands

`bilstm-hmm` is there after `pip install .`; `python -m bilstm_hmm` is the same. In a checkout
`python train.py`, `evaluate.py`, `tune.py` and `predict.py` are `bilstm-hmm train`, `evaluate`,
`tune` and `predict`, and need no installation of the toolkit itself.

`bilstm-hmm --version` prints the version, `bilstm-hmm --install-completion` installs completion for
the shell, and every command has `--help`.

The exit status is 0 if all went well, 1 if some of the files could not be labelled or a check
found a fault, and 2 for arguments, files or settings that are wrong; then one sentence on standard
error says what to do.
"""


def _command(name: str, function: Callable[..., None]) -> str:
    """Return the section of a command, by the signature that typer reads as well."""
    rows = []
    hints = get_type_hints(function, include_extras=True)
    for parameter in signature(function).parameters.values():
        of_type, info = get_args(hints[parameter.name])
        # Inside Annotated the first of the names is where the default would be.
        declared = (info.default, *(info.param_decls or ()))
        names = [part for part in declared if isinstance(part, str) and part.startswith("--")]
        usage = names[0] if names else f"--{parameter.name.replace('_', '-')}"
        if isinstance(info, ArgumentInfo):
            usage = info.metavar or parameter.name.upper()
            is_list = any(get_origin(part) is list for part in get_args(of_type))
            usage += "..." if is_list else ""
        elif of_type is not bool:
            usage += f" {info.metavar or _METAVARS[_first_type(of_type)]}"
        unsaid = any(parameter.default is value for value in (Parameter.empty, None, False))
        default = "" if unsaid else f"`{parameter.default}`"
        rows.append([f"`{usage}`", default, info.help or ""])
    text = f"\n## `bilstm-hmm {name}`\n\n{(function.__doc__ or '').strip()}\n"
    return text + ("\n" + table(("option", "default", "meaning"), rows) if rows else "")


_METAVARS = {str: "TEXT", Path: "PATH", int: "NUMBER", float: "NUMBER"}


def _first_type(annotation: Any) -> Any:
    return next((_first_type(part) for part in get_args(annotation)), annotation)
