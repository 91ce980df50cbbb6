"""Sounds that nobody speaks: noise of several colours, tones, music, knocks, engines, birds.

What a detector of speech is trained and tested on, beside recordings of noise.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]


def noise(rng: np.random.Generator, count: int, rate: int) -> Samples:
    """Noise that falls by 0 (white) to 8 dB an octave (brown has 6), now and then in swells."""
    slope = rng.choice([0.0, 0.5, 1.0, rng.uniform(0.0, 1.3)])
    sound = _coloured(rng, count, slope)
    if rng.random() < 0.4:
        # As wind, waves and passing cars swell: slower than syllables.
        sound *= 1.0 + 0.9 * np.sin(
            2 * np.pi * (rng.uniform(0.05, 1.0) * _time(count, rate) + rng.random())
        )
    return sound


def band_noise(rng: np.random.Generator, count: int, rate: int) -> Samples:
    """Noise in one band: hiss, a kettle, a far motorway."""
    spectrum = np.fft.rfft(rng.normal(size=count))
    frequencies = np.fft.rfftfreq(count, 1.0 / rate)
    low = rng.uniform(50.0, 3000.0)
    inside = (frequencies > low) & (frequencies < low * rng.uniform(1.2, 8.0))
    return np.asarray(np.fft.irfft(spectrum * np.where(inside, 1.0, 0.01), count))


def hum(rng: np.random.Generator, count: int, rate: int) -> Samples:
    """Mains or a motor: harmonics of a steady pitch, with some noise."""
    pitch = rng.choice([50.0, 60.0, rng.uniform(25.0, 400.0)])
    time = _time(count, rate)
    wobble = rng.uniform(0.0, 0.02) * np.sin(2 * np.pi * rng.uniform(0.1, 8.0) * time)
    sound = _harmonics(rng, pitch * (1.0 + wobble), rate, int(rng.integers(1, 30)))
    if rng.random() < 0.5:
        sound *= 1.0 + rng.uniform(0.1, 1.0) * np.sin(2 * np.pi * rng.uniform(1.0, 40.0) * time)
    noise_level: float = rng.uniform(0.0, 0.5) * sound.std()
    return sound + noise_level * _coloured(rng, count, 0.5)


def tone(rng: np.random.Generator, count: int, rate: int) -> Samples:
    """One to three tones: steady, gliding, or switched on and off as of telephones and alarms."""
    time, sound = _time(count, rate), np.zeros(count)
    for _ in range(int(rng.integers(1, 4))):
        start, stop = np.exp(rng.uniform(np.log(80.0), np.log(6000.0), 2))
        if rng.random() < 0.6:
            stop = start
        frequency = start + (stop - start) * time / time[-1]
        sound += np.sin(2 * np.pi * np.cumsum(frequency) / rate)
    if rng.random() < 0.5:
        period = rng.uniform(0.08, 2.0)
        sound *= (time / period + rng.random()) % 1.0 < rng.uniform(0.2, 0.8)
    if rng.random() < 0.2:
        # A siren.
        turn = np.sin(2 * np.pi * rng.uniform(0.2, 4.0) * time)
        pitch = rng.uniform(300.0, 1200.0) * 2.0 ** (rng.uniform(0.1, 0.7) * turn)
        sound = _harmonics(rng, pitch, rate, int(rng.integers(1, 6)))
    return sound


def music(rng: np.random.Generator, count: int, rate: int) -> Samples:
    """Notes of a scale, one or several at a time, plucked, blown or bowed; sometimes drums."""
    sound = np.zeros(count)
    root = 55.0 * 2.0 ** rng.uniform(0.0, 2.5)
    scale = (
        np.array([0, 2, 4, 5, 7, 9, 11, 12, 14, 16, 19, 24])
        if rng.random() < 0.5
        else np.arange(25)
    )
    beat, voices = rng.uniform(0.1, 0.8), int(rng.integers(1, 5))
    plucked, vibrato = rng.random() < 0.5, rng.random() < 0.4
    partials, slope = int(rng.integers(1, 16)), rng.uniform(0.5, 2.0)
    for _ in range(voices):
        start = 0.0
        while start < count / rate:
            length = beat * rng.choice([1, 1, 2, 4])
            pitch = root * 2.0 ** (rng.choice(scale) / 12.0)
            first = int(start * rate)
            n = min(int(length * rate), count - first)
            if n > 16 and rng.random() < 0.85:
                time = np.arange(n) / rate
                track = np.full(n, pitch)
                if vibrato:
                    track *= 1.0 + 0.01 * np.sin(2 * np.pi * 5.5 * time)
                note = _harmonics(rng, track, rate, partials, slope)
                shape = np.exp(-time / rng.uniform(0.1, 0.8)) if plucked else np.ones(n)
                shape *= np.minimum(1.0, np.minimum(time, time[::-1]) / 0.01)
                sound[first : first + n] += note * shape
            start += length
    if rng.random() < 0.4:
        sound += rng.uniform(0.3, 1.5) * sound.std() * _unit(knocks(rng, count, rate))
    return sound


def knocks(rng: np.random.Generator, count: int, rate: int) -> Samples:
    """Drums, clicks, keys, steps, clapping: short decaying bursts, regular or not."""
    sound = np.zeros(count)
    period = np.exp(rng.uniform(np.log(0.01), np.log(1.5)))
    regular, decay = rng.random() < 0.5, np.exp(rng.uniform(np.log(0.002), np.log(0.2)))
    pitch = rng.uniform(40.0, 4000.0) if rng.random() < 0.5 else 0.0
    position = rng.uniform(0.0, period)
    while position < count / rate:
        first = int(position * rate)
        n = min(int(8 * decay * rate) + 8, count - first)
        time = np.arange(n) / rate
        burst = (
            np.sin(2 * np.pi * pitch * time * np.exp(-2 * time)) if pitch else rng.normal(size=n)
        )
        sound[first : first + n] += rng.uniform(0.4, 1.0) * burst * np.exp(-time / decay)
        position += period if regular else rng.exponential(period) + 1e-3
    return sound


def chirps(rng: np.random.Generator, count: int, rate: int) -> Samples:
    """Birds, crickets, squeaks: short tones that glide, far above a voice's pitch."""
    sound = np.zeros(count)
    position, base = rng.uniform(0.0, 0.5), rng.uniform(1500.0, 5000.0)
    while position < count / rate:
        first, n = int(position * rate), int(rng.uniform(0.02, 0.4) * rate)
        n = min(n, count - first)
        if n > 16:
            time = np.arange(n) / rate
            glide = base * 2.0 ** (rng.uniform(-0.5, 0.5) * time / time[-1])
            glide *= 1.0 + rng.uniform(0.0, 0.1) * np.sin(
                2 * np.pi * rng.uniform(10.0, 40.0) * time
            )
            edge = np.minimum(1.0, np.minimum(time, time[::-1]) / 0.005)
            sound[first : first + n] += np.sin(2 * np.pi * np.cumsum(glide) / rate) * edge
        position += n / rate + rng.exponential(0.3)
    return sound + rng.uniform(0.0, 0.1) * _coloured(rng, count, 1.0)


