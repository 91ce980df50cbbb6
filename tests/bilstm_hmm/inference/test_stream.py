"""A stream says what the file says, however it is cut, and holds no more than it needs."""

import tracemalloc
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from bilstm_hmm.features.errors import AudioError

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference import online_timeline
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.stream import EmotionStream, Update
from bilstm_hmm.prediction import NO_SPEECH, Segment
from tests.oracle import emotions_of, talk

RATE = 16000


#: About a minute of one voice, with pauses, two of them long.
TALK = (
    *("neutral", 0.3, "neutral", 0.7, "neutral", "happy", 0.2, "happy", 0.5, "happy", 0.1),
    *("sad", 0.4, "sad", "sad", 3.0, "angry", 0.6, "angry", 0.3, "angry", "fearful", 0.5),
    *("fearful", 0.2, "fearful", 3.0, "neutral", 0.3, "neutral", "sad", 0.4, "sad", 0.6, "happy"),
    *("happy", 0.2, "angry", "angry", 0.5, "neutral", 0.7, "neutral"),
)
#: What is said in it, neighbours of one emotion joined.
SAID = [
    *("neutral", "happy", "sad", NO_SPEECH, "angry", "fearful", NO_SPEECH),
    *("neutral", "sad", "happy", "angry", "neutral"),
]


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    return talk(*TALK)


def follow(model: Model, samples: np.ndarray, size: int, **more: float) -> list[Update]:
    stream = EmotionStream(model, **more)
    updates = []
    for begun in range(0, len(samples), size):
        updates += stream.push(samples[begun : begun + size])
    return [*updates, stream.close()]


@pytest.fixture(scope="module")
def updates(model: Model, samples: np.ndarray) -> list[Update]:
    return follow(model, samples, 4000)


def segments(updates: list[Update]) -> list[Segment]:
    return [segment for update in updates for segment in update.final_segments]


def test_its_segments_are_those_of_the_file(
    model: Model, samples: np.ndarray, updates: list[Update]
) -> None:
    expected = model.predict(samples, RATE).segments
    found = segments(updates)
    assert emotions_of(found) == emotions_of(expected) == SAID
    for one, other in zip(found, expected, strict=True):
        assert (one.start, one.end) == pytest.approx((other.start, other.end), abs=1e-6)
        assert one.confidence == pytest.approx(other.confidence, abs=0.05)
    # Soon after its end, not at that of the recording.
    for update in updates:
        assert all(
            update.received - s.end < 8.0 for s in update.final_segments if s.emotion != NO_SPEECH
        )


@pytest.mark.parametrize("size", [1, 333, 160_000, 10**9])
def test_chunks_of_any_size_give_the_same(
    model: Model, samples: np.ndarray, updates: list[Update], size: int
) -> None:
    part = samples[: RATE * 3 if size == 1 else None]
    found = follow(model, part, size)
    for one, other in zip(found[:-1], updates, strict=False):
        assert one == other
    assert size == 1 or found == updates


def test_updates_come_in_the_interval_and_tell_of_the_moment_before(
    model: Model, samples: np.ndarray, updates: list[Update]
) -> None:
    assert [u.received for u in updates[:4]] == [0.5, 1.0, 1.5, 2.0]
    assert all(u.received - u.time <= 1.0 for u in updates)
    assert updates[-1].received == updates[-1].time == pytest.approx(len(samples) / RATE)
    for update in updates:
        if update.emotion == NO_SPEECH:
            assert update.probabilities == {}
        else:
            assert sum(update.probabilities.values()) == pytest.approx(1.0, abs=1e-6)
            assert update.confidence == max(update.probabilities.values())
            assert update.probabilities[update.emotion] == update.confidence
    assert {u.emotion for u in updates} == set(SAID)
    fine = follow(model, samples[: 5 * RATE], 999, interval=0.25, lookahead=0.5)
    assert [u.received for u in fine[:3]] == [0.25, 0.5, 0.75]
    assert fine[4].time == 0.75


def test_what_it_tells_now_is_what_its_segments_say_later(updates: list[Update]) -> None:
    found = segments(updates)
    agreed = []
    for update in updates[:-1]:
        (own,) = [s for s in found if s.start <= update.time < s.end] or [None]
        if own is not None and NO_SPEECH not in (own.emotion, update.emotion):
            agreed.append(own.emotion == update.emotion)
    assert len(agreed) > 80
    assert np.mean(agreed) > 0.95


