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
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None
    except MemoryError:
        sentence = "Not enough memory; use a machine with more, or fewer clips."
        raise _exit(sentence) from None
    except OSError as error:
        # What has no sentence of its own: mostly a folder above the file that may not be entered.
        cure = "check the path, its permissions and the free space"
        raise _exit(f"{error.filename}: {error.strerror or error}; {cure}.") from None


def _exit(sentence: str, status: int = 2) -> typer.Exit:
    print(sentence, file=sys.stderr)
    return typer.Exit(status)
