"""Unpacking of archives from elsewhere, so that nothing is written outside the folder given."""

import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from ..errors import DataError

_COPY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class _Member:
    """A file or folder in an archive, by either format's own entry."""

    name: str
    is_folder: bool
    is_file: bool
    entry: zipfile.ZipInfo | tarfile.TarInfo


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar archive to `folder`, which appears only when it is complete.

    Every name is checked before anything is written.

    Raises
    ------
    DataError
        If the archive is broken, has a member that would land outside `folder`, a link or a
        device, or cannot be written out.
    """
    partial = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".unpacking-"))
    try:
        with _open_archive(archive) as opened:
            members = [_check_member(archive, member) for member in _members(opened)]
            for member in members:
                _write(opened, member, partial / member.name)
        # mkdtemp closes the folder to others; a corpus is as open as the files beside it.
        partial.chmod(0o777 & ~_umask())
        partial.rename(folder)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError) as error:
        raise DataError(
            f"{archive} is broken ({error}): remove it and download it again"
        ) from error
    except OSError as error:
        raise DataError(
            f"{archive} cannot be unpacked to {folder} ({error.strerror or error}): "
            f"check the archive, the space left and the permissions"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _open_archive(archive: Path) -> Iterator[zipfile.ZipFile | tarfile.TarFile]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            yield zipped
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as tarred:
            yield tarred
    else:
        raise DataError(
            f"{archive} is neither a zip nor a tar archive: remove it and download it again"
        )


def _members(opened: zipfile.ZipFile | tarfile.TarFile) -> Iterator[_Member]:
    if isinstance(opened, zipfile.ZipFile):
        for info in opened.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            is_file = kind in (0, stat.S_IFREG) and not info.is_dir() and not info.flag_bits & 1
            yield _Member(info.filename, info.is_dir(), is_file, info)
    else:
        for entry in opened:
            yield _Member(entry.name, entry.isdir(), entry.isfile(), entry)


def _check_member(archive: Path, member: _Member) -> _Member:
    """Return `member`, or raise where its name leaves the folder or it is no plain file."""
    name = member.name
    outside = (
        PurePosixPath(name).is_absolute()
        or PureWindowsPath(name).anchor
        or ".." in PureWindowsPath(name).parts
        or "\0" in name
    )
    if outside:
        raise DataError(
            f"{archive} has a member that would land outside the folder ({name!r}): "
            f"do not use this archive"
        )
    if not (member.is_folder or member.is_file):
        raise DataError(
            f"{archive} has a member that is no plain file ({name!r}): do not use this archive"
        )
    return member


def _write(opened: zipfile.ZipFile | tarfile.TarFile, member: _Member, path: Path) -> None:
    if member.is_folder:
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with _source(opened, member) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target, _COPY_BYTES)


def _source(opened: zipfile.ZipFile | tarfile.TarFile, member: _Member) -> IO[bytes]:
    if isinstance(opened, zipfile.ZipFile):
        assert isinstance(member.entry, zipfile.ZipInfo)
        return opened.open(member.entry)
    assert isinstance(member.entry, tarfile.TarInfo)
    source = opened.extractfile(member.entry)
    assert source is not None  # only links and devices have none, and they are refused
    return source


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
