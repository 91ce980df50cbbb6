"""Audio files and arrays in, mono waveforms at the rate of the features out."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from features.channels import mixing_weights
from features.errors import AudioError
from features.frames import FloatArray
from features.quality import count_clipped, quality_notes

# Samples a block and channel: 16 s at 16 kHz. Long files are mixed and resampled block by block.
BLOCK = 1 << 18
MAX_CHANNELS = 64
_SHORTER_THAN_DECLARED = re.compile(r"(?:data|SSND|Data Size)\s*:\s*(\d+) \(should be (\d+)\)")
# Writers that stream to a pipe declare the largest size there is, or nearly so.
_SIZE_UNKNOWN = 0x7FFF0000

Blocks = Iterator[FloatArray]


@dataclass(frozen=True, slots=True)
class Waveform:
    """A mono recording.

    Attributes
    ----------
    samples
        float32 ``[n]`` at `rate`, at least one sample.
    rate
        In Hz.
    duration
        Of the original, in seconds.
    notes
        What the user may want to know: resampled, mixed, cut off, too short, silent, clipped,
        noisy; a phrase each.
    """

    samples: FloatArray
    rate: int
    duration: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Source:
    """A recording that can be gone through block by block, more than once."""

    name: str
    rate: float
    n_channels: int
    blocks: Callable[[], Blocks]


def read_audio(path: str | Path, rate: int = 16000) -> Waveform:
    """Return an audio file as a mono waveform.

    Parameters
    ----------
    path
        Anything that libsndfile reads, of any rate and number of channels.
    rate
        To resample to, in Hz.

    Raises
    ------
    AudioError
        Where the file is missing, a folder, empty, unreadable, not audio, or holds no samples or
        samples that are not finite.
    """
    path = Path(path)
    _check_file(path)
    with _open(path) as file:
        native_rate, n_channels, declared = file.samplerate, file.channels, file.frames
        cut_off = _is_shorter_than_declared(file.extra_info)
    source = _Source(str(path), native_rate, n_channels, lambda: _file_blocks(path))
    waveform, n_read = _waveform(source, rate)
    if cut_off or n_read < declared:
        note = f"cut off: the file ends after {waveform.duration:.2f} s, earlier than it declares"
        return Waveform(waveform.samples, rate, waveform.duration, (note, *waveform.notes))
    return waveform


def waveform_from_array(
    array: NDArray[np.generic], native_rate: float, rate: int = 16000
) -> Waveform:
    """Return an array of samples as a mono waveform.

    Parameters
    ----------
    array
        ``[n]`` or ``[n, n_channels]``; int8, uint8, int16, int32 over their full scale, or float
        with full scale at 1.
    native_rate
        Of the array, in Hz.
    rate
        To resample to, in Hz.

    Raises
    ------
    AudioError
        Where the array is empty, of another shape or type, or not finite.
    """
    samples = np.asarray(array)
    if not 100 <= native_rate <= 10_000_000:
        raise AudioError(
            f"The array's sampling rate is given as {native_rate}; it must be a number of Hz."
        )
    if samples.ndim not in (1, 2) or (samples.ndim == 2 and samples.shape[1] > MAX_CHANNELS):
        raise AudioError(
            f"The array has the shape {samples.shape}; give samples as [n], or as [n, n_channels] "
            f"with at most {MAX_CHANNELS} channels."
        )
    if samples.size == 0:
        raise AudioError("The array holds no samples; give at least one.")
    columns = samples if samples.ndim == 2 else samples[:, None]
    to_float = _conversion(columns.dtype)

    def blocks() -> Blocks:
        for first in range(0, len(columns), BLOCK):
            yield to_float(columns[first : first + BLOCK])

    source = _Source("The array", native_rate, columns.shape[1], blocks)
    return _waveform(source, rate)[0]


def _conversion(dtype: np.dtype[np.generic]) -> Callable[[NDArray[np.generic]], FloatArray]:
    """Return what brings samples of `dtype` to float32 with full scale at 1."""
    if dtype.kind == "f":
        return _from_float
    if dtype == np.uint8:
        return lambda block: (block.astype(np.float32) - np.float32(128.0)) / np.float32(128.0)
    if dtype in (np.int8, np.int16, np.int32):
        scale = np.float32(2.0 ** (1 - 8 * dtype.itemsize))
        return lambda block: block.astype(np.float32) * scale
    raise AudioError(
        f"The array is of type {dtype}; give int8, uint8, int16, int32 or floating-point samples."
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
        # A TypeError is what headerless formats (.raw) give: they do not tell their rate.
        reason = getattr(error, "error_string", "its format tells no sampling rate").rstrip(".")
        raise AudioError(
            f"{path} cannot be read as audio ({reason}); convert it to WAV or FLAC, or copy it "
            "again if it is damaged."
        ) from None


def _is_shorter_than_declared(log: str) -> bool:
    sizes = [(int(d), int(f)) for d, f in _SHORTER_THAN_DECLARED.findall(log)]
    return any(found < declared < _SIZE_UNKNOWN for declared, found in sizes)


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


def _finite_blocks(source: _Source) -> Blocks:
    for block in source.blocks():
        if not np.isfinite(block).all():
            raise AudioError(
                f"{source.name} holds samples that are infinite or not a number; export it again."
            )
        yield block


def _waveform(source: _Source, rate: int) -> tuple[Waveform, int]:
    """Return the mono waveform at `rate`, and how many samples the original had."""
    weights = np.ones(1, dtype=np.float32)
    notes: list[str] = []
    if source.n_channels > 1:
        weights, note = mixing_weights(_finite_blocks(source), source.n_channels)
        notes.append(note)
    resample = _resampler(source.rate, rate)
    n_read = n_clipped = 0
    parts: list[FloatArray] = []
    for block in _finite_blocks(source):
        n_read += len(block)
        n_clipped += count_clipped(block)
        parts.append(resample(block @ weights if source.n_channels > 1 else block[:, 0], False))
    if n_read == 0:
        raise AudioError(f"{source.name} holds no samples; record or copy it again.")
    parts.append(resample(np.zeros(0, dtype=np.float32), True))
    samples = np.concatenate(parts)
    if len(samples) == 0:
        samples = np.zeros(1, dtype=np.float32)
    if source.rate != rate:
        notes.insert(0, f"resampled from {source.rate:g} Hz")
    duration = n_read / source.rate
    notes += quality_notes(samples, rate, duration, n_clipped * rate / source.rate)
    return Waveform(samples, rate, duration, tuple(notes)), n_read


def _resampler(native_rate: float, rate: int) -> Callable[[FloatArray, bool], FloatArray]:
    """Return a function of (block, whether it is the last) to the resampled block."""
    if native_rate == rate:
        return lambda block, _last: block
    import soxr

    stream = soxr.ResampleStream(native_rate, rate, 1, dtype="float32")

    def resample(block: FloatArray, last: bool) -> FloatArray:
        resampled: FloatArray = stream.resample_chunk(np.ascontiguousarray(block), last=last)
        return resampled

    return resample
