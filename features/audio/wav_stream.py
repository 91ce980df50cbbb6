"""Sound as it comes through a pipe: WAV in which nobody can seek, or raw samples.

The header follows "Multimedia Programming Interface and Data Specifications 1.0" (IBM and
Microsoft, 1991) and, for its extensible form, "Multiple Channel Audio Data and WAVE Files"
(Microsoft, 2007).
"""

import struct
from collections.abc import Generator
from dataclasses import dataclass
from io import BufferedIOBase

import numpy as np

from ..errors import AudioError
from ..frames import FloatArray
from .sources import (
    MAX_CHANNELS,
    MAX_SAMPLE,
    SIZE_UNKNOWN,
    check_declared,
    float_conversion,
    unusable,
)

#: Whose samples these are, in messages.
STDIN_NAME = "Standard input"
#: Bytes that are taken at once, where so many have come.
READ_BYTES = 1 << 16
#: The note on a half sample at the end, which is dropped.
CUT_WITHIN_SAMPLE = "cut off: the stream ends in the middle of a sample"

# Of the chunk that tells the format, which has 40 at most.
_MAX_FORMAT_BYTES = 1 << 16
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_DTYPES = {
    (_PCM, 8): "u1",
    (_PCM, 16): "<i2",
    (_PCM, 24): "<i3",
    (_PCM, 32): "<i4",
    (_FLOAT, 32): "<f4",
    (_FLOAT, 64): "<f8",
}
_WHAT_TO_SEND = "send WAV of 8 to 32 bits or floats, or raw 16-bit samples with --pcm RATE"


