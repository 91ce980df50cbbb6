"""Labelling one file or a folder: results as they come, in any format, resumable."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bilstm_hmm.atomic_files import atomic_path, atomic_write, write_error
from bilstm_hmm.cli.file_workers import predict_files
from bilstm_hmm.data.audio_files import audio_files
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.inference.model import Model
from bilstm_hmm.output.formats import format_named, json_list, render
from bilstm_hmm.output.resume import RESUMABLE_FORMATS, keep_finished, read_finished
from bilstm_hmm.prediction import Failure, Prediction

Result = Prediction | Failure
ProgressCallback = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class PredictOptions:
    """What the user asked for; `output` None is standard output, `jobs` are processes."""

    files: tuple[Path, ...]
    many: bool
    format: str
    output: Path | None
    timeline: bool
    resume: bool
    jobs: int = 1


def existing_file(path: Path) -> Path:
    """Return `path`, the one recording to label.

    Raises
    ------
    ToolkitError
        No such file, or a folder.
    """
    try:
        path.stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ToolkitError(f"--file {path}: {reason}; check the path.") from None
    if path.is_dir():
        raise ToolkitError(f"--file {path}: it is a folder; use --folder.")
    return path


def audio_files_in(folder: Path) -> tuple[Path, ...]:
    """Return the audio files below a folder, sorted.

    Raises
    ------
    ToolkitError
        No such folder, or no audio in it.
    """
    if not folder.is_dir():
        what = "it is a file; use --file" if folder.exists() else "no such folder; check the path"
        raise ToolkitError(f"--folder {folder}: {what}.")
    found = tuple(file.path for file in audio_files(folder))
    if not found:
        raise ToolkitError(
            f"--folder {folder}: no audio file in it or below; expected files such as .wav, "
            ".flac, .ogg or .mp3."
        )
    return found


def write_predictions(
    model: Model,
    order: PredictOptions,
    on_result: ProgressCallback,
    finish: Callable[[Result], Result] = lambda result: result,
) -> int:
    """Label the files, write the results, and return how many failed.

    Parameters
    ----------
    on_result
        Called with the number of files done and their total.
    finish
        What becomes of the result of a single file before it is written.

    Raises
    ------
    ToolkitError
        The output cannot be written, or a resumption is not possible.
    """
    chosen = format_named(order.format)
    resumable = order.many and order.output is not None and order.format in RESUMABLE_FORMATS
    if order.resume and not resumable:
        raise ToolkitError(
            "--resume needs --folder, --output and one of the formats "
            f"{', '.join(RESUMABLE_FORMATS)}."
        )
    into_folder = chosen.per_file and order.many
    # Told before hours of labelling, not after.
    if order.output is not None and order.output.is_dir() and not into_folder:
        raise ToolkitError(f"--output {order.output}: it is a folder; give the name of a file.")
    if chosen.binary and order.output is None and not order.many and sys.stdout.isatty():
        raise ToolkitError(
            f"--format {order.format} is nothing for a terminal: name a file with --output FILE."
        )
    if into_folder:
        return _label_each(model, order, chosen.suffix, on_result)
    if chosen.streams and order.many:
        return _label_streaming(model, order, on_result)
    if order.many:
        return _label_list(model, order, on_result)
    (result,) = map(finish, _results(model, order.files, order, on_result))
    content = _rendered(result, order)
    # One recording that failed must not empty the output of an earlier call.
    if content is None:
        return 1
    _write(order.output, content)
    return 0


def _results(
    model: Model, files: Sequence[Path], order: PredictOptions, told: ProgressCallback
) -> Iterator[Result]:
    results = predict_files(model, files, order.jobs, format_named(order.format).curves)
    for done, result in enumerate(results, start=1):
        told(done, len(files))
        yield result


def _label_streaming(model: Model, order: PredictOptions, on_result: ProgressCallback) -> int:
    files, started = order.files, False
    if order.output is not None:
        files, started = _open_output(order)
    failed = 0
    for result in _results(model, files, order, on_result):
        text = render(
            [result],
            order.format,
            many=True,
            timeline=order.timeline,
            classes=model.classes,
            header=not started,
        )
        _append(order.output, text)
        started = True
        failed += _report_failures([result], order)
    return failed


def _label_list(model: Model, order: PredictOptions, on_result: ProgressCallback) -> int:
    """A list that is there whole or not at all, written as the results come."""
    failed = 0

    def told() -> Iterator[Result]:
        nonlocal failed
        for result in _results(model, order.files, order, on_result):
            failed += _report_failures([result], order)
            yield result

    pieces = json_list(told())
    if order.output is None:
        for piece in pieces:
            _append(None, piece)
        return failed
    with atomic_path(order.output) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(pieces)
    return failed


def _open_output(order: PredictOptions) -> tuple[tuple[Path, ...], bool]:
    """Start the output file, or take up an older one; the files to do, and if it has a header."""
    output = order.output
    assert output is not None
    if not order.resume or not output.is_file():
        _write(output, "")
        return order.files, False
    try:
        # Bytes, since a carriage return in a file name is no line end.
        text = output.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise ToolkitError(f"{output}: cannot be read as text to resume from it.") from None
    if not text.strip():
        return order.files, False
    done = read_finished(text, order.format)
    atomic_write(output, keep_finished(text, order.format))
    return tuple(path for path in order.files if os.fspath(path) not in done), True


def _label_each(
    model: Model, order: PredictOptions, suffix: str, on_result: ProgressCallback
) -> int:
    """One output file for each recording, named after it, in the output folder."""
    if order.output is None:
        raise ToolkitError(
            f"--format {order.format} holds one recording: give a folder with --output DIR."
        )
    if order.output.is_file():
        raise ToolkitError(f"--output {order.output}: it is a file; give a folder.")
    base = Path(os.path.commonpath([path.parent for path in order.files]))
    failed = 0
    for path, result in zip(
        order.files, _results(model, order.files, order, on_result), strict=True
    ):
        content = _rendered(result, order)
        if content is None:
            failed += 1
            continue
        # The old suffix stays in the name, so that x.wav and x.flac do not meet.
        target = order.output / path.relative_to(base)
        _write(target.with_name(target.name + suffix), content)
    return failed


def _rendered(result: Result, order: PredictOptions) -> str | bytes | None:
    """Return the file of one recording, None where it failed, which is told."""
    if _report_failures([result], order):
        return None
    try:
        return render([result], order.format, many=order.many, timeline=order.timeline)
    except AudioError as error:
        # A picture needs the recording once more, and it may have gone.
        _report_failures([Failure(result.file, str(error))], order)
        return None


def _report_failures(results: Sequence[Result], order: PredictOptions) -> int:
    """Tell of failures on standard error, return how many; and of warnings, which text lacks."""
    failed = 0
    for result in results:
        if isinstance(result, Failure):
            print(result.error, file=sys.stderr)
            failed += 1
        elif order.format == "text":
            for warning in result.warnings:
                print(f"{result.file}: {warning}", file=sys.stderr)
    return failed


def _write(output: Path | None, content: str | bytes) -> None:
    if output is None:
        _append(None, content)
    else:
        atomic_write(output, content)


def _append(output: Path | None, content: str | bytes) -> None:
    if output is None:
        if isinstance(content, bytes):
            sys.stdout.buffer.write(content)
        else:
            sys.stdout.write(content)
        sys.stdout.flush()
        return
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        with output.open("ab") as file:
            file.write(data)
    except OSError as error:
        raise write_error(output, error) from None
