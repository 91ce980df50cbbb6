"""Recordings of several emotions whose truth is known: clips of one speaker, concatenated.

A recording has 3 to 8 emotional turns of one or two clips each, a neutral clip between any two,
and pauses of up to a second. What could give a join away is taken out: silence at the ends of the
clips, differences of level, clicks; and a faint noise lies under all of it. They stand in for
conversations, as simulated mixtures do in speaker diarization.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..clip import NEUTRAL, Clip
from ..errors import DataError

Samples = NDArray[np.float32]
T = TypeVar("T")

N_RECORDINGS = 8
#: Fewest and most emotional turns of a recording, and clips of a turn.
N_TURNS = (3, 8)
CLIPS_PER_TURN = (1, 2)
MAX_PAUSE = 1.0
FADE_SECONDS = 0.010
#: RMS of the speech, over the frames of `_FRAME` seconds up to `_ACTIVE_DB` below the loudest.
SPEECH_RMS = 0.05
_FRAME = 0.020
_ACTIVE_DB = 30.0
_NOISE_DB = -45.0
_MAX_PEAK = 0.99


@dataclass(frozen=True, slots=True)
class EmotionTurn:
    """A stretch of one emotion: the indices of the clips that it is made of."""

    emotion: str
    clips: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ConcatenatedRecording:
    """A recording of one speaker, and the emotions in it.

    Attributes
    ----------
    samples
        float32 ``[n]``, within ±1.
    rate
        In Hz.
    truth
        Start and end in seconds, and emotion, of each turn; between two turns is a pause.
    name
        The speaker and a number from 1, as in ``ravdess-07/3``.
    """

    samples: Samples
    truth: tuple[tuple[float, float, str], ...]
    rate: int
    speaker: str
    name: str


def draw_turns(
    clips_by_emotion: Mapping[str, Sequence[int]], rng: np.random.Generator
) -> tuple[EmotionTurn, ...]:
    """Draw the turns of a recording.

    No clip comes twice before all of its emotion have come, nor any emotion. Without neutral
    clips the emotional turns follow each other, and no two in a row are of one emotion.

    Parameters
    ----------
    clips_by_emotion
        Indices of the clips of each emotion, at least one each.

    Raises
    ------
    DataError
        There is no emotion besides neutral, or without neutral only one.
    """
    has_neutral = NEUTRAL in clips_by_emotion
    emotions = sorted(set(clips_by_emotion) - {NEUTRAL})
    if len(emotions) < (1 if has_neutral else 2):
        raise DataError("clips of two emotions are needed to join them: add clips of another")
    next_clip = {
        emotion: _cycle_shuffled(clips, rng) for emotion, clips in sorted(clips_by_emotion.items())
    }
    turns: list[EmotionTurn] = []
    next_emotion = _cycle_shuffled(emotions, rng)
    n_left = int(rng.integers(N_TURNS[0], N_TURNS[1] + 1))
    while n_left:
        emotion = next(next_emotion)
        if turns and not has_neutral and emotion == turns[-1].emotion:
            continue
        if turns and has_neutral:
            turns.append(EmotionTurn(NEUTRAL, (next(next_clip[NEUTRAL]),)))
        count = int(rng.integers(CLIPS_PER_TURN[0], CLIPS_PER_TURN[1] + 1))
        turns.append(EmotionTurn(emotion, tuple(next(next_clip[emotion]) for _ in range(count))))
        n_left -= 1
    return tuple(turns)


def _cycle_shuffled(items: Sequence[T], rng: np.random.Generator) -> Iterator[T]:
    """Yield the items in random order, all of them before any comes again."""
    while True:
        for index in rng.permutation(len(items)):
            yield items[int(index)]


def concatenate_clips(
    clips: Sequence[Clip],
    read: Callable[[Clip], Samples],
    rate: int,
    *,
    count: int = N_RECORDINGS,
    seed: int = 0,
) -> tuple[ConcatenatedRecording, ...]:
    """Concatenate clips of one speaker to `count` recordings.

    They depend on the clips, the speaker's name and the seed alone, not on the clips' order.

    Parameters
    ----------
    clips
        All of one speaker.
    read
        Gives the samples of a clip, float32 ``[n]`` at `rate`; asked once for each that is used.
    rate
        In Hz.

    Raises
    ------
    DataError
        The clips are of several speakers, or lack neutral ones or those of another emotion.
    """
    ordered = sorted(clips, key=lambda clip: clip.name)
    speaker = _speaker(ordered)
    clips_by_emotion: dict[str, list[int]] = {}
    for index, clip in enumerate(ordered):
        clips_by_emotion.setdefault(clip.emotion, []).append(index)
    if NEUTRAL not in clips_by_emotion or len(clips_by_emotion) == 1:
        missing = "neutral" if NEUTRAL not in clips_by_emotion else "emotional"
        raise DataError(
            f"{speaker} has no {missing} clips, so that no recording can be joined of turns with "
            f"neutral between: leave the speaker out, or add such clips"
        )
    samples: dict[int, Samples] = {}
    recordings = []
    for number in range(1, count + 1):
        rng = _rng(seed, number, speaker)
        turns = draw_turns(clips_by_emotion, rng)
        for index in chain.from_iterable(turn.clips for turn in turns):
            if index not in samples:
                samples[index] = prepare_clip(read(ordered[index]), rate)
        name = f"{speaker}/{number}"
        recordings.append(
            ConcatenatedRecording(*_concatenate(turns, samples, rate, rng), rate, speaker, name)
        )
    return tuple(recordings)


def _speaker(clips: Sequence[Clip]) -> str:
    speakers = sorted({clip.speaker for clip in clips})
    if len(speakers) != 1:
        raise DataError(
            f"a recording is joined of clips of one speaker, but these are of "
            f"{', '.join(speakers) or 'none'}: give those of one"
        )
    return speakers[0]


def _rng(seed: int, number: int, speaker: str) -> np.random.Generator:
    digest = hashlib.sha256(speaker.encode("utf-8", "surrogatepass")).digest()
    return np.random.default_rng([seed, number, *np.frombuffer(digest, dtype="<u4").tolist()])


def prepare_clip(samples: Samples, rate: int) -> Samples:
    """Return a clip without silence at its ends, at the common level, faded in and out.

    Silence is what lies 30 dB or more below the loudest 20 ms; the level is the RMS of the rest.

    Parameters
    ----------
    samples
        float32 ``[n]``, at least one.
    rate
        In Hz.
    """
    length = max(1, min(round(_FRAME * rate), len(samples)))
    whole = len(samples) // length * length
    power = np.square(samples[:whole].reshape(-1, length).astype(np.float64)).mean(axis=1)
    active = power >= power.max() * 10.0 ** (-_ACTIVE_DB / 10.0)
    first, last = np.flatnonzero(active)[[0, -1]]
    # The last frame takes what is too short for one of its own.
    stop = len(samples) if last == len(power) - 1 else (last + 1) * length
    trimmed = samples[first * length : stop].astype(np.float64)
    trimmed *= SPEECH_RMS / max(float(np.sqrt(power[active].mean())), 1e-9)
    n_fade = min(round(FADE_SECONDS * rate), len(trimmed) // 2)
    fade_in = 0.5 - 0.5 * np.cos(np.pi * (np.arange(n_fade) + 0.5) / max(n_fade, 1))
    trimmed[:n_fade] *= fade_in
    trimmed[len(trimmed) - n_fade :] *= fade_in[::-1]
    return trimmed.astype(np.float32)


def _concatenate(
    turns: Sequence[EmotionTurn],
    clips: Mapping[int, Samples],
    rate: int,
    rng: np.random.Generator,
) -> tuple[Samples, tuple[tuple[float, float, str], ...]]:
    """The samples of a recording, and start, end and emotion of its turns."""
    parts: list[Samples] = []
    truth: list[tuple[float, float, str]] = []
    length = 0
    for turn in turns:
        starts: list[int] = []
        for index in turn.clips:
            if parts:
                parts.append(np.zeros(int(rng.uniform(0.0, MAX_PAUSE) * rate), np.float32))
                length += len(parts[-1])
            starts.append(length)
            parts.append(clips[index])
            length += len(parts[-1])
        truth.append((starts[0] / rate, length / rate, turn.emotion))
    samples = np.concatenate(parts)
    noise = SPEECH_RMS * 10.0 ** (_NOISE_DB / 20.0) * rng.standard_normal(length)
    samples += noise.astype(np.float32)
    samples *= min(1.0, _MAX_PEAK / float(np.abs(samples).max()))
    return samples, tuple(truth)
