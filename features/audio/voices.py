"""One voice of a recording: a channel of a call, or the turns of one who speaks among others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import AudioError
from ..frames import FloatArray
from .sources import Blocks, Source

#: Seconds in which a turn fades in and out: a hard edge would be a click.
_FADE = 0.005

Turns = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Voice:
    """What of a recording is listened to; all of it by default.

    Attributes
    ----------
    channel
        Its number, from 1; None mixes all of them.
    speaker
        Who speaks in `turns`.
    turns
        Start and end of each turn in seconds; all else is silence. None is the whole recording.
    """

    channel: int | None = None
    speaker: str | None = None
    turns: Turns | None = None

    @property
    def name(self) -> tuple[int | None, str | None]:
        """The channel and the speaker, None for all of them."""
        return self.channel, self.speaker


#: All channels mixed to one, from the first sample to the last.
EVERYTHING = Voice()


def heard(source: Source, voice: Voice) -> Source:
    """Return what is heard of a source where one listens to a voice alone.

    Raises
    ------
    AudioError
        There is no such channel.
    """
    if voice.channel is not None:
        source = _one_channel(source, voice.channel)
    return source if voice.turns is None else _turns_alone(source, voice.turns)


def joined_turns(turns: Sequence[tuple[float, float]]) -> Turns:
    """Return turns in order, those that touch or overlap as one, and none of no length."""
    joined: list[tuple[float, float]] = []
    for start, end in sorted(turns):
        if end <= start:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def _one_channel(source: Source, number: int) -> Source:
    if not 1 <= number <= source.n_channels:
        there = "1 channel" if source.n_channels == 1 else f"{source.n_channels} channels"
        raise AudioError(f"{source.name} has {there} and no channel {number}; choose another.")

    def blocks() -> Blocks:
        inner = source.blocks()
        while True:
            try:
                yield next(inner)[:, number - 1 : number]
            except StopIteration as end:
                damage: tuple[str, ...] = end.value
                return damage

    return replace(source, n_channels=1, blocks=blocks)


def _turns_alone(source: Source, turns: Turns) -> Source:
    knots = np.array([(s, s + _fade(s, e), e - _fade(s, e), e) for s, e in turns]).reshape(-1)
    gains = np.tile([0.0, 1.0, 1.0, 0.0], len(turns))

    def blocks() -> Blocks:
        inner, first = source.blocks(), 0
        while True:
            try:
                block = next(inner)
            except StopIteration as end:
                damage: tuple[str, ...] = end.value
                return damage
            times = np.arange(first, first + len(block)) / source.rate
            first += len(block)
            gain = np.interp(times, knots, gains) if len(knots) else np.zeros(len(times))
            masked: FloatArray = block * gain.astype(np.float32)[:, None]
            yield masked

    return replace(source, blocks=blocks)


def _fade(start: float, end: float) -> float:
    return min(_FADE, (end - start) / 2)
