"""Files and folders that appear whole or not at all."""

import errno
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replaced_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its name when the block ends well.

    The temporary name keeps the suffix of `path`, since some writers go by it. The folder is made
    where it is missing. If the block raises, the temporary file is removed and an older file at
    `path` stays as it was.

    Raises
    ------
    OSError
        It cannot be written, or `path` is a folder.
    """
    temporary = path.parent / f".{uuid.uuid4().hex}{path.suffix}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    finally:
        # After a failed mkdir even looking for it can fail; the first error is the one to tell.
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder that takes the place of `folder` when the block ends well.

    If the block raises, the temporary folder is removed and an older one at `folder` stays as it
    was.

    Raises
    ------
    OSError
        It cannot be written, or `folder` is a file.
    """
    temporary = _beside(folder)
    try:
        temporary.mkdir(parents=True)
        yield temporary
        _replace_folder(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _replace_folder(new: Path, folder: Path) -> None:
    """Put `new` in the place of `folder`; folders cannot be swapped in one step everywhere."""
    if not folder.exists():
        new.rename(folder)
        return
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "not a folder", str(folder))
    old = _beside(folder)
    folder.rename(old)
    try:
        new.rename(folder)
    except BaseException:
        old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _beside(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.{uuid.uuid4().hex}"
