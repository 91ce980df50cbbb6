"""Files appear whole or not at all; what stands in the way is one sentence for the user."""

import errno
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bilstm_hmm.errors import ToolkitError

_CURES = {
    errno.ENOSPC: "the disk is full; free some space or choose another folder",
    errno.EDQUOT: "the disk quota is used up; free some space or choose another folder",
    errno.EACCES: "writing there is not permitted; choose another folder or change its permissions",
    errno.EPERM: "writing there is not permitted; choose another folder or change its permissions",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.EISDIR: "it is a folder; give the name of a file",
    errno.ENOTDIR: "a part of its path is a file, not a folder; choose another path",
    errno.EEXIST: "a part of its path is a file, not a folder; choose another path",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
}


def write_error(path: Path, error: OSError) -> ToolkitError:
    """Return the sentence for the user about `error`, met while writing `path`."""
    cure = _CURES.get(error.errno or 0, f"{error.strerror or error}; choose another path")
    return ToolkitError(f"cannot write {path}: {cure}")


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its name when the block ends well.

    The temporary name keeps the suffix of `path`, since some writers go by it. The folder is
    made where it is missing. If the block raises, the temporary file is removed and an older
    file at `path` stays as it was. The block should do nothing but write: any `OSError` out of
    it is taken for a failure to write `path`.

    Raises
    ------
    ToolkitError
        The disk is full, or `path` cannot be written for another reason.
    """
    temporary = path.parent / f".{uuid.uuid4().hex}{path.suffix}"
    try:
        if path.is_char_device() or path.is_fifo():
            # A device or pipe (/dev/stdout) is written through, never replaced by a file.
            yield path
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        _discard(temporary)


def atomic_write(path: Path, content: str | bytes) -> None:
    """Write `content` (text as UTF-8, line ends unchanged) to `path`, whole or not at all.

    Raises
    ------
    ToolkitError
        As for `atomic_path`.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder that takes the place of `folder` when the block ends well.

    If the block raises, the temporary folder is removed and an older one at `folder` stays as it
    was. As in `atomic_path`, the block should do nothing but write.

    Raises
    ------
    ToolkitError
        The disk is full, `folder` is a file, or it cannot be written for another reason.
    """
    temporary = _beside(folder)
    try:
        temporary.mkdir(parents=True)
        yield temporary
        _replace_folder(temporary, folder)
    except OSError as error:
        raise write_error(folder, error) from error
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


def _discard(path: Path) -> None:
    # After a failed mkdir even looking for the file can fail; the first error is the one to tell.
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return
