"""Audio files and arrays in, mono waveforms at the rate of the features out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import AudioError
from ..frames import FloatArray
from ..quality.clipping import count_clipped
from ..quality.measures import AudioQuality, measure_quality
from ..quality.meter import QualityMeter
from ..quality.warnings import quality_warnings
from .channels import mixing_weights
from .decoding.files import file_source
from .sources import BLOCK, Source, array_source, unusable
from .voices import EVERYTHING, Voice, heard

#: Blocks, at most, that a block becomes when it is resampled.
_MAX_GROWTH = 4


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
    warnings
        What makes an answer worse: cut off, damaged, too short, clipped, noisy, band-limited,
        reverberant; a phrase each.
    notes
        What else was done: resampled, mixed; a phrase each.
    """

    samples: FloatArray
    rate: int
    duration: float
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class AudioStream:
    """A recording as mono blocks at one rate, for one pass: an hour needs no more room than a clip.

    Iterating gives float32 ``[n]`` a block, at least one sample in all, and raises `AudioError`
    where the recording holds no samples or some that cannot be sound. What is known after the
    last block stands in `duration`, in seconds of the original, `warnings` and `notes`, as in
    `Waveform`.

    Parameters
    ----------
    source
        From `open_file` or `open_array`, which make streams.
    rate
        In Hz.
    """

    def __init__(self, source: Source, rate: int) -> None:
        self.name = source.name
        self.rate = rate
        self._source = source
        self._meter = QualityMeter(rate)
        self._measured: tuple[int, AudioQuality] | None = None
        self._n_read = self._n_clipped = 0
        self._mixed: tuple[str, ...] = ()
        self._damage: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[FloatArray]:
        source, empty = self._source, True
        weights = np.ones(1, dtype=np.float32)
        if source.n_channels > 1:
            weights, note = mixing_weights(self._finite_blocks(), source.n_channels)
            self._mixed = (note,)
        resample = resampler(source.rate, self.rate)
        # What a low rate becomes is many times as long.
        step = max(1, min(BLOCK, int(_MAX_GROWTH * BLOCK * source.rate / self.rate)))
        for block in self._finite_blocks():
            self._n_read += len(block)
            self._n_clipped += count_clipped(block)
            mono = block @ weights if source.n_channels > 1 else block[:, 0]
            for first in range(0, len(mono), step):
                samples = resample(mono[first : first + step], False)
                self._meter.add(samples)
                if len(samples):
                    empty = False
                    yield samples
        if self._n_read == 0:
            which = " that can be decoded" if self._damage else ""
            raise AudioError(f"{source.name} holds no samples{which}; record or copy it again.")
        samples = resample(np.zeros(0, dtype=np.float32), True)
        self._meter.add(samples)
        if len(samples) or empty:
            yield samples if len(samples) else np.zeros(1, dtype=np.float32)

    def read_up_to(self, limit: int) -> tuple[FloatArray, Iterator[FloatArray] | None]:
        """Return the recording whole if it has at most `limit` samples, ``[n]``.

        Else its beginning, which is longer than that, and the blocks that follow.
        """
        blocks, parts, count = iter(self), [], 0
        for block in blocks:
            parts.append(block)
            count += len(block)
            if count > limit:
                return np.concatenate(parts), blocks
        return (parts[0] if len(parts) == 1 else np.concatenate(parts)), None

    def _finite_blocks(self) -> Iterator[FloatArray]:
        """Yield the blocks of the source; in the end it is known what of it is damaged."""
        blocks = self._source.blocks()
        while True:
            try:
                block = next(blocks)
            except StopIteration as end:
                self._damage = end.value
                return
            fault = unusable(block)
            if fault is not None:
                raise AudioError(f"{self.name} holds {fault}; export it again.")
            yield block

    @property
    def duration(self) -> float:
        """Of what was read of the original, in seconds."""
        return self._n_read / self._source.rate

    @property
    def quality(self) -> AudioQuality:
        """Of what was read, measured once it is asked for."""
        if self._measured is None or self._measured[0] != self._n_read:
            clipped = self._n_clipped * self.rate / self._source.rate
            self._measured = self._n_read, measure_quality(self._meter, clipped)
        return self._measured[1]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What makes an answer worse, a phrase each."""
        return (*self._damage, *quality_warnings(self.quality, self.duration))

    @property
    def notes(self) -> tuple[str, ...]:
        """What else was done to the recording, a phrase each."""
        rate = self._source.rate
        resampled = (f"resampled from {rate:g} Hz",) if rate != self.rate else ()
        return (*resampled, *self._mixed)

    def waveform(self) -> Waveform:
        """Go through the recording, and return it whole."""
        parts = list(self)
        return Waveform(np.concatenate(parts), self.rate, self.duration, self.warnings, self.notes)


def open_file(path: str | Path, rate: int = 16000, voice: Voice = EVERYTHING) -> AudioStream:
    """Return the sound of a recording or video, or of one voice of it, as a stream.

    Raises
    ------
    AudioError
        Where the file is missing, a folder, empty, unreadable or not audio.
    """
    return AudioStream(heard(file_source(Path(path)), voice), rate)


def open_array(array: NDArray[np.generic], native_rate: float, rate: int = 16000) -> AudioStream:
    """Return an array of samples as a stream.

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
        Where the array is empty, or of another shape or type.
    """
    return AudioStream(array_source(array, native_rate), rate)


def read_audio(path: str | Path, rate: int = 16000) -> Waveform:
    """Return an audio file as a mono waveform.

    Parameters
    ----------
    path
        Anything that libsndfile or FFmpeg decodes, of any rate and number of channels.
    rate
        To resample to, in Hz.

    Raises
    ------
    AudioError
        Where the file is missing, a folder, empty, unreadable, not audio, or holds no samples or
        samples that are not finite or far beyond full scale.
    """
    return open_file(path, rate).waveform()


def resampler(native_rate: float, rate: int) -> Callable[[FloatArray, bool], FloatArray]:
    """Return a function of (block, whether it is the last) to the resampled block."""
    if native_rate == rate:
        return lambda block, _last: block
    import soxr

    stream = soxr.ResampleStream(native_rate, rate, 1, dtype="float32")

    def resample(block: FloatArray, last: bool) -> FloatArray:
        resampled: FloatArray = stream.resample_chunk(np.ascontiguousarray(block), last=last)
        return resampled

    return resample
