"""Random changes of a training clip's samples."""

import numpy as np
from numpy.typing import NDArray

from ..frames import FloatArray
from ..settings.augmentation import AugmentationSettings, Noise
from ..spectral.pitch import next_fast_len
from ..spectral.spectrum import preemphasise

# A phase vocoder needs a few frames; shorter clips are left as they are.
MIN_VOCODED = 64


def augment_waveform(
    samples: FloatArray, rate: int, settings: AugmentationSettings, rng: np.random.Generator
) -> FloatArray:
    """Return the clip with the changes that chance decided on.

    Speed, pitch, stretch, tilt, gain and noise are applied in this order, the shift in time last.

    Parameters
    ----------
    samples
        float32 ``[n]`` at `rate` Hz; never modified, and itself returned where nothing changes.

    Returns
    -------
    float32 ``[n']``, at least one sample; of another length after a change of speed.
    """
    if _happens(settings.speed.probability, rng):
        samples = speed_perturb(samples, rng.uniform(*settings.speed.factor))
    if _happens(settings.pitch_shift.probability, rng):
        samples = pitch_shift(samples, rate, rng.uniform(*settings.pitch_shift.semitones))
    if _happens(settings.time_stretch.probability, rng):
        samples = time_stretch(samples, rng.uniform(*settings.time_stretch.factor))
    if _happens(settings.preemphasis.probability, rng):
        samples = preemphasise(samples, rng.uniform(*settings.preemphasis.coefficient))
    if _happens(settings.gain.probability, rng):
        samples = samples * np.float32(10.0 ** (rng.uniform(*settings.gain.decibels) / 20.0))
    if _happens(settings.noise.probability, rng):
        colour = _colour(settings.noise, rng)
        samples = add_noise(samples, rng.uniform(*settings.noise.snr_db), colour, rng)
    if _happens(settings.time_shift.probability, rng):
        shift = rng.uniform(*settings.time_shift.seconds)
        samples = np.roll(samples, round(shift * rate))
    return samples


def _happens(probability: float, rng: np.random.Generator) -> bool:
    return bool(rng.random() < probability)


def _colour(settings: Noise, rng: np.random.Generator) -> str:
    if settings.colour != "either":
        return settings.colour
    return "white" if rng.random() < 0.5 else "pink"


def speed_perturb(samples: FloatArray, factor: float) -> FloatArray:
    """Return the clip played `factor` times as fast, pitch and formants with it."""
    import soxr

    changed: FloatArray = soxr.resample(samples, factor, 1.0)
    return changed if len(changed) else samples


def pitch_shift(samples: FloatArray, rate: int, semitones: float) -> FloatArray:
    """Return the clip at another pitch, of the same length (librosa's phase vocoder)."""
    if len(samples) < MIN_VOCODED:
        return samples
    import librosa

    shifted: FloatArray = librosa.effects.pitch_shift(
        samples, sr=rate, n_steps=semitones, n_fft=_vocoder_length(samples)
    )
    return shifted.astype(np.float32, copy=False)


def time_stretch(samples: FloatArray, factor: float) -> FloatArray:
    """Return the clip `factor` times as fast at the same pitch (librosa's phase vocoder)."""
    if len(samples) < MIN_VOCODED:
        return samples
    import librosa

    stretched: FloatArray = librosa.effects.time_stretch(
        samples, rate=factor, n_fft=_vocoder_length(samples)
    )
    return stretched.astype(np.float32, copy=False)


def _vocoder_length(samples: FloatArray) -> int:
    """Return a transform length that is no longer than the clip, up to 1024 samples."""
    return min(1024, 1 << (len(samples).bit_length() - 1))


def add_noise(
    samples: FloatArray, snr_db: float, colour: str, rng: np.random.Generator
) -> FloatArray:
    """Return the clip with ``white`` or ``pink`` noise at a signal-to-noise ratio in dB.

    Both powers are means over the whole clip. A silent clip is returned as it is.
    """
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    if power == 0.0:
        return samples
    noise = rng.standard_normal(len(samples))
    if colour == "pink":
        noise = _pink(noise)
    noise_power = float(np.mean(np.square(noise)))
    noise *= np.sqrt(power / (noise_power * 10.0 ** (snr_db / 10.0)))
    return samples + noise.astype(np.float32)


def _pink(white: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return noise whose power falls by 3 dB an octave, made of white noise."""
    # A length of many small factors: the transform of a prime one takes ten times as long.
    length = next_fast_len(len(white))
    spectrum = np.fft.rfft(white, length)
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1.0))
    return np.fft.irfft(spectrum, length)[: len(white)]
