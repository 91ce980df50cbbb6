"""Files appear whole or not at all; what stands in the way is one sentence for the user."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.atomic_files import replaced_file, replaced_folder

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
    try:
        if path.is_char_device() or path.is_fifo():
            # A device or pipe (/dev/stdout) is written through, never replaced by a file.
            yield path
            return
        with replaced_file(path) as temporary:
            yield temporary
    except OSError as error:
        raise write_error(path, error) from error


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
    try:
        with replaced_folder(folder) as temporary:
            yield temporary
    except OSError as error:
        raise write_error(folder, error) from error