def bells(rng: np.random.Generator, count: int, rate: int) -> Samples:
    """Bells, glasses and metal: partials in no harmonic order, that ring on."""
    sound = np.zeros(count)
    ratios = np.sort(rng.uniform(0.5, 6.0, int(rng.integers(3, 10))))
    base = rng.uniform(150.0, 2000.0)
    position = rng.uniform(0.0, 0.5)
    while position < count / rate:
        first = int(position * rate)
        time = np.arange(count - first) / rate
        for ratio in ratios:
            sound[first:] += (
                rng.random()
                * np.sin(2 * np.pi * base * ratio * time)
                * np.exp(-time * ratio / rng.uniform(0.1, 1.5))
            )
        position += rng.uniform(0.3, 3.0)
    return sound


def dither(rng: np.random.Generator, count: int, _rate: int) -> Samples:
    """Silence as a converter records it: the last bit, or nothing at all."""
    if rng.random() < 0.5:
        return np.zeros(count)
    return rng.integers(-1, 2, count) / 32768.0


#: Each kind of sound, made of a generator, a number of samples and a rate in Hz.
SOUNDS: dict[str, Callable[[np.random.Generator, int, int], Samples]] = {
    "noise": noise,
    "band noise": band_noise,
    "hum": hum,
    "tones": tone,
    "music": music,
    "knocks": knocks,
    "chirps": chirps,
    "bells": bells,
    "silence": dither,
}


def make_sound(kind: str, rng: np.random.Generator, count: int, rate: int) -> NDArray[np.float32]:
    """Return a sound of one of `SOUNDS`, float32 ``[count]``, with its peak at 0.5.

    Silence is left as it is.
    """
    sound = SOUNDS[kind](rng, count, rate)
    if kind != "silence":
        sound *= 0.5 / max(float(np.abs(sound).max()), 1e-9)
    return sound.astype(np.float32)


def _time(count: int, rate: int) -> Samples:
    return np.arange(1, count + 1) / rate


def _unit(sound: Samples) -> Samples:
    return sound / max(float(sound.std()), 1e-9)


def _coloured(rng: np.random.Generator, count: int, slope: float) -> Samples:
    """Noise with an amplitude as 1 / f ** slope, and a deviation of one."""
    spectrum = np.fft.rfft(rng.normal(size=count))
    shape = np.maximum(np.arange(len(spectrum)), 1.0) ** -slope
    return _unit(np.fft.irfft(spectrum * shape, count))


def _harmonics(
    rng: np.random.Generator, pitch: Samples | float, rate: int, partials: int, slope: float = 1.0
) -> Samples:
    """A sum of harmonics of a pitch in Hz, sample by sample, below half of the rate."""
    track = np.asarray(pitch, np.float64)
    phase = 2 * np.pi * np.cumsum(track) / rate
    sound = np.zeros(len(track))
    for partial in range(1, partials + 1):
        if partial * track.max() < 0.5 * rate:
            sound += (
                rng.uniform(0.3, 1.0)
                / partial**slope
                * np.sin(partial * phase + 6.3 * rng.random())
            )
    return sound
