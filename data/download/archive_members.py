"""What is in an archive: its members, and whether the archive is whole.

Nothing that an archive declares is believed: a tar says nothing of how many members it has, and a
reader that meets a broken header takes it for the end; what is small may unpack to a full disk.
"""

import bz2
import gzip
import lzma
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from ..errors import DataError

_BLOCK = tarfile.BLOCKSIZE
#: More at once is read by nothing but the headers of a bomb.
_MAX_READ = 1 << 24
_TAIL_BYTES = 1 << 20
#: The record that ends a zip, and the longest comment after it.
_ZIP_END, _ZIP_END_BYTES = b"PK\x05\x06", 22 + 0xFFFF


@dataclass(frozen=True, slots=True)
class Member:
    """A file or folder in an archive; `size` is what the archive declares, in bytes."""

    name: str
    is_folder: bool
    is_file: bool
    size: int
    open: Callable[[], IO[bytes]]


class _Bounded:
    """A stream of which no more is read, at once or at all, than an archive may hold."""

    def __init__(self, stream: IO[bytes], archive: Path, max_bytes: int) -> None:
        self._stream, self._archive, self._max_bytes = stream, archive, max_bytes

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _MAX_READ:
            raise tarfile.ReadError("a header of an impossible size")
        self._check(self._stream.tell() + size)
        return self._stream.read(size)

    def seek(self, position: int) -> int:
        self._check(position)
        return self._stream.seek(position)

    def tell(self) -> int:
        return self._stream.tell()

    def _check(self, position: int) -> None:
        # A tar ends in up to 10 kB of zeros, and readers look a piece ahead.
        if position > self._max_bytes + _MAX_READ:
            raise too_large(self._archive, self._max_bytes)


def too_large(archive: Path, max_bytes: int) -> DataError:
    """Return the sentence of an archive that would unpack to more than `max_bytes`."""
    return DataError(
        f"{archive} would unpack to more than {max_bytes / 1e6:.0f} MB, far more than sound of its "
        f"size: do not use this archive"
    )


@contextmanager
def open_archive(archive: Path, max_bytes: int) -> Iterator[Iterator[Member]]:
    """Yield the members of a zip or tar archive; after the last it is known to be complete.

    Parameters
    ----------
    max_bytes
        What it may unpack to; of a tar no more is looked at.

    Raises
    ------
    DataError
        It is neither, or unpacks to more.
    zipfile.BadZipFile, tarfile.TarError
        It is cut off or altered. Damaged streams raise whatever their decoder raises.
    """
    with _decompressed(archive) as stream:
        if _starts_as_tar(stream):
            bounded = _Bounded(stream, archive, max_bytes)
            with tarfile.open(fileobj=cast(IO[bytes], bounded), mode="r:") as tarred:
                yield _tar_members(tarred, bounded)
            return
    if not zipfile.is_zipfile(archive):
        raise DataError(
            f"{archive} is neither a zip nor a tar archive: remove it and download it again"
        )
    with zipfile.ZipFile(archive) as zipped:
        yield _zip_members(zipped, archive)


@contextmanager
def _decompressed(archive: Path) -> Iterator[IO[bytes]]:
    """Open a file, its content decompressed where it begins as gzip, bzip2 or xz do."""
    with archive.open("rb") as file:
        start = file.read(6)
    openers: dict[bytes, Callable[[Path], Any]] = {
        b"\x1f\x8b": gzip.open,
        b"BZh": bz2.open,
        b"\xfd7zXZ\0": lzma.open,
        b"": lambda path: path.open("rb"),
    }
    with next(opener for magic, opener in openers.items() if start.startswith(magic))(
        archive
    ) as stream:
        yield stream


def _starts_as_tar(stream: IO[bytes]) -> bool:
    try:
        tarfile.TarInfo.frombuf(stream.read(_BLOCK), "utf-8", "surrogateescape")
    except tarfile.TarError:
        return False
    stream.seek(0)
    return True


def _tar_members(tarred: tarfile.TarFile, stream: _Bounded) -> Iterator[Member]:
    for entry in tarred:
        # A sparse file has holes for most of what it declares.
        is_file = entry.isfile() and not entry.issparse()
        source = cast(Callable[[], IO[bytes]], lambda entry=entry: tarred.extractfile(entry))
        yield Member(entry.name, entry.isdir(), is_file, entry.size, source)
    # `tarfile` takes a broken header for the end; behind the true end there are zeros alone.
    stream.seek(tarred.offset)
    n_zeros = 0
    while tail := stream.read(_TAIL_BYTES):
        if tail.count(0) != len(tail):
            raise tarfile.ReadError("a member's header is broken")
        n_zeros += len(tail)
    if n_zeros < _BLOCK:
        raise tarfile.ReadError("its end is missing")


def _zip_members(zipped: zipfile.ZipFile, archive: Path) -> Iterator[Member]:
    entries = zipped.infolist()
    declared = _declared_members(archive)
    # The count has 16 bits; all of them are set where it stands elsewhere.
    if declared not in (0xFFFF, len(entries) & 0xFFFF):
        raise zipfile.BadZipFile(f"it has {len(entries)} members of {declared}")
    for entry in entries:
        kind = stat.S_IFMT(entry.external_attr >> 16)
        is_folder = entry.filename.endswith("/")
        is_file = kind in (0, stat.S_IFREG) and not is_folder and not entry.flag_bits & 1
        source = cast(Callable[[], IO[bytes]], lambda entry=entry: zipped.open(entry))
        yield Member(entry.filename, is_folder, is_file, entry.file_size, source)


def _declared_members(archive: Path) -> int:
    with archive.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _ZIP_END_BYTES))
        tail = file.read()
    at = tail.rfind(_ZIP_END)
    if at < 0 or len(tail) < at + 12:
        raise zipfile.BadZipFile("its end is missing")
    count: int = struct.unpack_from("<H", tail, at + 10)[0]
    return count
