"""Scenes that the speech detector learns from: people, noise, a room, a microphone, by chance.

Some seconds with or without speech, at any level and ratio to the noise, and for each probability
of the network whether somebody speaks there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.arrays import FloatArray, FloatMatrix, Mask
from bilstm_hmm.data.synthesis.sounds import SOUNDS, make_sound
from bilstm_hmm.experiments.vad.material import RATE, Speech
from bilstm_hmm.features.vad.network import FRAME_SECONDS, STRIDE

#: Samples of one probability, and of a scene.
HOP = STRIDE * round(FRAME_SECONDS * RATE)
SCENE = 256 * HOP
#: Shares of the scenes in which somebody speaks, of those that have noise besides, and of the
#: noises that are recorded: the others are made (`data.synthesis.sounds`).
SPOKEN, NOISY, RECORDED = 0.5, 0.5, 0.5
#: Decibels of the speech above the noise, of the noise of the microphone below the peak, and of
#: the peak below full scale.
_SNR_DB, _HISS_DB, _LEVEL_DB = (-3.0, 30.0), (35.0, 80.0), (0.0, 45.0)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Sound, float32 ``[n]``, and of each `HOP` of it whether somebody speaks, ``[n // HOP]``."""

    samples: FloatArray
    is_speech: Mask


def make_scene(
    rng: np.random.Generator, speech: Sequence[Speech], noises: Sequence[FloatArray]
) -> Scene:
    """Return a scene of `SCENE` samples of the speech and the noises."""
    voice, is_speech = np.zeros(SCENE), np.zeros(SCENE, np.bool_)
    is_spoken = rng.random() < SPOKEN
    if is_spoken:
        voice, is_speech = _talk(rng, speech)
    noise = np.zeros(SCENE)
    if not is_spoken or rng.random() < NOISY:
        for _ in range(1 if rng.random() < 0.75 else 2):
            noise += _noise(rng, noises) * _gain(rng, -10.0, 0.0)
    if is_spoken:
        noise = at_snr(noise, voice, is_speech, rng.uniform(*_SNR_DB))
    samples = _record(rng, voice + noise)
    return Scene(samples.astype(np.float32), is_speech.reshape(-1, HOP).mean(axis=1) > 0.5)


def at_snr(
    noise: NDArray[np.floating],
    voice: NDArray[np.floating],
    is_speech: Mask,
    snr_db: float,
) -> FloatMatrix:
    """Return the noise as loud as leaves the voice, where there is speech, `snr_db` above it.

    Noise that is silent stays so.
    """
    power = float(np.square(noise, dtype=np.float64).mean())
    if power < 1e-9:
        return np.zeros(len(noise))
    speech = voice[is_speech] if is_speech.any() else voice
    ratio = float(np.square(speech, dtype=np.float64).mean()) / power
    return np.asarray(noise * np.sqrt(ratio) * 10.0 ** (-snr_db / 20.0), np.float64)


def _talk(rng: np.random.Generator, speech: Sequence[Speech]) -> tuple[FloatMatrix, Mask]:
    """Clips one behind the other with pauses, as by people who come and go, maybe in a room."""
    voice, is_speech = np.zeros(SCENE), np.zeros(SCENE, np.bool_)
    position = int(rng.uniform(-1.0, 2.0) * RATE)
    while position < SCENE:
        clip = _varied(rng, speech[int(rng.integers(len(speech)))])
        first, last = max(0, position), min(SCENE, position + len(clip.samples))
        if last > first:
            part = slice(first - position, last - position)
            voice[first:last] += _gain(rng, -6.0, 6.0) * clip.samples[part]
            is_speech[first:last] |= clip.is_speech[part]
        pause = rng.choice([0.0, rng.exponential(0.4), rng.uniform(0.0, 5.0)])
        position += len(clip.samples) + int(pause * RATE)
    if rng.random() < 0.35:
        voice = _in_a_room(rng, voice)
    return voice, is_speech


def _varied(rng: np.random.Generator, clip: Speech) -> Speech:
    """A part of a clip now and then, mostly faster and higher or slower and lower."""
    samples, is_speech = clip.samples, clip.is_speech
    if rng.random() < 0.3:
        start, stop = np.sort(rng.integers(0, len(samples), 2))
        if stop - start > RATE // 2:
            samples, is_speech = samples[start:stop], is_speech[start:stop]
    if rng.random() < 0.6:
        places = np.arange(0.0, len(samples) - 1, rng.uniform(0.78, 1.28))
        is_speech = is_speech[places.astype(int)]
        samples = np.interp(places, np.arange(len(samples)), samples).astype(np.float32)
    return Speech(samples, is_speech)


