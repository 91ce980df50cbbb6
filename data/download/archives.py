"""Unpacking of archives from elsewhere: all of one or nothing, and nothing outside its folder."""

import lzma
import os
import shutil
import struct
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath

from ..errors import DataError
from .archive_members import Member, open_archive, too_large

_COPY_BYTES = 1 << 20
#: What a corpus may be once unpacked: sound is seldom packed to a tenth.
_MIN_MAX_BYTES, _MAX_RATIO = 100_000_000, 50
_MAX_MEMBERS = 200_000
_MAX_DEPTH, _MAX_NAME = 40, 1000
#: What readers of archives raise of damaged ones, and of ways to pack that they do not know.
_BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, RuntimeError, ValueError, LookupError, OverflowError),
)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar archive to `folder`, which appears only when it is complete.

    Every name and size is checked before anything is written, and what is written is counted.

    Raises
    ------
    DataError
        If the archive is broken, cut off or empty, has a member that would land outside `folder`,
        a link or a device, unpacks to far more than sound would, or cannot be written out.
    """
    partial = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".unpacking-"))
    try:
        _unpack(archive, partial)
        # mkdtemp closes the folder to others; a corpus is as open as the files beside it.
        partial.chmod(0o777 & ~_umask())
        partial.rename(folder)
    except DataError:
        raise
    except _BROKEN as error:
        raise _broken(archive, error) from None
    except OSError as error:
        # Decoders have no number for their errors, the system has.
        if error.errno is None:
            raise _broken(archive, error) from None
        raise DataError(
            f"{archive} cannot be unpacked to {folder} ({error.strerror or error}): "
            f"check the archive, the space left and the permissions"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _broken(archive: Path, error: Exception) -> DataError:
    reason = _short(" ".join(str(error).split())) or type(error).__name__
    return DataError(f"{archive} is broken ({reason}): remove it and download it again")


def _unpack(archive: Path, folder: Path) -> None:
    max_bytes = max(_MIN_MAX_BYTES, _MAX_RATIO * archive.stat().st_size)
    with open_archive(archive, max_bytes) as found:
        members: dict[PurePosixPath, Member] = {}
        total = 0
        for member in found:
            path = _check_member(archive, member)
            if path in members and not (member.is_folder and members[path].is_folder):
                raise _refused(archive, member, "that is there twice")
            members[path] = member
            total += member.size
            if total > max_bytes or len(members) > _MAX_MEMBERS:
                raise too_large(archive, max_bytes)
        if not any(member.is_file for member in members.values()):
            raise DataError(f"{archive} has no file in it: remove it and download it again")
        for path, member in members.items():
            _write(archive, member, folder / path)


def _check_member(archive: Path, member: Member) -> PurePosixPath:
    """Return where `member` goes; raise where its name leaves the folder or it is no plain file."""
    name = member.name
    path = PurePosixPath(name)
    outside = (
        path.is_absolute()
        or PureWindowsPath(name).anchor
        or ".." in PureWindowsPath(name).parts
        or "\0" in name
    )
    if outside:
        raise _refused(archive, member, "that would land outside the folder")
    if not (member.is_folder or member.is_file):
        raise _refused(archive, member, "that is no plain file")
    if member.is_file and not path.parts:
        raise _refused(archive, member, "without a name")
    if len(path.parts) > _MAX_DEPTH or len(name) > _MAX_NAME:
        raise _refused(archive, member, "whose path is too long")
    return path


def _refused(archive: Path, member: Member, what: str) -> DataError:
    return DataError(
        f"{archive} has a member {what} ({_short(member.name)!r}): do not use this archive"
    )


def _write(archive: Path, member: Member, path: Path) -> None:
    if member.is_folder:
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with member.open() as source, path.open("wb") as target:
        while piece := source.read(_COPY_BYTES):
            size += len(piece)
            # Sizes were counted as declared; no member is longer than that.
            if size > member.size:
                break
            target.write(piece)
    if size != member.size:
        raise DataError(
            f"{archive} is broken ({_short(member.name)!r} is not as long as it says): "
            f"remove it and download it again"
        )


def _short(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:120]}..."


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
