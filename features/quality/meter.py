"""Short-time levels of a signal that comes in blocks: in bands, in all, and at the peaks."""

from functools import lru_cache
from itertools import pairwise

import numpy as np

from ..frames import FloatArray

#: Hz between which levels are measured. The telephone has the first five bands, and a part of the
#: sixth where its filter is soft.
BAND_EDGES = (250.0, 500.0, 1000.0, 1700.0, 2500.0, 3400.0, 4400.0, 5600.0, 7500.0)
FRAME_SECONDS = 0.016
#: How much of a recording is measured: more would tell little more.
MAX_SECONDS = 600.0


class QualityMeter:
    """Levels of successive frames of 16 ms, as far as `MAX_SECONDS`.

    Parameters
    ----------
    rate
        In Hz.

    Attributes
    ----------
    n_bands
        Those of `BAND_EDGES` that the rate has room for, the lowest first.
    n_samples
        That were added.
    """

    def __init__(self, rate: int) -> None:
        self._length = max(2, round(FRAME_SECONDS * rate))
        self._max_frames = round(MAX_SECONDS * rate / self._length)
        self._rest = np.zeros(0, dtype=np.float32)
        self._frames: list[FloatArray] = []
        self._n_frames = 0
        self._window, self._bands = measuring_window(self._length), band_means(self._length, rate)
        self.n_bands = self._bands.shape[1]
        self.n_samples = 0

    def add(self, block: FloatArray) -> None:
        """Take a block of samples ``[n]``."""
        self.n_samples += len(block)
        if self._n_frames >= self._max_frames:
            return
        samples = np.concatenate([self._rest, block]) if len(self._rest) else block
        stop = len(samples) // self._length * self._length
        if stop:
            self._frames.append(self._measure(samples[:stop].reshape(-1, self._length)))
            self._n_frames += stop // self._length
        self._rest = samples[stop:].copy()

    def frames(self) -> FloatArray:
        """Return a row a frame, float32 ``[n, n_bands + 2]``.

        The power in each band (a mean over its frequencies), the mean square and the peak.
        """
        return np.concatenate([np.zeros((0, self.n_bands + 2), np.float32), *self._frames])

    def _measure(self, frames: FloatArray) -> FloatArray:
        spectrum = np.fft.rfft(frames * self._window, axis=1)
        powers = (spectrum.real**2 + spectrum.imag**2).astype(np.float32, copy=False) @ self._bands
        squares = np.einsum("ij,ij->i", frames, frames) / np.float32(self._length)
        peaks = np.maximum(frames.max(axis=1), -frames.min(axis=1))
        return np.column_stack([powers, squares, peaks])


@lru_cache(maxsize=4)
def measuring_window(length: int) -> FloatArray:
    """Return the periodic Hann window of a frame, float32 ``[length]``."""
    window: FloatArray = np.hanning(length + 1)[:-1].astype(np.float32)
    return window


@lru_cache(maxsize=4)
def band_means(length: int, rate: int) -> FloatArray:
    """Return what makes band powers of power spectra, ``[length // 2 + 1, bands]``."""
    frequencies = np.fft.rfftfreq(length, 1.0 / rate)
    pairs = pairwise(BAND_EDGES)
    inside = [(frequencies >= low) & (frequencies < high) for low, high in pairs if high < rate / 2]
    columns = [of_band / max(1, of_band.sum()) for of_band in inside]
    return np.array(columns, np.float32).reshape(len(columns), len(frequencies)).T
