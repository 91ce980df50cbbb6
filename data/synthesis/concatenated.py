"""Recordings of several emotions whose truth is known: clips of one speaker, joined.

A recording has 3 to 8 emotional turns of one or two clips each, a neutral clip between any two,
and pauses of up to a second. What could give a join away is taken out: silence at the ends of the
clips, differences of level, clicks; and a faint noise lies under all of it.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..clip import Clip
from ..errors import DataError

Samples = NDArray[np.float32]
T = TypeVar("T")

NEUTRAL = "neutral"
RECORDINGS = 8
#: Least and most emotional turns of a recording, and clips of one.
TURNS = (3, 8)
CLIPS_A_TURN = (1, 2)
LONGEST_PAUSE = 1.0
FADE = 0.010
#: RMS of what is spoken, and what it is reckoned over: frames up to so many dB below the loudest.
LEVEL = 0.05
_FRAME = 0.020
_ACTIVE_DB = 30.0
_BED_DB = -45.0
_HIGHEST_PEAK = 0.99


@dataclass(frozen=True, slots=True)
class EmotionTurn:
    """One emotion from when to when: the clips that it is made of, as they were numbered."""

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
    rate: int
    speaker: str
    truth: tuple[tuple[float, float, str], ...]
    name: str


def draw_turns(
    clips_of: Mapping[str, Sequence[int]], rng: np.random.Generator
) -> tuple[EmotionTurn, ...]:
    """Draw the turns of a recording.

    No clip comes twice before all of its emotion have come, nor any emotion. Without neutral
    clips the emotional turns follow each other, and no two in a row are of one emotion.

    Parameters
    ----------
    clips_of
        Numbers of the clips of each emotion, none of them empty.

    Raises
    ------
    DataError
        There is no emotion besides neutral, or without neutral only one.
    """
    neutral = NEUTRAL in clips_of
    emotions = sorted(set(clips_of) - {NEUTRAL})
    if len(emotions) < (1 if neutral else 2):
        raise DataError("clips of two emotions are needed to join them: add clips of another")
    decks = {emotion: _cycle_shuffled(clips_of[emotion], rng) for emotion in sorted(clips_of)}
    turns: list[EmotionTurn] = []
    wanted = _cycle_shuffled(emotions, rng)
    left = int(rng.integers(TURNS[0], TURNS[1] + 1))
    while left:
        emotion = next(wanted)
        if turns and not neutral and emotion == turns[-1].emotion:
            continue
        if turns and neutral:
            turns.append(EmotionTurn(NEUTRAL, (next(decks[NEUTRAL]),)))
        count = int(rng.integers(CLIPS_A_TURN[0], CLIPS_A_TURN[1] + 1))
        turns.append(EmotionTurn(emotion, tuple(next(decks[emotion]) for _ in range(count))))
        left -= 1
    return tuple(turns)


def _cycle_shuffled(items: Sequence[T], rng: np.random.Generator) -> Iterator[T]:
    """Yield the items in random order, all of them before any comes again."""
    while True:
        for place in rng.permutation(len(items)):
            yield items[int(place)]


def concatenate_clips(
    clips: Sequence[Clip],
    read: Callable[[Clip], Samples],
    rate: int,
    *,
    count: int = RECORDINGS,
    seed: int = 0,
) -> tuple[ConcatenatedRecording, ...]:
    """Join the clips of one speaker to `count` recordings.

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
    clips_of: dict[str, list[int]] = {}
    for place, clip in enumerate(ordered):
        clips_of.setdefault(clip.emotion, []).append(place)
    if NEUTRAL not in clips_of or len(clips_of) == 1:
        lacking = "neutral" if NEUTRAL not in clips_of else "emotional"
        raise DataError(
            f"{speaker} has no {lacking} clips, so that no recording can be joined of turns with "
            f"neutral between: leave the speaker out, or add such clips"
        )
    ready: dict[int, Samples] = {}
    recordings = []
    for number in range(1, count + 1):
        rng = _rng(seed, number, speaker)
        turns = draw_turns(clips_of, rng)
        for place in chain.from_iterable(turn.clips for turn in turns):
            if place not in ready:
                ready[place] = prepare_clip(read(ordered[place]), rate)
        recordings.append(_concatenate(turns, ready, rate, speaker, number, rng))
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
    cut = samples[first * length : stop].astype(np.float64)
    cut *= LEVEL / max(float(np.sqrt(power[active].mean())), 1e-9)
    ramp = min(round(FADE * rate), len(cut) // 2)
    rise = 0.5 - 0.5 * np.cos(np.pi * (np.arange(ramp) + 0.5) / max(ramp, 1))
    cut[:ramp] *= rise
    cut[len(cut) - ramp :] *= rise[::-1]
    return cut.astype(np.float32)


def _concatenate(
    turns: Sequence[EmotionTurn],
    ready: Mapping[int, Samples],
    rate: int,
    speaker: str,
    number: int,
    rng: np.random.Generator,
) -> ConcatenatedRecording:
    parts: list[Samples] = []
    truth: list[tuple[float, float, str]] = []
    length = 0
    for turn in turns:
        begun: int | None = None
        for place in turn.clips:
            if parts:
                parts.append(np.zeros(int(rng.uniform(0.0, LONGEST_PAUSE) * rate), np.float32))
                length += len(parts[-1])
            begun = length if begun is None else begun
            parts.append(ready[place])
            length += len(parts[-1])
        truth.append(((begun or 0) / rate, length / rate, turn.emotion))
    samples = np.concatenate(parts)
    bed = LEVEL * 10.0 ** (_BED_DB / 20.0) * rng.standard_normal(length)
    samples += bed.astype(np.float32)
    samples *= min(1.0, _HIGHEST_PEAK / float(np.abs(samples).max()))
    return ConcatenatedRecording(samples, rate, speaker, tuple(truth), f"{speaker}/{number}")
