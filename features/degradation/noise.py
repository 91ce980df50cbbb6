"""Noise behind a recording: generated, out of recordings, or of others who talk."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..frames import FloatArray, FloatMatrix
from ..spectral.pitch import next_fast_len


def add_noise(
    samples: FloatArray, snr_db: float, colour: str, rng: np.random.Generator
) -> FloatArray:
    """Return the clip with ``white`` or ``pink`` noise at a signal-to-noise ratio in dB.

    Both powers are means over the whole clip. A silent clip is returned as it is.
    """
    if not _power(samples):
        return samples
    noise = rng.standard_normal(len(samples))
    if colour == "pink":
        noise = _pink(noise)
    return add_background(samples, noise, snr_db)


def add_background(
    samples: FloatArray, background: FloatArray | FloatMatrix, snr_db: float
) -> FloatArray:
    """Return the clip with something behind it at a signal-to-noise ratio in dB.

    Both powers are means over the whole clip. Where either is silent the clip is returned as it is.

    Parameters
    ----------
    background
        ``[n]``, as long as the clip, at whatever level.
    """
    power, noise_power = _power(samples), _power(background)
    if power == 0.0 or noise_power == 0.0:
        return samples
    factor = np.sqrt(power / (noise_power * 10.0 ** (snr_db / 10.0)))
    mixed: FloatArray = samples + (background * factor).astype(np.float32)
    return mixed


def excerpt(recording: FloatArray, length: int, rng: np.random.Generator) -> FloatArray:
    """Return `length` samples of a recording from a random place on, over and over if need be.

    Parameters
    ----------
    recording
        float32 ``[n]``, at least one sample.
    """
    if len(recording) >= length:
        start = int(rng.integers(0, len(recording) - length + 1))
        return recording[start : start + length]
    start = int(rng.integers(0, len(recording)))
    return np.resize(np.roll(recording, -start), length)


def babble(talkers: Sequence[FloatArray], length: int, rng: np.random.Generator) -> FloatArray:
    """Return the babble of several who talk at once, each as loud as the others, ``[length]``.

    Parameters
    ----------
    talkers
        A clip of each; those that are silent are not heard.
    """
    mixed = np.zeros(length, dtype=np.float64)
    for talker in talkers:
        part = excerpt(talker, length, rng)
        power = _power(part)
        if power != 0.0:
            mixed += part / np.sqrt(power)
    return mixed.astype(np.float32)


def _power(samples: FloatArray | FloatMatrix) -> float:
    return float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0


def _pink(white: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return noise whose power falls by 3 dB an octave, made of white noise."""
    # A length of many small factors: the transform of a prime one takes ten times as long.
    length = next_fast_len(len(white))
    spectrum = np.fft.rfft(white, length)
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1.0))
    return np.fft.irfft(spectrum, length)[: len(white)]
