"""Temporary folders that are gone with their process, however it ends.

A process that is killed takes nothing away. What it left, recordings it may be, the next one
removes: whose folder it is holds a lock on it, which ends with the process.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where nobody knows whose it is.
    fcntl = None  # type: ignore[assignment]

#: Seconds in which a folder that was just made has got its lock.
_YOUNG = 60.0


@contextmanager
def own_folder(prefix: str) -> Iterator[Path]:
    """Give a folder that is removed after the block; those of processes that died go before it."""
    _remove_left(prefix)
    with tempfile.TemporaryDirectory(prefix=prefix) as name:
        descriptor = _lock(Path(name))
        try:
            yield Path(name)
        finally:
            if descriptor is not None:
                os.close(descriptor)


def _remove_left(prefix: str) -> None:
    if fcntl is None:
        return
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        # What is not ours, or goes meanwhile, is no matter of ours.
        with suppress(OSError):
            is_young = time.time() - folder.stat().st_mtime < _YOUNG
            if is_young or folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                continue
            descriptor = _lock(folder)
            if descriptor is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(descriptor)


def _lock(folder: Path) -> int | None:
    """Return a descriptor that holds the lock, None where another process does."""
    if fcntl is None:
        return None
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
