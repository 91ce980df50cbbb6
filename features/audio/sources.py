"""Where samples come from: audio files and arrays, as blocks that can be gone through again."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from ..errors import AudioError
from ..frames import FloatArray

# Samples a block and channel: 16 s at 16 kHz. Long files are mixed and resampled block by block.
BLOCK = 1 << 18
MAX_CHANNELS = 64
_SHORTER_THAN_DECLARED = re.compile(r"(?:data|SSND|Data Size)\s*:\s*(\d+) \(should be (\d+)\)")
#: Writers that stream to a pipe declare the largest size there is, or nearly so.
SIZE_UNKNOWN = 0x7FFF0000

Blocks = Iterator[FloatArray]


@dataclass(frozen=True, slots=True)
class Source:
    """A recording as it is, before it is mixed and resampled.

    Attributes
    ----------
    name
        For messages: the path, or that it is an array.
    rate
        In Hz.
    n_channels
        Of every block.
    declared
        How many samples a channel there should be.
    cut_off
        Whether the file's own header shows that its end is missing.
    blocks
        Goes through the recording from its start, float32 ``[n, n_channels]`` a block.
    """

    name: str
    rate: float
    n_channels: int
    declared: int
    cut_off: bool
    blocks: Callable[[], Blocks]


def file_source(path: Path) -> Source:
    """Return an audio file as a source: anything that libsndfile reads.

    Raises
    ------
    AudioError
        Where the file is missing, a folder, empty, unreadable or not audio.
    """
    _check_file(path)
    with _open(path) as file:
        rate, n_channels, declared = file.samplerate, file.channels, file.frames
        cut_off = _is_shorter_than_declared(file.extra_info)
    return Source(str(path), rate, n_channels, declared, cut_off, lambda: _file_blocks(path))


def array_source(array: NDArray[np.generic], rate: float) -> Source:
    """Return an array of samples as a source.

    Raises
    ------
    AudioError
        Where the array is empty, of another shape or type, or its rate is none of sound.
    """
    samples = np.asarray(array)
    if not 100 <= rate <= 10_000_000:
        raise AudioError(
            f"The array's sampling rate is given as {rate}; it must be a number of Hz."
        )
    if samples.ndim not in (1, 2) or (samples.ndim == 2 and samples.shape[1] > MAX_CHANNELS):
        raise AudioError(
            f"The array has the shape {samples.shape}; give samples as [n], or as [n, n_channels] "
            f"with at most {MAX_CHANNELS} channels."
        )
    if samples.size == 0:
        raise AudioError("The array holds no samples; give at least one.")
    columns = samples if samples.ndim == 2 else samples[:, None]
    to_float = float_conversion(columns.dtype, "The array")

    def blocks() -> Blocks:
        for first in range(0, len(columns), BLOCK):
            yield to_float(columns[first : first + BLOCK])

    return Source("The array", rate, columns.shape[1], len(columns), False, blocks)


def float_conversion(
    dtype: np.dtype[np.generic], name: str
) -> Callable[[NDArray[np.generic]], FloatArray]:
    """Return what brings samples of `dtype` to float32 with full scale at 1.

    Raises
    ------
    AudioError
        There is no such type of samples; `name` is whose it is.
    """
    if dtype.kind == "f":
        return _from_float
    if dtype == np.uint8:
        return lambda block: (block.astype(np.float32) - np.float32(128.0)) / np.float32(128.0)
    if dtype in (np.int8, np.int16, np.int32):
        scale = np.float32(2.0 ** (1 - 8 * dtype.itemsize))
        return lambda block: block.astype(np.float32) * scale
    raise AudioError(
        f"{name} is of type {dtype}; give int8, uint8, int16, int32 or floating-point samples."
    )


def _from_float(block: NDArray[np.generic]) -> FloatArray:
    # What float32 cannot hold becomes infinite here, and is refused as such later.
    with np.errstate(over="ignore"):
        return block.astype(np.float32)


def _check_file(path: Path) -> None:
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except IsADirectoryError:
        raise AudioError(f"{path} is a folder, not an audio file; name a file in it.") from None
    except FileNotFoundError:
        raise AudioError(f"{path} does not exist; check the path.") from None
    except PermissionError:
        # Which is also how Windows refuses to open a folder.
        raise AudioError(f"{path} may not be read; ask for permission to read it.") from None
    except (OSError, ValueError) as error:
        raise AudioError(f"{path} cannot be opened ({error}); check the path.") from None
    if empty:
        raise AudioError(f"{path} is empty (0 bytes); record or copy it again.")


def _open(path: Path) -> soundfile.SoundFile:
    try:
        return soundfile.SoundFile(str(path))
    except (soundfile.SoundFileError, TypeError) as error:
        # A TypeError is what headerless formats (.raw) give: they have no rate.
        reason = getattr(error, "error_string", "its format tells no sampling rate").rstrip(".")
        raise AudioError(
            f"{path} cannot be read as audio ({reason}); convert it to WAV or FLAC, or copy it "
            "again if it is damaged."
        ) from None


def _is_shorter_than_declared(log: str) -> bool:
    sizes = [
        (int(declared), int(actual)) for declared, actual in _SHORTER_THAN_DECLARED.findall(log)
    ]
    return any(actual < declared < SIZE_UNKNOWN for declared, actual in sizes)


def _file_blocks(path: Path) -> Blocks:
    """Yield the file as float32 ``[n, n_channels]``, up to its end or to where it is damaged."""
    with _open(path) as file:
        while True:
            try:
                block = file.read(BLOCK, dtype="float32", always_2d=True)
            except soundfile.SoundFileError:
                return
            if len(block) == 0:
                return
            yield block
