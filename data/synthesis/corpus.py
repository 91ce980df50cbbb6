"""Speech-like recordings made by rule: a corpus for tests, examples and first trials.

Nobody speaks here. A source-filter voice (`data.synthesis.source_filter`) utters nonsense
syllables, and an emotion shapes how: pitch level, range and course, speed, loudness, spectral tilt,
breathiness and steadiness, in the directions that K. R. Scherer ("Vocal communication of emotion",
Speech Communication 40, 2003) sums up. Scores on it say that a system works, not how well it does
on people.
"""

import json
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..atomic_files import write_atomically
from ..errors import DataError
from .source_filter import Track, render_voice
from .syllables import Style, utterance

_DETAILS = "synthetic.json"

# pitch, pitch_range, pitch_drift, rate, level, tilt, breathiness, jitter, tremor, open_quotient
STYLES = {
    "neutral": Style(0.0, 1.6, -2.0, 4.6, 0.0, 3.0, 0.06, 0.008, 0.0, 0.60),
    "happy": Style(4.0, 4.2, 1.0, 5.0, 3.0, 1.6, 0.08, 0.010, 0.1, 0.58),
    "sad": Style(-1.0, 0.9, -3.0, 3.5, -5.0, 6.0, 0.22, 0.016, 0.15, 0.74),
    "angry": Style(3.5, 3.2, -3.0, 5.2, 6.0, 0.0, 0.04, 0.022, 0.0, 0.45),
    "fearful": Style(6.0, 1.8, 1.5, 5.8, -1.0, 3.2, 0.18, 0.028, 0.6, 0.66),
}
SYNTHETIC_EMOTIONS = tuple(STYLES)
# How far one speaker's own style, and one utterance, stray from the style: the same units.
_SPREAD = Style(1.1, 0.4, 1.2, 0.35, 2.2, 0.8, 0.03, 0.003, 0.05, 0.03)
_MINIMUM = Style(-6.0, 0.3, -8.0, 2.8, -12.0, -1.0, 0.01, 0.003, 0.0, 0.35)


@dataclass(frozen=True, slots=True)
class Speaker:
    """A voice: mean pitch in Hz, formants relative to a man's, and how it strays from a `Style`."""

    pitch: float
    formant_scale: float
    style_offset: Track


def _speaker(speaker: int) -> Speaker:
    """Return the voice number `speaker`: even numbers are higher and shorter of tract."""
    rng = np.random.default_rng([1952, speaker])
    high = speaker % 2 == 0
    return Speaker(
        pitch=(205.0 if high else 115.0) * 2 ** rng.uniform(-0.22, 0.22),
        formant_scale=(1.15 if high else 1.0) * rng.uniform(0.95, 1.05),
        style_offset=0.6 * _values(_SPREAD) * rng.standard_normal(len(fields(Style))),
    )


def synthesise(emotion: str, speaker: int, rng_seed: int, rate: int = 16000) -> NDArray[np.float32]:
    """Return one utterance of about 1.5 to 2.5 s: float32 ``[n_samples]``, within ±1.

    The same arguments give the same samples.

    Raises
    ------
    DataError
        The emotion is not one of `SYNTHETIC_EMOTIONS`, a number is negative, or `rate` is below
        8000 Hz.
    """
    if emotion not in STYLES:
        raise DataError(f"emotion {emotion!r} is not synthesised; choose from {', '.join(STYLES)}")
    if speaker < 0 or rng_seed < 0 or rate < 8000:
        raise DataError(
            f"speaker {speaker}, seed {rng_seed} and rate {rate} do not make an utterance; "
            "speaker and seed start at 0, the rate at 8000 Hz"
        )
    rng = np.random.default_rng([rng_seed, speaker, SYNTHETIC_EMOTIONS.index(emotion)])
    person = _speaker(speaker)
    style = _style(emotion, person, rng)
    signal = render_voice(
        utterance(style, person.pitch, person.formant_scale, rng),
        rate,
        rng,
        open_quotient=style.open_quotient,
        jitter=style.jitter,
        shimmer=3 * style.jitter,
    )
    level = 10 ** ((style.level - 24.0 + rng.normal(0.0, 1.5)) / 20)
    signal *= level / np.sqrt(np.mean(signal**2))
    signal += 10 ** (rng.uniform(-66, -58) / 20) * rng.standard_normal(len(signal))
    signal /= max(1.0, float(np.abs(signal).max()) / 0.97)
    return np.asarray(signal, dtype=np.float32)


def write_corpus(
    root: Path, *, speakers: int = 6, clips_per_emotion: int = 6, seed: int = 0
) -> int:
    """Write ``root/<emotion>/<speaker>/<nn>.wav`` (16 kHz, 16 bit) and return the number of clips.

    The same arguments give the same bytes. Clips that are there already are left alone, so that
    a run which was cut off can be called again.

    Raises
    ------
    DataError
        A number is below one (seed: below zero), `root` holds a corpus made with others, or
        cannot be written.
    """
    if speakers < 1 or clips_per_emotion < 1 or seed < 0:
        raise DataError(
            f"speakers {speakers}, clips_per_emotion {clips_per_emotion} and seed {seed} do not "
            "make a corpus; the first two start at 1, the seed at 0"
        )
    details = json.dumps(
        {"speakers": speakers, "clips_per_emotion": clips_per_emotion, "seed": seed}
    )
    note = root / _DETAILS
    if note.is_file() and note.read_text(encoding="utf-8") != details:
        raise DataError(
            f"{root} holds a synthetic corpus made with other numbers ({_DETAILS} has them); "
            "choose an empty folder"
        )
    try:
        root.mkdir(parents=True, exist_ok=True)
        note.write_text(details, encoding="utf-8")
    except OSError as error:
        raise _unwritable(root, error) from error
    for emotion in SYNTHETIC_EMOTIONS:
        for speaker in range(speakers):
            for clip in range(clips_per_emotion):
                path = root / emotion / f"{speaker:02d}" / f"{clip:02d}.wav"
                if not path.exists():
                    write_wav(path, synthesise(emotion, speaker, seed * 100_003 + clip))
    return len(SYNTHETIC_EMOTIONS) * speakers * clips_per_emotion


def write_wav(path: Path, samples: NDArray[np.float32], rate: int = 16000) -> None:
    """Write mono 16-bit wav under a temporary name, then rename it; folders are made.

    Raises
    ------
    DataError
        `path` cannot be written.
    """
    import soundfile

    pcm = np.round(samples * 32767).astype(np.int16)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(
            path, lambda part: soundfile.write(part, pcm, rate, subtype="PCM_16", format="WAV")
        )
    except (OSError, soundfile.LibsndfileError) as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: Exception) -> DataError:
    return DataError(f"cannot write {path} ({error}); free some space or choose another folder")


def _style(emotion: str, person: Speaker, rng: np.random.Generator) -> Style:
    # A felt emotion is more or less strong; the weak ones are what makes the task a task.
    strength = rng.uniform(0.7, 1.15)
    neutral, full = _values(STYLES["neutral"]), _values(STYLES[emotion])
    variation = 0.6 * _values(_SPREAD) * rng.standard_normal(len(neutral))
    values = neutral + strength * (full - neutral) + person.style_offset + variation
    return Style(*np.maximum(values, _values(_MINIMUM)).tolist())


def _values(style: Style) -> Track:
    return np.array(astuple(style), dtype=np.float64)
