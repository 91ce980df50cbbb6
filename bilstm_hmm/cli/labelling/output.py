"""The output that is asked for: whether it can hold the results, and that no other is lost."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bilstm_hmm.cli.labelling.inputs import normal_path
from bilstm_hmm.cli.labelling.voices import voice_suffixes
from bilstm_hmm.cli.options import PredictOptions
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.output.formats import format_named
from bilstm_hmm.output.lock import output_lock
from bilstm_hmm.output.resume import RESUMABLE_FORMATS


@contextmanager
def claimed_output(options: PredictOptions) -> Iterator[None]:
    """Check the output, before hours of labelling and not after, and keep others from it meanwhile.

    Raises
    ------
    ToolkitError
        It cannot hold the format, holds something already, or another process writes to it.
    """
    _refuse_unfit(options)
    if options.output is None:
        yield
        return
    with output_lock(options.output):
        _refuse_existing(options)
        yield


def target_files(options: PredictOptions) -> dict[Path, int]:
    """Return the files that are written, and of how many results: one each, or one for all.

    In a folder they are named after the recordings, below what all of those have in common; where
    several voices of a recording have a file each, after the voice as well.
    """
    if options.output is None:
        return {}
    format = format_named(options.format)
    if not (options.many and format.per_file):
        return {options.output: len(options.files)}
    paths = [Path(normal_path(path)) for path in options.files]
    base = Path(os.path.commonpath([path.parent for path in paths]))
    targets: dict[Path, int] = {}
    for given, path in zip(options.files, paths, strict=True):
        voices = options.voices.get(given, ()) if options.voice_column else ()
        suffixes = [""] if format.tiers or not voices else voice_suffixes(voices)
        for suffix in suffixes:
            # The old suffix stays in the name, so that x.wav and x.flac do not meet.
            name = path.relative_to(base).with_name(path.name + suffix + format.suffix)
            targets[options.output / name] = max(1, len(voices)) if format.tiers else 1
    return targets


def _refuse_unfit(options: PredictOptions) -> None:
    many, output = options.many, options.output
    format = format_named(options.format)
    is_resumable = many and output is not None and options.format in RESUMABLE_FORMATS
    if options.resume and not is_resumable:
        raise ToolkitError(
            "--resume needs a folder or several recordings, --output and one of the formats "
            f"{', '.join(RESUMABLE_FORMATS)}."
        )
    if options.resume and options.overwrite:
        raise ToolkitError("--resume goes on with what --overwrite replaces; give one of them.")
    if many and format.per_file:
        if output is None:
            raise ToolkitError(
                f"--format {options.format} holds one recording: give a folder with --output DIR."
            )
        if output.is_file():
            raise ToolkitError(f"--output {output}: it is a file; give a folder.")
        if output.suffix.lower() == format.suffix.lower() and not output.is_dir():
            raise ToolkitError(
                f"--output {output}: {output.suffix} holds one recording, and here are several; "
                f"give a folder, with --format {options.format}."
            )
    elif output is not None and output.is_dir():
        raise ToolkitError(f"--output {output}: it is a folder; give the name of a file.")
    if format.binary and _is_terminal(output):
        raise ToolkitError(
            f"--format {options.format} is nothing for a terminal: name a file with --output FILE."
        )


def _is_terminal(output: Path | None) -> bool:
    if output is None:
        return sys.stdout.isatty()
    if not output.is_char_device():
        return False
    try:
        with output.open("ab", buffering=0) as device:
            return device.isatty()
    except OSError:
        return False


def _refuse_existing(options: PredictOptions) -> None:
    """Refuse to write over what may be hours of somebody's work, or over a recording."""
    recordings = {normal_path(path) for path in options.files}
    targets = target_files(options)
    for target in targets:
        if normal_path(target) in recordings:
            raise ToolkitError(f"{target} is a recording to be labelled; choose another --output.")
    if options.overwrite or options.resume:
        return
    existing = [target for target in targets if _holds_something(target)]
    if not existing:
        return
    others = f" (and {len(existing) - 1} more)" if existing[1:] else ""
    cure = ", or --resume to go on with it" if _may_resume(options) else ""
    raise ToolkitError(
        f"{existing[0]}{others} exists already; add --overwrite to replace it{cure}."
    )


def _may_resume(options: PredictOptions) -> bool:
    return options.many and options.format in RESUMABLE_FORMATS


def _holds_something(path: Path) -> bool:
    # Devices and pipes are written through; an empty file is one that was made to be written.
    return path.is_file() and path.stat().st_size > 0
