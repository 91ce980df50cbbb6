"""Framing and the one power spectrum that every short-time feature is computed from."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..frames import FloatArray
from ..settings.extraction import FeatureSettings

# Frames a block: the windowed frames and their transform then stay in the processor's cache,
# and a recording of hours needs no copies of itself for them.
BLOCK = 64


def periodic_window(name: str, length: int) -> NDArray[np.float64]:
    """Return a periodic ``hann`` or ``hamming`` window, float64 ``[length]``.

    The same as ``scipy.signal.get_window(name, length, fftbins=True)``.
    """
    offset = {"hann": 0.5, "hamming": 0.54}[name]
    angle = 2.0 * np.pi * np.arange(length) / length
    window: NDArray[np.float64] = offset - (1.0 - offset) * np.cos(angle)
    return window


def n_frames(n_samples: int, hop_length: int) -> int:
    """Return how many centred frames a signal of `n_samples` gives."""
    return 1 + n_samples // hop_length


def centred_frames(samples: FloatArray, length: int, hop_length: int) -> FloatArray:
    """Return overlapping frames, a read-only view ``[n_frames, length]``.

    Frame ``t`` is centred on sample ``t * hop_length``; outside the signal there are zeros, as
    in ``librosa.stft(center=True, pad_mode="constant")``.
    """
    count = n_frames(len(samples), hop_length)
    before = length // 2
    padded = np.zeros((count - 1) * hop_length + length, dtype=np.float32)
    count_used = min(len(samples), len(padded) - before)
    padded[before : before + count_used] = samples[:count_used]
    return np.lib.stride_tricks.sliding_window_view(padded, length)[::hop_length]


def frame_blocks(frames: FloatArray, size: int = BLOCK) -> Iterator[tuple[slice, FloatArray]]:
    """Yield the frames a block at a time, after the slice of frames that the block is."""
    for first in range(0, len(frames), size):
        span = slice(first, min(first + size, len(frames)))
        yield span, frames[span]


def preemphasise(samples: FloatArray, coefficient: float) -> FloatArray:
    """Return ``y[n] = x[n] - coefficient * x[n - 1]``, with silence before the signal."""
    if coefficient == 0.0:
        return samples
    emphasised = np.empty_like(samples)
    emphasised[0] = samples[0]
    np.multiply(samples[:-1], np.float32(-coefficient), out=emphasised[1:])
    emphasised[1:] += samples[1:]
    return emphasised


def power_spectrum(samples: FloatArray, settings: FeatureSettings) -> FloatArray:
    """Return the squared magnitudes of the short-time spectrum.

    Parameters
    ----------
    samples
        float32 ``[n]`` at ``settings.rate``.

    Returns
    -------
    float32 ``[n_frames, 1 + n_fft // 2]``; equals ``abs(librosa.stft(...)) ** 2``, transposed,
    with the window of ``frame_length`` samples in the middle of ``n_fft``.
    """
    # The transform is in double precision, as librosa's is: quiet bins beside loud ones would
    # otherwise carry its rounding noise, and it costs no more.
    window = np.zeros(settings.n_fft)
    before = (settings.n_fft - settings.frame_length) // 2
    window[before : before + settings.frame_length] = periodic_window(
        settings.window, settings.frame_length
    )
    frames = centred_frames(samples, settings.n_fft, settings.hop_length)
    power = np.empty((len(frames), 1 + settings.n_fft // 2), dtype=np.float32)
    for span, block in frame_blocks(frames):
        spectrum = np.fft.rfft(block * window, axis=1)
        power[span] = np.square(spectrum.real) + np.square(spectrum.imag)
    return power


def warp_frequencies(power: FloatArray, warp: float) -> FloatArray:
    """Return the spectrum of a shorter (`warp` > 1) or longer (`warp` < 1) vocal tract.

    The frequency axis is stretched by `warp` with linear interpolation; above the highest bin
    of a compressed spectrum its last value is held. This is vocal-tract-length perturbation
    (Jaitly and Hinton, 2013) without their kink near the Nyquist frequency.

    Parameters
    ----------
    power
        float32 ``[n_frames, n_bins]``.
    """
    if warp == 1.0:
        return power
    last = power.shape[1] - 1
    position = np.minimum(np.arange(last + 1) / warp, last)
    below = np.minimum(position.astype(np.intp), last - 1)
    fraction = (position - below).astype(np.float32)
    lower: NDArray[np.float32] = power[:, below]
    upper: NDArray[np.float32] = power[:, below + 1]
    warped: FloatArray = lower + fraction * (upper - lower)
    return warped