def test_any_rate_any_type_and_channels(model: Model, samples: np.ndarray) -> None:
    part = samples[: RATE * 15]
    expected = segments(follow(model, part, RATE))
    assert emotions_of(expected) == SAID[:3]
    whole = (part * 32767).astype(np.int16)
    assert emotions_of(segments(follow(model, whole, RATE))) == SAID[:3]
    stereo = np.stack([part, part], axis=1)
    assert segments(follow(model, stereo, RATE)) == expected
    # Twice as fast: every second of it is half a second.
    slow = EmotionStream(model, 2 * RATE)
    updates = [*slow.push(np.repeat(part, 2), rate=2 * RATE), slow.close()]
    assert updates[-1].received == pytest.approx(15.0)
    ends = [s.end for s in segments(updates)]
    assert ends[-1] == pytest.approx(expected[-1].end, abs=0.2)


def test_what_cannot_be_right_is_refused_and_the_stream_goes_on(
    model: Model, samples: np.ndarray
) -> None:
    stream = EmotionStream(model, RATE)
    part = samples[: RATE * 4]
    updates = stream.push(part[:RATE])
    broken = part[:100].copy()
    broken[7] = np.nan
    with pytest.raises(AudioError, match=r"chunk at 1.00 s holds samples that are infinite or not"):
        stream.push(broken)
    with pytest.raises(AudioError, match=r"rate 8000 Hz, the stream 16000 Hz; begin a new stream"):
        stream.push(part[:100], rate=8000)
    with pytest.raises(AudioError, match=r"shape \(2, 2, 2\)"):
        stream.push(np.zeros((2, 2, 2)))
    with pytest.raises(AudioError, match="complex"):
        stream.push(np.zeros(5, complex))
    updates += [*stream.push(part[RATE:]), stream.close()]
    assert updates == follow(model, part, 7777)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"interval": 0.0}, "interval 0.0"),
        ({"lookahead": -1.0}, "lookahead -1.0"),
    ],
)
def test_settings_that_make_no_sense_are_named(
    model: Model, arguments: dict[str, float], message: str
) -> None:
    with pytest.raises(ToolkitError, match=message):
        EmotionStream(model, RATE, **arguments)
    with pytest.raises(AudioError, match="sampling rate is 0"):
        EmotionStream(model, 0)


def test_a_stream_of_nothing(model: Model) -> None:
    last = EmotionStream(model).close()
    assert (last.received, last.emotion, last.final_segments) == (0.0, NO_SPEECH, ())
    silence = follow(model, np.zeros(RATE * 10, np.float32), RATE)
    assert segments(silence) == [Segment(0.0, 10.0, NO_SPEECH, 1.0)]
    assert {u.emotion for u in silence} == {NO_SPEECH}


def held(stream: EmotionStream, block: np.ndarray, times: int) -> int:
    """Bytes that pushing the block so often leaves behind, once the buffers are there."""
    tracemalloc.start()
    for _ in range(3):
        stream.push(block)
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(times):
        stream.push(block)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return grown


def test_silence_leaves_nothing_behind(model: Model) -> None:
    stream = EmotionStream(model)
    block = np.zeros(RATE * 10, np.float32)
    stream.push(block)
    assert held(stream, block, 60) < 100_000


def test_speech_without_an_end_leaves_nothing_behind(
    model: Model, samples: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where segments say nothing, so that no path is ever stable."""
    monkeypatch.setattr(online_timeline, "MAX_PENDING_SECONDS", 4.0)
    monkeypatch.setattr(online_timeline, "HISTORY_SECONDS", 8.0)
    fusion = replace(model.bundle.fusion, weights=np.zeros(2))
    stream = EmotionStream(Model(replace(model.bundle, fusion=fusion)), interval=2.0)
    block = samples[: RATE * 4]
    for _ in range(6):
        stream.push(block)
    assert held(stream, block, 10) < 100_000


def test_an_update_says_it_in_json(updates: list[Update]) -> None:
    update = next(u for u in updates if u.final_segments)
    told = update.to_dict()
    assert told["heard"] == update.received
    assert [s["emotion"] for s in told["closed"]] == [s.emotion for s in update.final_segments]
    assert all(one["end"] <= other["start"] + 1e-6 for one, other in pairwise(told["closed"]))
