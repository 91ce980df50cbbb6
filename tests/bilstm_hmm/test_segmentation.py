import itertools
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm import segmentation
from bilstm_hmm.config import TimelineSettings
from bilstm_hmm.hmm import HmmBank, bank_from_models, frame_scores
from bilstm_hmm.prediction import Segment
from bilstm_hmm.segmentation import segments


def two_emotions() -> HmmBank:
    """Emotion 0 around -2, emotion 1 around +2, in two dimensions."""
    starts, transitions = [np.full(2, 0.5)] * 2, [np.array([[0.8, 0.2], [0.2, 0.8]])] * 2
    means = [np.array([[-2.0, 0.0], [-2.0, 1.0]]), np.array([[2.0, 0.0], [2.0, 1.0]])]
    return bank_from_models(starts, transitions, means, [np.tile(np.eye(2), (2, 1, 1))] * 2)


def find(
    sequence: np.ndarray, start: float = 0.0, weight: float = 0.1, **changes: float
) -> tuple[Segment, ...]:
    rate = 25.0
    return segments(
        weight * frame_scores(two_emotions(), [sequence])[0],
        np.array([0.5, 0.5]),
        rate,
        start=start,
        end=start + len(sequence) / rate,
        classes=("sad", "happy"),
        settings=TimelineSettings(**changes),
    )


def test_two_glued_sequences_are_two_segments() -> None:
    rng = np.random.default_rng(3)
    sequence = rng.normal(size=(250, 2)) + np.repeat([[-2.0, 0.0], [2.0, 0.0]], [100, 150], axis=0)
    found = find(sequence, start=1.5)
    assert [s.emotion for s in found] == ["sad", "happy"]
    assert found[0].start == 1.5
    assert found[0].end == found[1].start
    assert found[0].end == pytest.approx(1.5 + 100 / 25.0, abs=0.12)
    assert found[1].end == pytest.approx(1.5 + 250 / 25.0)
    assert all(0.9 < s.confidence <= 1.0 for s in found)


@given(seed=st.integers(0, 100_000), frames=st.integers(1, 120), minimum=st.floats(0.04, 2.0))
@settings(deadline=None, max_examples=40)
def test_segments_cover_the_speech_without_gaps(seed: int, frames: int, minimum: float) -> None:
    rng = np.random.default_rng(seed)
    sequence = 3.0 * np.repeat(rng.normal(size=(-(-frames // 9), 2)), 9, axis=0)[:frames]
    found = find(sequence, start=0.25, dwell=1.0, minimum=minimum, weight=1.0)
    assert found[0].start == 0.25
    assert found[-1].end == 0.25 + frames / 25.0
    for left, right in itertools.pairwise(found):
        assert left.end == right.start
        assert left.emotion != right.emotion
        assert left.end - left.start >= minimum - 1e-9
    assert all(0.0 <= s.confidence <= 1.0 + 1e-9 for s in found)


def test_a_recording_shorter_than_the_minimum_is_one_segment() -> None:
    sequence = np.repeat([[-9.0, 0.0], [9.0, 0.0]], [6, 8], axis=0)
    assert len(find(sequence, weight=1.0)) == 1
    assert len(find(np.repeat(sequence, 4, axis=0), weight=1.0)) == 2


def test_the_prior_decides_where_the_frames_say_nothing() -> None:
    bank = two_emotions()
    for prior, expected in (([0.9, 0.1], "sad"), ([0.1, 0.9], "happy")):
        found = segments(
            0.1 * frame_scores(bank, [np.zeros((40, 2))])[0],
            np.array(prior),
            25.0,
            0.0,
            1.6,
            ("sad", "happy"),
            TimelineSettings(),
        )
        assert [s.emotion for s in found] == [expected]


def test_a_recording_of_one_emotion_is_as_sure_as_its_label() -> None:
    """With hardly a switch expected, the timeline's posterior is prior times evidence."""
    bank, prior = two_emotions(), np.array([0.3, 0.7])
    sequence = np.random.default_rng(5).normal(size=(30, 2)) * 0.3
    evidence = 0.1 * frame_scores(bank, [sequence])[0]
    (found,) = segments(
        evidence, prior, 25.0, 0.0, 1.2, ("sad", "happy"), TimelineSettings(dwell=1e7)
    )
    joint = prior * np.exp(evidence.sum(axis=0) - evidence.sum(axis=0).max())
    best = int(joint.argmax())
    assert found.emotion == ("sad", "happy")[best]
    assert found.confidence == pytest.approx(joint[best] / joint.sum(), abs=1e-4)


@pytest.mark.parametrize("part", [50, 64, 333])
def test_a_long_recording_is_decoded_in_parts(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same borders as in one piece, and the same confidence."""
    rng = np.random.default_rng(8)
    turns = np.repeat(rng.integers(0, 2, 20), rng.integers(20, 200, 20))
    sequence = rng.normal(size=(len(turns), 2)) + np.where(turns, 1.0, -1.0)[:, None]
    whole = find(sequence, dwell=1.0)
    assert len(whole) > 5
    monkeypatch.setattr(segmentation, "PART", part)
    monkeypatch.setattr(segmentation, "CONTEXT", 250)
    parts = find(sequence, dwell=1.0)
    assert [(s.emotion, s.start, s.end) for s in parts] == [
        (s.emotion, s.start, s.end) for s in whole
    ]
    for one, other in zip(parts, whole, strict=True):
        assert one.confidence == pytest.approx(other.confidence, abs=1e-3)


_HOUR = """
import json
import numpy as np
from bilstm_hmm.config import TimelineSettings
from bilstm_hmm.hmm import bank_from_models, frame_scores
from bilstm_hmm.segmentation import segments

rng = np.random.default_rng(0)
emotions, states, dimensions, frames = 8, 3, 7, 90_000
transition = np.full((states, states), 0.1) + 0.7 * np.eye(states)
bank = bank_from_models(
    [np.full(states, 1 / states)] * emotions,
    [transition] * emotions,
    [rng.normal(0, 2, (states, dimensions)) for _ in range(emotions)],
    [np.tile(np.eye(dimensions), (states, 1, 1))] * emotions,
)
truth = np.repeat(rng.integers(0, emotions, frames // 300), 300)
sequence = bank.means[truth, 0] + rng.normal(size=(frames, dimensions))
found = segments(
    0.1 * frame_scores(bank, [sequence])[0], np.full(emotions, 1 / emotions), 25.0, 0.0, 3600.0,
    tuple("abcdefgh"), TimelineSettings(),
)
(peak,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM"))
names = np.array(list("abcdefgh"))
said = np.concatenate([[s.emotion] * round(25 * (s.end - s.start)) for s in found])
print(json.dumps({
    "mebibytes": int(peak.split()[1]) / 1024,
    "right": float((said == names[truth]).mean()),
}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_an_hour_takes_little_memory() -> None:
    run = subprocess.run(
        [sys.executable, "-c", _HOUR], capture_output=True, text=True, check=True, timeout=300
    )
    assert run.stderr == ""
    told = json.loads(run.stdout)
    assert told["mebibytes"] < 400.0
    assert told["right"] > 0.95
