"""What a user can cause is one sentence on standard error and an exit status."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer


@contextmanager
def user_errors() -> Iterator[None]:
    """Turn what a user can cause into one sentence and `typer.Exit`; also a decorator.

    The status is 2, but 130 for an interruption and 1 where the reader of the output has gone.
    """
    from bilstm_hmm.data.errors import DataError
    from bilstm_hmm.errors import ToolkitError
    from bilstm_hmm.extras import missing_package_message
    from bilstm_hmm.features.errors import AudioError, EncoderError

    try:
        yield
    except (ToolkitError, DataError, AudioError, EncoderError) as error:
        raise _exit(" ".join(str(error).split())) from None
    except ModuleNotFoundError as error:
        sentence = missing_package_message(error)
        if sentence is None:
            raise
        raise _exit(sentence) from None
    except KeyboardInterrupt:
        sentence = "Interrupted; what was finished is kept, go on with --resume."
        raise _exit(sentence, 130) from None
    except BrokenPipeError:
        # The reader has gone (as in `| head`): nothing more to say, not even at exit.
        _write_nowhere()
        raise typer.Exit(1) from None
    except MemoryError:
        sentence = "Not enough memory; use a machine with more, or fewer clips."
        raise _exit(sentence) from None
    except OSError as error:
        raise _exit(_of_system(error)) from None


@contextmanager
def standard_streams() -> Iterator[None]:
    """Run a program where standard output or error may be closed or full: one sentence, as ever."""
    was_closed = sys.stdout is None
    _replace_closed()
    try:
        try:
            yield
        except SystemExit as end:
            # What is still held back is written now, where it can be said that it cannot be.
            if not end.code:
                sys.stdout.flush()
            raise
    except BrokenPipeError:
        _write_nowhere()
        sys.exit(1)
    except OSError as error:
        print(_of_system(error), file=sys.stderr)
        _write_nowhere()
        sys.exit(2)
    finally:
        if was_closed:
            _write_nowhere()


def _replace_closed() -> None:
    """Put what can be asked in the place of a closed stream, as Python does not.

    The next file that is opened would have its number, and what is printed there might go into it.
    What is written to standard output fails then; standard error keeps its sentences to itself.
    """
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")


def _write_nowhere() -> None:
    """Let what is left for standard output go, of which Python would complain as it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _of_system(error: OSError) -> str:
    if error.filename is None:
        # Mostly of standard output: what is written to files has sentences of its own.
        return f"Writing failed: {error.strerror or error}; send the output elsewhere."
    # Mostly a folder above the file that may not be entered.
    cure = "check the path, its permissions and the free space"
    return f"{error.filename}: {error.strerror or error}; {cure}."


def _exit(sentence: str, status: int = 2) -> typer.Exit:
    from bilstm_hmm.output.label_tracks import escape_unprintable

    print(escape_unprintable(sentence), file=sys.stderr)
    return typer.Exit(status)
