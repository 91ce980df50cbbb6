"""Chunks of a stream in, mono blocks of one length and rate out."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import AudioError
from ..frames import FloatArray
from .reading import resampler
from .sources import MAX_CHANNELS, MAX_RATE, MIN_RATE, float_conversion, unusable


@dataclass(frozen=True, slots=True)
class Block:
    """Mono samples of a stream.

    Attributes
    ----------
    samples
        float32 ``[n]``.
    end
        Where in the stream they end, in seconds.
    """

    samples: FloatArray
    end: float


class StreamBuffer:
    """Collects chunks of any length to blocks of the same, so that nothing depends on the chunks.

    Channels are averaged. A microphone's are alike, and what cannot be gone through twice cannot
    be searched for channels that cancel each other.

    Parameters
    ----------
    native_rate
        Of the chunks, in Hz.
    rate
        Of the blocks, in Hz.
    seconds
        Of a block.

    Raises
    ------
    AudioError
        The native rate cannot be one of sound.
    """

    def __init__(self, native_rate: float, rate: int, seconds: float) -> None:
        if not MIN_RATE <= native_rate <= MAX_RATE:
            raise AudioError(f"The stream's sampling rate is {native_rate}; it must be one in Hz.")
        self._native_rate = native_rate
        self._size = max(1, round(seconds * native_rate))
        self._resample = resampler(native_rate, rate)
        self._chunks: list[FloatArray] = []
        # Samples in these chunks, and in all blocks that were returned.
        self._n_buffered = self._n_returned = 0

    @property
    def received(self) -> float:
        """Seconds of sound that were pushed, returned as blocks or not."""
        return (self._n_returned + self._n_buffered) / self._native_rate

    def push(self, chunk: NDArray[Any], rate: float | None = None) -> list[Block]:
        """Take the next chunk ``[n]`` or ``[n, n_channels]``; return the blocks that are full.

        Raises
        ------
        AudioError
            The chunk's rate is not the stream's, its shape or type none of samples, or a value
            is not finite or far beyond full scale. Nothing of it is kept.
        """
        mono = self._mono(np.asarray(chunk), rate)
        self._chunks.append(mono)
        self._n_buffered += len(mono)
        if self._n_buffered < self._size:
            return []
        samples = np.concatenate(self._chunks)
        stop = len(samples) // self._size * self._size
        self._chunks, self._n_buffered = [samples[stop:].copy()], len(samples) - stop
        return [self._block(block) for block in samples[:stop].reshape(-1, self._size)]

    def close(self) -> Block:
        """Return what is left, which may be nothing."""
        rest = np.concatenate([np.zeros(0, np.float32), *self._chunks])
        self._chunks, self._n_buffered = [], 0
        return self._block(rest, last=True)

    def _block(self, samples: FloatArray, last: bool = False) -> Block:
        self._n_returned += len(samples)
        return Block(self._resample(samples, last), self._n_returned / self._native_rate)

    def _mono(self, chunk: NDArray[Any], rate: float | None) -> FloatArray:
        where = f"The chunk at {self.received:.2f} s"
        if rate is not None and rate != self._native_rate:
            raise AudioError(
                f"{where} has the rate {rate:g} Hz, the stream {self._native_rate:g} Hz; begin a "
                "new stream for it."
            )
        if chunk.ndim not in (1, 2) or (chunk.ndim == 2 and not 0 < chunk.shape[1] <= MAX_CHANNELS):
            raise AudioError(
                f"{where} has the shape {chunk.shape}; give samples as [n], or as [n, n_channels] "
                f"with at most {MAX_CHANNELS} channels."
            )
        samples = float_conversion(chunk.dtype, where)(chunk)
        fault = unusable(samples)
        if fault is not None:
            raise AudioError(f"{where} holds {fault}; leave it out.")
        # A copy: the caller may fill its buffer anew.
        return samples.mean(axis=1) if samples.ndim == 2 else samples.copy()
