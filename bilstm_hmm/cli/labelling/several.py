"""Labelling several files: results as they come, in any format, resumable, and summed up."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from bilstm_hmm.atomic_files import atomic_path, atomic_write
from bilstm_hmm.cli.labelling.file_workers import predict_files
from bilstm_hmm.cli.labelling.output import target_files
from bilstm_hmm.cli.labelling.summary import Summary
from bilstm_hmm.cli.labelling.warning_counts import WarningCounts
from bilstm_hmm.cli.labelling.writing import append, render_one, report_failure, write
from bilstm_hmm.cli.options import PredictOptions, ProgressCallback
from bilstm_hmm.cli.voice.two_passes import predict_by_voice, warn_unnamed
from bilstm_hmm.confidence.abstention import abstain
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.audio.voices import EVERYTHING, Voice
from bilstm_hmm.inference.explanation.results import explained
from bilstm_hmm.inference.model import Model
from bilstm_hmm.output.formats import format_named, json_list, render
from bilstm_hmm.output.resume import (
    RESUMABLE_FORMATS,
    keep_finished,
    read_finished,
    refuse_other_table,
)
from bilstm_hmm.output.run_record import RunRecord, refuse_other_run, write_record
from bilstm_hmm.prediction import Failure, Prediction, Result


def label_several(model: Model, options: PredictOptions, on_result: ProgressCallback) -> int:
    """Label several files, sum up what became of them, and return how many failed."""
    format = format_named(options.format)
    files, has_header = options.files, False
    if format.incremental and options.output is not None:
        files, has_header = _open_output(model, options, options.output)
    warnings, summary = WarningCounts(), Summary()
    results = map(warnings.counted, _predict(model, files, options, on_result))
    if format.per_file:
        _write_each(results, options, summary)
    elif format.incremental:
        _write_streaming(results, model.classes, has_header, options, summary)
    else:
        _write_list(results, options, summary)
    warnings.print()
    before = set(options.files).difference(files)
    n_before = sum(len(options.voices.get(path, (EVERYTHING,))) for path in before)
    print(summary.line(options.output, n_before, options.n_others), file=sys.stderr)
    return summary.n_failed


def _predict(
    model: Model, files: Sequence[Path], options: PredictOptions, on_result: ProgressCallback
) -> Iterator[Result]:
    problems, everything = options.problems, (EVERYTHING,)
    asked = [(path, voice) for path in files for voice in options.voices.get(path, everything)]
    results = _predict_readable(
        model, [(path, voice) for path, voice in asked if path not in problems], options
    )
    for done, (path, voice) in enumerate(asked, start=1):
        problem = problems.get(path)
        result = next(results) if problem is None else Failure(os.fspath(path), problem)
        if options.explain:
            result = explained(model.scorer, result, voice, options.profile)
        on_result(done, len(asked))
        yield abstain(result, options.abstain)


def _predict_readable(
    model: Model, asked: Sequence[tuple[Path, Voice]], options: PredictOptions
) -> Iterator[Result]:
    """Yield the results of files that can be opened, each with what of it is listened to."""
    curves = format_named(options.format).needs_curves
    if options.grouping is None:
        files, voices = [path for path, _ in asked], [voice for _, voice in asked]
        yield from predict_files(model, files, options.jobs, curves, voices, options.profile)
        return
    warn_unnamed(options.grouping, options.files)
    # Also of what is labelled already, so that a voice is the same in all of an output.
    every = [
        (path, voice)
        for path in options.files
        if path not in options.problems
        for voice in options.voices.get(path, (EVERYTHING,))
    ]
    wanted = {path for path, _ in asked}
    yield from predict_by_voice(model, every, wanted, options.grouping, options.jobs, curves)


def _write_streaming(
    results: Iterable[Result],
    classes: Sequence[str],
    has_header: bool,
    options: PredictOptions,
    summary: Summary,
) -> None:
    for result in results:
        text = render(
            [result],
            options.format,
            many=True,
            timeline=options.timeline,
            classes=classes,
            header=not has_header,
            voice=options.voice_column,
            top=options.top,
        )
        append(options.output, text)
        has_header = True
        report_failure(result, options)
        summary.add(result)


def _open_output(
    model: Model, options: PredictOptions, output: Path
) -> tuple[tuple[Path, ...], bool]:
    """Start the output file, or take up an older one; the files to do, and if it has a header."""
    record = RunRecord(
        model.bundle.model_id, tuple(model.classes), options.format, options.settings
    )
    text = _text_to_resume(output) if options.resume and output.is_file() else ""
    if not text.strip():
        _record(output, record)
        write(output, "")
        return options.files, False
    refuse_other_run(output, record)
    column = options.voice_column
    labelled = read_finished(text, options.format, column)
    refuse_other_table(text, output, record, column)
    finished = {name for name, voices in labelled.items() if _voices_of(name, options) <= voices}
    _record(output, record)
    atomic_write(output, keep_finished(text, options.format, finished, column))
    return tuple(path for path in options.files if os.fspath(path) not in finished), True


def _voices_of(name: str, options: PredictOptions) -> set[str]:
    """Return what a table calls the voices of a file; nothing of one that is not asked for."""
    if options.voice_column is None:
        return set()
    voices = options.voices.get(Path(name), ())
    return {str(getattr(voice, options.voice_column)) for voice in voices}


def _text_to_resume(output: Path) -> str:
    try:
        # Bytes, since a carriage return in a file name is no line end.
        return output.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise ToolkitError(f"{output}: cannot be read as text to resume from it.") from None


def _record(output: Path, record: RunRecord) -> None:
    """Leave word of what writes the output, where it is a file that may be resumed."""
    if record.format in RESUMABLE_FORMATS and (output.is_file() or not output.exists()):
        write_record(output, record)


def _write_list(results: Iterable[Result], options: PredictOptions, summary: Summary) -> None:
    """A list that is there whole or not at all, written as the results come."""

    def reported() -> Iterator[Result]:
        for result in results:
            report_failure(result, options)
            summary.add(result)
            yield result

    pieces = json_list(reported())
    if options.output is None:
        for piece in pieces:
            append(None, piece)
        return
    with atomic_path(options.output) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(pieces)


def _write_each(results: Iterable[Result], options: PredictOptions, summary: Summary) -> None:
    """Write one output file for each recording or each voice of it, in the output folder."""
    waiting = iter(results)
    for target, count in target_files(options).items():
        given = list(islice(waiting, count))
        content = render_one(given, options)
        if content is not None:
            write(target, content)
        for result in given:
            is_written = content is not None and isinstance(result, Prediction)
            summary.add(result if is_written else Failure(result.file, "reported already"))
