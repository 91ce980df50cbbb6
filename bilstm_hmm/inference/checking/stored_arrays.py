"""Arrays out of an npz file from elsewhere: sizes are compared before anything is unpacked.

numpy makes room for whatever a header declares, and a zip of some megabytes declares gigabytes.
"""

import math
import zipfile
import zlib
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from bilstm_hmm.errors import brief
from bilstm_hmm.inference.checking.manifest import DamagedError

#: All arrays of a file; those of the models that ship have 0.1 MB.
_MAX_BYTES = 100_000_000
_MAX_MEMBERS, _MAX_DIMENSIONS = 1000, 8
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, LookupError, ValueError)

Arrays = dict[str, NDArray[Any]]


def read_arrays(
    content: bytes, name: str, required: Sequence[str], optional: Sequence[str] = ()
) -> Arrays:
    """Return the arrays of these names that an npz file has; others are left alone.

    Parameters
    ----------
    name
        Of the file, for messages.

    Raises
    ------
    DamagedError
        It is no npz file, declares more than it should, lacks an array of `required`, or has one
        that is not of plain numbers.
    """
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            members = _members(archive, name)
            missing = [key for key in required if key not in members]
            if missing:
                raise DamagedError(f"{name} lacks {missing[0]}")
            wanted = (key for key in (*required, *optional) if key in members)
            return {key: _array(archive, members[key], f"{name}: {key}") for key in wanted}
    except _BROKEN as error:
        raise DamagedError(f"{name} holds no arrays: {brief(str(error))}") from None


def _members(archive: zipfile.ZipFile, name: str) -> dict[str, zipfile.ZipInfo]:
    entries = archive.infolist()
    if len(entries) > _MAX_MEMBERS or sum(entry.file_size for entry in entries) > _MAX_BYTES:
        raise DamagedError(f"{name} would unpack to more than {_MAX_BYTES / 1e6:.0f} MB")
    members = {entry.filename.removesuffix(".npy"): entry for entry in entries}
    if len(members) < len(entries):
        raise DamagedError(f"{name} has two arrays of one name")
    return members


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, what: str) -> NDArray[Any]:
    if entry.compress_type not in _METHODS or entry.flag_bits & 1:
        raise DamagedError(f"{what} is packed in a way that is not known")
    with archive.open(entry) as member:
        content = member.read(entry.file_size + 1)
    stream = BytesIO(content)
    try:
        shape, is_fortran, dtype = _header(stream)
    except Exception:
        # A header is a text of Python: whatever is wrong with it.
        raise DamagedError(f"{what} is no array") from None
    if dtype.kind not in "fbiu" or dtype.itemsize > 8:
        raise DamagedError(f"{what} does not hold plain numbers")
    size, rest = math.prod(shape), len(content) - stream.tell()
    if len(shape) > _MAX_DIMENSIONS or min(shape, default=0) < 0 or size * dtype.itemsize != rest:
        raise DamagedError(f"{what} is not as large as it says")
    values = np.frombuffer(content, dtype, size, stream.tell())
    return values.reshape(shape, order="F" if is_fortran else "C").copy()


def _header(stream: BytesIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    shape, is_fortran, dtype = read[npy.read_magic(stream)](stream)
    return shape, is_fortran, dtype
