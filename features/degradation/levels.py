"""What goes wrong in an amplifier: too loud, too soft, off zero, with the hum of the mains."""

import numpy as np

from ..frames import FloatArray


def change_level(samples: FloatArray, decibels: float) -> FloatArray:
    """Return the clip louder, or softer where `decibels` is negative."""
    return samples * np.float32(10.0 ** (decibels / 20.0))


def clip_peaks(samples: FloatArray, fraction: float) -> FloatArray:
    """Return the clip cut off flat above a fraction of its peak, as by an amplifier set too loud.

    What is left reaches full scale, 1, as a recording that is clipped does. A silent clip is
    returned as it is.

    Parameters
    ----------
    fraction
        Of the peak, over 0 to 1: at 0.05 all that is above a twentieth of it is lost.
    """
    peak = float(np.abs(samples).max(initial=0.0))
    if peak == 0.0:
        return samples
    louder: FloatArray = samples / np.float32(fraction * peak)
    return np.clip(louder, np.float32(-1), np.float32(1))


def add_offset(samples: FloatArray, fraction: float) -> FloatArray:
    """Return the clip shifted off zero by a fraction of its peak, as a poor converter does."""
    return samples + np.float32(fraction * float(np.abs(samples).max(initial=0.0)))


def add_hum(
    samples: FloatArray, rate: int, frequency: float, snr_db: float, rng: np.random.Generator
) -> FloatArray:
    """Return the clip with the hum of the mains: a tone and its overtones, of random phases.

    Parameters
    ----------
    frequency
        Of the mains, in Hz. Each of five overtones has half the amplitude of the one below.
    snr_db
        Signal-to-noise ratio in dB, of means over the whole clip. A silent clip is returned as it
        is.
    """
    from .noise import add_background

    time = np.arange(len(samples)) / rate
    hum = np.zeros(len(samples))
    for number in range(1, 7):
        phase = rng.uniform(0.0, 2.0 * np.pi)
        if number * frequency < rate / 2:
            hum += 0.5 ** (number - 1) * np.sin(2.0 * np.pi * number * frequency * time + phase)
    return add_background(samples, hum, snr_db)
