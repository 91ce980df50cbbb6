"""The spectrogram that Whisper takes: 80 mel bands, logarithmic, 100 frames a second."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..frames import FloatArray
from ..spectral.spectrum import frame_blocks, periodic_window

RATE = 16000
N_FFT = 400
HOP = 160
MIN_POWER = 1e-10
DYNAMIC_RANGE = 8.0  # of the base-10 logarithm below the loudest value


def whisper_log_mel(samples: FloatArray, n_bands: int = 80) -> FloatArray:
    """Return Whisper's log-mel spectrogram (Radford et al., 2022).

    Frames of 25 ms are centred on every hundredth of a second, the signal mirrored at its ends,
    the last frame left out. The power in mel bands is held within eight decades below the
    loudest, then brought to about [-1, 1].

    Parameters
    ----------
    samples
        float32 ``[n]`` at 16 kHz, more than 200.

    Returns
    -------
    float32 ``[n_bands, n // 160]``; what Whisper's own feature extraction gives.
    """
    padded = np.pad(samples, N_FFT // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP][: len(samples) // HOP]
    window, filters = periodic_window("hann", N_FFT), mel_filters(n_bands)
    levels = np.empty((n_bands, len(frames)))
    for span, block in frame_blocks(frames):
        spectrum = np.fft.rfft(block * window, axis=1)
        power = np.square(spectrum.real) + np.square(spectrum.imag)
        levels[:, span] = np.log10(np.maximum(filters @ power.T, MIN_POWER))
    np.maximum(levels, levels.max() - DYNAMIC_RANGE, out=levels)
    return ((levels + 4.0) / 4.0).astype(np.float32)


@cache
def mel_filters(n_bands: int) -> NDArray[np.float64]:
    """Return triangular filters of equal area on Slaney's mel scale, float64 ``[n_bands, 201]``.

    Those of ``librosa.filters.mel(sr=16000, n_fft=400)``: straight up to 1000 Hz, logarithmic
    above. Made here because prediction has no librosa.
    """
    edges = _hertz(np.linspace(0.0, _mel(RATE / 2), n_bands + 2))
    bins = np.arange(1 + N_FFT // 2) * RATE / N_FFT
    rise = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    area = 2.0 / (edges[2:] - edges[:-2])
    filters: NDArray[np.float64] = np.maximum(0.0, np.minimum(rise, fall)) * area[:, None]
    return filters


_LINEAR_STEP = 200.0 / 3.0  # Hz a mel up to 1000 Hz
_BREAK_HZ, _BREAK_MEL = 1000.0, 15.0
_LOG_STEP = np.log(6.4) / 27.0  # of the frequency's logarithm, a mel


def _mel(hertz: float) -> float:
    return float(_BREAK_MEL + np.log(hertz / _BREAK_HZ) / _LOG_STEP)


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, _LINEAR_STEP * mel, above)