def _noise(rng: np.random.Generator, noises: Sequence[FloatArray]) -> FloatMatrix:
    if rng.random() < RECORDED:
        return _recorded_noise(rng, noises[int(rng.integers(len(noises)))].astype(np.float64))
    kinds = list(SOUNDS)
    made = make_sound(kinds[rng.integers(len(kinds))], rng, SCENE, RATE).astype(np.float64)
    return _in_a_room(rng, made) if rng.random() < 0.3 else made


def _recorded_noise(rng: np.random.Generator, noise: FloatMatrix) -> FloatMatrix:
    """A recording from anywhere on, again and again; coloured, faster or slower, on for a while."""
    if rng.random() < 0.7:
        noise = _coloured(rng, noise)
    if rng.random() < 0.3:
        places = np.arange(0.0, len(noise) - 1, rng.uniform(0.7, 1.4))
        noise = np.interp(places, np.arange(len(noise)), noise)
    noise = np.tile(noise, 1 + -(-SCENE // len(noise)))
    offset = int(rng.integers(0, len(noise) - SCENE))
    noise = noise[offset : offset + SCENE]
    if rng.random() < 0.3:
        start, stop = np.sort(rng.integers(0, SCENE, 2))
        noise = np.concatenate([np.zeros(start), noise[start:stop], np.zeros(SCENE - stop)])
    return noise


def _record(rng: np.random.Generator, samples: FloatMatrix) -> FloatMatrix:
    """What a microphone and a file make of it: hiss, a colour, a level, clipping, whole numbers."""
    if rng.random() < 0.6:
        peak = max(float(np.abs(samples).max()), 1e-5)
        samples = samples + peak * rng.normal(size=SCENE) * _gain(rng, -_HISS_DB[1], -_HISS_DB[0])
    if rng.random() < 0.6:
        samples = _coloured(rng, samples)
    peak = float(np.abs(samples).max())
    if peak > 1e-4:
        samples = samples / peak * _gain(rng, -_LEVEL_DB[1], -_LEVEL_DB[0])
    if rng.random() < 0.15:
        peak = float(np.abs(samples).max())
        samples = np.clip(samples * rng.uniform(1.0, 6.0), -peak, peak)
    if rng.random() < 0.5:
        samples = np.round(samples * 32768.0) / 32768.0
    return samples


def _coloured(rng: np.random.Generator, samples: FloatMatrix) -> FloatMatrix:
    """As through a telephone, through something that dulls or sharpens it, or as it was."""
    frequencies = np.fft.rfftfreq(len(samples), 1.0 / RATE)
    kind = rng.random()
    if kind < 0.25:
        low, high = rng.uniform(200.0, 400.0), rng.uniform(2500.0, 3800.0)
        below = 1.0 + (low / np.maximum(frequencies, 1.0)) ** 6
        gain = np.maximum(1.0 / below / (1.0 + (frequencies / high) ** 8), 1e-3)
    elif kind < 0.6:
        gain = (np.maximum(frequencies, 100.0) / 1000.0) ** rng.uniform(-0.6, 0.6)
    else:
        return samples
    return np.asarray(np.fft.irfft(np.fft.rfft(samples) * gain, len(samples)))


def _in_a_room(rng: np.random.Generator, samples: FloatMatrix) -> FloatMatrix:
    """With reverberation: noise that falls by 60 dB in 0.1 to 0.7 s, behind the sound itself."""
    length = int(rng.uniform(0.1, 0.7) * RATE)
    response = rng.normal(size=length) * 10.0 ** (-3.0 * np.arange(length) / length)
    response *= rng.uniform(0.1, 0.8) / np.sqrt(np.square(response).sum())
    response[0] += 1.0
    size = 1 << (len(samples) + length - 1).bit_length()
    spectrum = np.fft.rfft(samples, size) * np.fft.rfft(response, size)
    return np.asarray(np.fft.irfft(spectrum, size)[: len(samples)])


def _gain(rng: np.random.Generator, low_db: float, high_db: float) -> float:
    return float(10.0 ** (rng.uniform(low_db, high_db) / 20.0))