@dataclass(frozen=True, slots=True)
class SampleFormat:
    """How bytes are samples.

    Attributes
    ----------
    rate
        In Hz.
    n_channels
        Whose samples follow each other.
    dtype
        As numpy writes it; ``<i3`` are 24 bits.
    """

    rate: int
    n_channels: int = 1
    dtype: str = "<i2"

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel."""
        return int(self.dtype[-1]) * self.n_channels

    def samples(self, data: bytes) -> FloatArray:
        """Return bytes, whole frames of them, as float32 ``[n, n_channels]``."""
        if self.dtype == "<i3":
            # The upper three of four bytes: full scale stays full scale.
            wide = np.zeros((len(data) // 3, 4), np.uint8)
            wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
            data, dtype = wide.tobytes(), np.dtype("<i4")
        else:
            dtype = np.dtype(self.dtype)
        native = np.frombuffer(data, dtype).astype(dtype.newbyteorder("="), copy=False)
        return float_conversion(native.dtype, STDIN_NAME)(native).reshape(-1, self.n_channels)


def read_wav_header(stream: BufferedIOBase) -> tuple[SampleFormat, int | None]:
    """Read up to the first sample; return how it is to be read, and the bytes of all of them.

    These are None where the writer could not know, as into a pipe.

    Raises
    ------
    AudioError
        It is no WAV, it ends within the header, or its samples are of another kind.
    """
    start = stream.read(12)
    if not start:
        raise AudioError(f"{STDIN_NAME} is empty; record or send it again.")
    if start[:4] != b"RIFF" or start[8:] != b"WAVE":
        raise AudioError(
            f"{STDIN_NAME} is no WAV, which is what is followed live; {_WHAT_TO_SEND}."
        )
    sample_format: SampleFormat | None = None
    name, size = _chunk_header(stream)
    while name != b"data":
        size += size % 2
        if name == b"fmt ":
            if size > _MAX_FORMAT_BYTES:
                raise AudioError(f"{STDIN_NAME} is a damaged WAV; export it again.")
            sample_format = _sample_format(_exactly(stream, size))
        else:
            for offset in range(0, size, READ_BYTES):
                _exactly(stream, min(READ_BYTES, size - offset))
        name, size = _chunk_header(stream)
    if sample_format is None:
        raise AudioError(f"{STDIN_NAME} is a WAV that does not tell its format; export it again.")
    return sample_format, size if 0 < size < SIZE_UNKNOWN else None


def _chunk_header(stream: BufferedIOBase) -> tuple[bytes, int]:
    name, size = struct.unpack("<4sI", _exactly(stream, 8))
    return name, size


def _sample_format(body: bytes) -> SampleFormat:
    if len(body) < 16:
        raise AudioError(f"{STDIN_NAME} is a WAV that does not tell its format; export it again.")
    kind, n_channels, rate, _, frame, bits = struct.unpack_from("<HHIIHH", body)
    if kind == _EXTENSIBLE and len(body) >= 26:
        kind = struct.unpack_from("<H", body, 24)[0]
    dtype = _DTYPES.get((kind, bits))
    if dtype is None:
        raise AudioError(f"{STDIN_NAME} is WAV of format {kind} with {bits} bits; {_WHAT_TO_SEND}.")
    sample_format = SampleFormat(rate, n_channels, dtype)
    if not 1 <= n_channels <= MAX_CHANNELS or frame != sample_format.frame_bytes:
        raise AudioError(
            f"{STDIN_NAME} is WAV with {n_channels} channels in {frame} bytes; export it again "
            f"with at most {MAX_CHANNELS}."
        )
    check_declared(STDIN_NAME, rate, n_channels)
    return sample_format


def _exactly(stream: BufferedIOBase, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise AudioError(f"{STDIN_NAME} ends within the header of a WAV; record or send it again.")
    return data


class WavStream:
    """Samples of a pipe, yielded as they come: as many as there are, float32 ``[n, n_channels]``.

    Iterating raises `AudioError` where there is no sample, or one that is not finite; what comes
    before it is yielded first.

    Attributes
    ----------
    rate
        In Hz.
    notes
        What the user may want to know: where it is cut off.

    Parameters
    ----------
    stream
        A buffered binary stream.
    sample_format
        Of raw samples; None reads a WAV header.

    Raises
    ------
    AudioError
        As for `read_wav_header`.
    """

    def __init__(self, stream: BufferedIOBase, sample_format: SampleFormat | None = None) -> None:
        self._stream = stream
        # Bytes of samples that are still to come, None where nobody knows.
        self._n_remaining: int | None = None
        if sample_format is None:
            sample_format, self._n_remaining = read_wav_header(stream)
        self._format = sample_format
        self.rate = sample_format.rate
        self.notes: list[str] = []

    def __iter__(self) -> Generator[FloatArray, None, None]:
        frame_bytes, incomplete, n_samples = self._format.frame_bytes, b"", 0
        while data := self._read():
            data = incomplete + data
            stop = len(data) // frame_bytes * frame_bytes
            samples, incomplete = self._format.samples(data[:stop]), data[stop:]
            fault = unusable(samples)
            n_usable = len(samples)
            if fault is not None:
                # Not a number fails every comparison.
                n_usable = int((np.abs(samples) <= MAX_SAMPLE).all(axis=1).argmin())
            n_samples += n_usable
            if n_usable:
                yield samples[:n_usable]
            if fault is not None:
                raise AudioError(
                    f"{STDIN_NAME} holds {fault}, at {n_samples / self.rate:.2f} s; export it "
                    "again."
                )
        if incomplete:
            self.notes.append(CUT_WITHIN_SAMPLE)
        elif self._n_remaining:
            end = f"{n_samples / self.rate:.2f} s"
            self.notes.append(f"cut off: the stream ends after {end}, earlier than it declares")
        if not n_samples:
            raise AudioError(f"{STDIN_NAME} holds no samples; record or send it again.")

    def _read(self) -> bytes:
        """What has come, as soon as there is anything; nothing at the end."""
        if self._n_remaining is None:
            return self._stream.read1(READ_BYTES)
        data = self._stream.read1(min(READ_BYTES, self._n_remaining))
        self._n_remaining -= len(data)
        return data
