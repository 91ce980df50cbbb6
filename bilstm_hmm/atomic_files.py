"""Files appear whole or not at all, and a full disk is told in one sentence."""

import errno
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


def _discard(path: Path) -> None:
    # After a failed mkdir even looking for the file can fail; the first error is the one to tell.
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return
