"""Writing results: to standard output or a file, and what is said of them on standard error."""

import sys
from collections.abc import Sequence
from pathlib import Path

from bilstm_hmm.atomic_files import atomic_write, write_error
from bilstm_hmm.cli.labelling.warning_counts import print_warnings
from bilstm_hmm.cli.options import PredictOptions
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.output.formats import format_named, render
from bilstm_hmm.output.label_tracks import escape_unprintable
from bilstm_hmm.prediction import Failure, Result


def render_one(results: Sequence[Result], options: PredictOptions) -> str | bytes | None:
    """Return the file of a recording, None where it failed, which is reported."""
    labelled = [result for result in results if not report_failure(result, options)]
    if not labelled:
        return None
    try:
        return render(
            labelled, options.format, many=options.many, timeline=options.timeline, top=options.top
        )
    except AudioError as error:
        # A picture needs the recording once more, and it may have gone.
        report_failure(Failure(labelled[0].file, str(error)), options)
        return None


def report_failure(result: Result, options: PredictOptions) -> bool:
    """Return whether it failed, and say so on standard error; also warnings the format lacks.

    Those of a folder are said in the end. A terminal that shows the results has the error in them.
    """
    if isinstance(result, Failure):
        if options.output is not None or not (sys.stdout.isatty() and sys.stderr.isatty()):
            print(escape_unprintable(result.error), file=sys.stderr)
        return True
    if not options.many and not format_named(options.format).has_warnings:
        print_warnings(result)
    return False


def write(output: Path | None, content: str | bytes) -> None:
    """Write `content` to a file, whole or not at all, or to standard output."""
    if output is None:
        append(None, content)
    else:
        atomic_write(output, content)


def append(output: Path | None, content: str | bytes) -> None:
    """Write `content` at the end of a file, or to standard output at once."""
    if output is None:
        try:
            if isinstance(content, bytes):
                sys.stdout.buffer.write(content)
            else:
                sys.stdout.write(content)
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise ToolkitError(
                f"cannot write to standard output: {error.strerror or error}; name a file with "
                "--output."
            ) from None
        return
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        with output.open("ab") as file:
            file.write(data)
    except OSError as error:
        raise write_error(output, error) from None
