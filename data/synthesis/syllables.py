"""Nonsense syllables: which sounds an utterance is made of, and the tracks they leave."""

from dataclasses import dataclass

import numpy as np

from .source_filter import Track, Tracks

_STEP = 0.005


@dataclass(frozen=True, slots=True)
class Style:
    """How an emotion is spoken: pitch in semitones, level and tilt in dB, rate in syllables a s.

    `pitch_drift` is that of the pitch from start to end, `tremor` its wavering at about 6 Hz.
    """

    pitch: float
    pitch_range: float
    pitch_drift: float
    rate: float
    level: float
    tilt: float
    breathiness: float
    jitter: float
    tremor: float
    open_quotient: float


# First three formants of a man's vowels in Hz, after G. E. Peterson and H. L. Barney (1952).
_VOWELS = np.array(
    [
        (730.0, 1090.0, 2440.0),
        (530.0, 1840.0, 2480.0),
        (290.0, 2250.0, 3000.0),
        (570.0, 840.0, 2410.0),
        (310.0, 900.0, 2240.0),
        (500.0, 1400.0, 2500.0),
    ]
)
_UPPER = np.array([3400.0, 4400.0, 5500.0, 6500.0])
_BANDWIDTHS = np.array([70.0, 90.0, 130.0, 220.0, 300.0, 400.0, 500.0])


@dataclass(frozen=True, slots=True)
class Phone:
    """A stretch of steady targets; `frames` counts control steps."""

    frames: int
    formants: Track
    voicing: float = 0.0
    aspiration: float = 0.0
    frication: float = 0.0
    centre: float = 4000.0
    stress: float = 0.0


def utterance(style: Style, pitch: float, formant_scale: float, rng: np.random.Generator) -> Tracks:
    """Return the tracks of a few random syllables spoken in `style`.

    `pitch` is the speaker's mean pitch in Hz, `formant_scale` the resonances relative to a man's.
    """
    phones = _phones(style, formant_scale, rng)
    lengths = [phone.frames for phone in phones]

    def spread(values: list[float], width: int) -> Track:
        return _smooth(np.repeat(values, lengths), width)

    formants = np.repeat([phone.formants for phone in phones], lengths, axis=0)
    glides = np.stack([_smooth(column, 13) for column in formants.T], axis=1)
    n = len(glides)
    drift = style.pitch_drift * np.linspace(-0.5, 0.5, n)
    accents = style.pitch_range * spread([phone.stress for phone in phones], 17)
    tremor = style.tremor * np.sin(
        2 * np.pi * (rng.uniform(5, 7) * _STEP * np.arange(n) + rng.random())
    )
    semitones = (style.pitch + drift + accents + tremor).clip(-12, 20)
    return Tracks(
        step=_STEP,
        pitch=pitch * 2 ** (semitones / 12),
        voicing=spread([phone.voicing for phone in phones], 5),
        aspiration=spread([phone.aspiration for phone in phones], 5),
        frication=spread([phone.frication for phone in phones], 3),
        formants=glides,
        bandwidths=np.tile(_BANDWIDTHS * (1 + style.breathiness), (n, 1)),
        frication_centre=spread([phone.centre for phone in phones], 3),
        tilt=np.full(n, style.tilt),
    )


def _phones(style: Style, formant_scale: float, rng: np.random.Generator) -> list[Phone]:
    """Return silence, six to eight syllables with at most one pause, and silence."""

    def frames(seconds: float) -> int:
        return max(1, round(seconds / _STEP))

    def formants(vowel: int) -> Track:
        blurred = _VOWELS[vowel] * rng.uniform(0.95, 1.05, 3)
        return np.concatenate([blurred, _UPPER]) * formant_scale

    syllables = int(rng.integers(6, 9))
    pause = int(rng.integers(2, 5)) if rng.random() < 0.4 else -1
    neutral_tract = formants(5)
    phones = [Phone(frames(rng.uniform(0.08, 0.2)), neutral_tract)]
    for syllable in range(syllables):
        target = formants(int(rng.integers(len(_VOWELS))))
        if syllable == pause:
            phones.append(Phone(frames(rng.uniform(0.08, 0.2)), target))
        length = rng.uniform(0.8, 1.2) / style.rate
        length *= 1.35 if syllable == syllables - 1 else 1.0
        consonant = _consonant(target, formant_scale, rng)
        stress = rng.uniform(0.3, 1.0) if syllable % 2 else rng.uniform(-0.5, 0.3)
        spent = sum(phone.frames for phone in consonant) * _STEP
        loudness = 0.8 + 0.2 * stress
        phones += consonant
        phones.append(
            Phone(
                frames(max(length - spent, 0.05)),
                target,
                loudness,
                style.breathiness,
                stress=stress,
            )
        )
    return [*phones, Phone(frames(rng.uniform(0.1, 0.22)), neutral_tract)]


def _consonant(target: Track, formant_scale: float, rng: np.random.Generator) -> list[Phone]:
    """Return a fricative, a plosive, a nasal, a breathed onset, or nothing, before a vowel."""
    kind = rng.choice(
        ["fricative", "plosive", "nasal", "breath", "none"], p=[0.3, 0.3, 0.2, 0.1, 0.1]
    )
    length = int(rng.integers(10, 17))
    if kind == "fricative":
        centre, strength = [(5600.0, 0.35), (3300.0, 0.5), (4500.0, 0.12)][int(rng.integers(3))]
        return [Phone(length + 3, target, 0.0, 0.02, strength, centre * formant_scale)]
    if kind == "plosive":
        centre = rng.choice([900.0, 2000.0, 4200.0]) * formant_scale
        return [Phone(length, target), Phone(4, target, 0.0, 0.1, 0.6, centre)]
    if kind == "nasal":
        murmur = np.array([270.0, rng.choice([1000.0, 1500.0]), 2300.0, *_UPPER]) * formant_scale
        return [Phone(length, murmur, 0.35)]
    if kind == "breath":
        return [Phone(length, target, 0.05, 0.35)]
    return []


def _smooth(values: Track, width: int) -> Track:
    kernel = np.hanning(width + 2)[1:-1]
    padded = np.pad(values, width // 2, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="valid")
