"""Joined recordings: the truth is where it is said to be, and nothing gives a join away."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.data.errors import DataError
from bilstm_hmm.data.synthesis.concatenated import (
    MAX_PAUSE,
    SPEECH_RMS,
    ConcatenatedRecording,
    concatenate_clips,
    draw_turns,
    prepare_clip,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

RATE = 8000
EMOTIONS = ("neutral", "happy", "sad", "angry")


def clips_of(speaker: str = "own-ann", a_piece: int = 4, **changes: int) -> list[Clip]:
    counts = dict.fromkeys(EMOTIONS, a_piece) | changes
    return [
        Clip(Path(f"{e}{i}.wav"), f"{e}{i}.wav", e, speaker, "own")
        for e, count in counts.items()
        for i in range(count)
    ]


def tone(clip: Clip) -> NDArray[np.float32]:
    """A tone a clip, each at a level of its own, with silence around it."""
    rng = np.random.default_rng(sum(clip.name.encode()))
    time = np.arange(int(rng.uniform(0.3, 0.8) * RATE)) / RATE
    sound = rng.uniform(0.01, 0.9) * np.sin(2 * np.pi * 400 * time)
    before, behind = rng.integers(0, RATE // 2, 2)
    return np.pad(sound, (before, behind)).astype(np.float32)


@pytest.fixture(scope="module")
def recordings() -> tuple[ConcatenatedRecording, ...]:
    return concatenate_clips(clips_of(), tone, RATE, count=12)


def spoken(recording: ConcatenatedRecording) -> NDArray[np.bool_]:
    """Where there is more than the noise, by 5 ms."""
    size = RATE // 200
    whole = len(recording.samples) // size * size
    power = np.square(recording.samples[:whole].reshape(-1, size)).mean(axis=1)
    return power > SPEECH_RMS**2 / 100


def test_turns_are_emotional_with_neutral_between(
    recordings: Sequence[ConcatenatedRecording],
) -> None:
    for recording in recordings:
        emotions = [emotion for *_, emotion in recording.truth]
        assert 3 <= len(emotions[::2]) <= 8
        assert set(emotions[1::2]) == {"neutral"}
        assert len(emotions) % 2 == 1
        assert "neutral" not in emotions[::2]
    counts = {len(recording.truth) for recording in recordings}
    assert len(counts) > 2


def test_times_are_those_of_what_is_heard(recordings: Sequence[ConcatenatedRecording]) -> None:
    pauses = []
    for recording in recordings:
        assert recording.samples.dtype == np.float32
        assert recording.truth[0][0] == 0.0
        assert recording.truth[-1][1] == len(recording.samples) / RATE
        sound = spoken(recording)
        for (_, left, _), (right, _, _) in pairwise(recording.truth):
            assert left <= right
            pauses.append(right - left)
            # The fades and the frames of 20 ms that silence is told by may blur the border.
            assert not sound[int(left * 200) + 1 : int(right * 200)].any()
        for start, end, _ in recording.truth:
            assert sound[int(start * 200) + 6]
            assert sound[int(end * 200) - 7]
    assert 0.0 <= min(pauses) < 0.2
    assert 0.8 < max(pauses) <= MAX_PAUSE


def test_every_clip_is_at_one_level_and_without_silence_or_clicks() -> None:
    for clip in clips_of():
        clip_ready = prepare_clip(tone(clip), RATE)
        inside = clip_ready[RATE // 50 : -RATE // 50]
        assert np.sqrt(np.mean(inside**2)) == pytest.approx(SPEECH_RMS, rel=0.05)
        assert abs(clip_ready[0]) < SPEECH_RMS / 100
        assert abs(clip_ready[-1]) < SPEECH_RMS / 100
        assert 0.25 < len(clip_ready) / RATE < 0.85


@pytest.mark.parametrize("length", [1, 2, 50, 161])
def test_what_is_short_or_silent_stays_finite(length: int) -> None:
    for value in (0.0, 0.5):
        clip_ready = prepare_clip(np.full(length, value, np.float32), RATE)
        assert len(clip_ready) == length
        assert np.isfinite(clip_ready).all()


def test_the_noise_is_the_same_all_over(recordings: Sequence[ConcatenatedRecording]) -> None:
    """In pauses between turns, within them, and under the clips, which are tones here."""
    for recording in recordings:
        quiet = []
        for (_, left, _), (right, _, _) in pairwise(recording.truth):
            pause = recording.samples[int(left * RATE) : int(right * RATE)]
            if len(pause) > 400:
                quiet.append(float(np.sqrt(np.mean(pause**2))))
        assert max(quiet) == pytest.approx(min(quiet), rel=0.25)
        assert np.median(quiet) == pytest.approx(SPEECH_RMS * 10 ** (-45 / 20), rel=0.1)


def test_no_sample_leaves_the_scale() -> None:
    def spiky(clip: Clip) -> NDArray[np.float32]:
        samples = 0.001 * tone(clip)
        samples[len(samples) // 2] = 0.9
        return samples

    for recording in concatenate_clips(clips_of(), spiky, RATE, count=2):
        assert 0.5 < np.abs(recording.samples).max() < 1.0


def test_seed_and_speaker_decide_and_nothing_else() -> None:
    def same(
        turn: Sequence[ConcatenatedRecording], next_turn: Sequence[ConcatenatedRecording]
    ) -> bool:
        return all(
            a.truth == b.truth and np.array_equal(a.samples, b.samples)
            for a, b in zip(turn, next_turn, strict=True)
        )

    first = concatenate_clips(clips_of(), tone, RATE, count=3)
    assert [recording.name for recording in first] == [f"own-ann/{n}" for n in (1, 2, 3)]
    assert {recording.speaker for recording in first} == {"own-ann"}
    assert same(first, concatenate_clips(clips_of()[::-1], tone, RATE, count=3))
    assert same(first[:2], concatenate_clips(clips_of(), tone, RATE, count=2))
    assert not same(first, concatenate_clips(clips_of(), tone, RATE, count=3, seed=1))
    assert not same(first, concatenate_clips(clips_of("own-ben"), tone, RATE, count=3))
    assert not same(first[:1], first[1:2])


def test_a_clip_is_read_once() -> None:
    asked: Counter[str] = Counter()

    def read(clip: Clip) -> NDArray[np.float32]:
        asked[clip.name] += 1
        return tone(clip)

    concatenate_clips(clips_of(), read, RATE, count=5)
    assert set(asked.values()) == {1}


@given(
    counts=st.dictionaries(st.sampled_from(EMOTIONS[1:]), st.integers(1, 9), min_size=2),
    neutral=st.integers(0, 5),
    seed=st.integers(0, 1000),
)
@settings(deadline=None, max_examples=40)
def test_clips_come_again_only_when_all_have_come(
    counts: dict[str, int], neutral: int, seed: int
) -> None:
    if neutral:
        counts = counts | {"neutral": neutral}
    offsets = {emotion: 100 * number for number, emotion in enumerate(counts)}
    numbers = {e: list(range(offsets[e], offsets[e] + n)) for e, n in counts.items()}
    turns = draw_turns(numbers, np.random.default_rng(seed))
    for one, next_turn in pairwise(turns):
        assert one.emotion != next_turn.emotion
        assert not neutral or "neutral" in (one.emotion, next_turn.emotion)
    for emotion, indices in numbers.items():
        used = Counter(clip for turn in turns if turn.emotion == emotion for clip in turn.clips)
        assert set(used) <= set(indices)
        times = [used[clip] for clip in indices]
        assert max(times) - min(times) <= 1
    emotional = Counter(turn.emotion for turn in turns if turn.emotion != "neutral")
    if neutral:
        times = [emotional[emotion] for emotion in counts if emotion != "neutral"]
        assert max(times) - min(times) <= 1
    assert 3 <= emotional.total() <= 8


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        (clips_of(neutral=0), r"^own-ann has no neutral clips, so that no recording can be"),
        (clips_of(happy=0, sad=0, angry=0), r"^own-ann has no emotional clips"),
        (
            clips_of() + clips_of("own-ben"),
            r"clips of one speaker, but these are of own-ann, own-b",
        ),
        ([], r"but these are of none: give those of one$"),
    ],
)
def test_clips_that_cannot_be_joined(clips: list[Clip], message: str) -> None:
    with pytest.raises(DataError, match=message):
        concatenate_clips(clips, tone, RATE)


@pytest.mark.parametrize("numbers", [{"neutral": [1]}, {"sad": [1, 2]}, {}])
def test_one_emotion_makes_no_turns(numbers: dict[str, list[int]]) -> None:
    with pytest.raises(DataError, match="clips of two emotions are needed"):
        draw_turns(numbers, np.random.default_rng(0))
