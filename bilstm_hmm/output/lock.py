"""One process writes to an output: a lock beside it, which goes with the process that holds it."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from bilstm_hmm.atomic_files import write_error
from bilstm_hmm.errors import ToolkitError

_HELD = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)


@contextmanager
def output_lock(output: Path) -> Iterator[None]:
    """Keep other processes from writing to `output` while the block runs.

    The system frees the lock of a process that has ended, however it ended, so that the file of
    one that was killed is in nobody's way. A device or a pipe is not locked.

    Raises
    ------
    ToolkitError
        Another process holds it, or nothing can be written beside `output`.
    """
    target = output.resolve()
    if not target.name or (target.exists() and not (target.is_file() or target.is_dir())):
        yield
        return
    path = target.with_name(f".{target.name}.lock")
    new_folders = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _acquire(path, output)
    except OSError as error:
        raise write_error(output, error) from None
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes no file that is open.
            path.unlink()
        file.close()
        with suppress(OSError):
            path.unlink(missing_ok=True)
        for folder in new_folders:
            with suppress(OSError):  # Mostly: what was written lies in it.
                folder.rmdir()


def _acquire(path: Path, output: Path) -> BinaryIO:
    while True:
        file = path.open("ab")
        try:
            if not _try_lock(file.fileno()):
                raise ToolkitError(
                    f"--output {output}: another process is writing to it; wait for its end, or "
                    "choose another output."
                )
            # The one that held it may have removed the file between our opening and locking it.
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        except FileNotFoundError:
            pass
        except BaseException:
            file.close()
            raise
        file.close()


def _try_lock(descriptor: int) -> bool:
    """Lock an open file; False where another process has, True also where nothing can be locked."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # Some network file systems have no locks: better no lock there than no labels.
        return error.errno not in _HELD
    return True
