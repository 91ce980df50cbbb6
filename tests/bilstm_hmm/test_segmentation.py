import itertools
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm import segmentation
from bilstm_hmm.bundle import Bundle
from bilstm_hmm.config import TimelineSettings
from bilstm_hmm.evidence import Evidence
from bilstm_hmm.fitted_timeline import FittedTimeline
from bilstm_hmm.hmm import HmmBank, bank_from_models, frame_scores
from bilstm_hmm.prediction import Segment
from bilstm_hmm.runtime import Model
from bilstm_hmm.segmentation import longest_utterance, recording_segments, segments


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


def test_sureness_changes_confidences_and_no_segment() -> None:
    rng = np.random.default_rng(5)
    evidence = rng.normal(size=(300, 2)) + np.repeat([[1.0, 0.0], [0.0, 1.0]], 150, axis=0)
    prior, classes = np.array([0.5, 0.5]), ("sad", "happy")

    def found(**more: float) -> tuple[Segment, ...]:
        return segments(evidence, prior, 25.0, 0.0, 12.0, classes, TimelineSettings(), **more)

    sure, calm = found(), found(sureness=0.1)
    assert sure == found(sureness=1.0)
    assert [replace(s, confidence=0.0) for s in sure] == [replace(s, confidence=0.0) for s in calm]
    for one, other in zip(sure, calm, strict=True):
        assert 0.5 < other.confidence < one.confidence - 0.05
    # Without any, all that is left is chance.
    assert found(sureness=0.0)[0].confidence == pytest.approx(0.5, abs=0.01)


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


@pytest.fixture(scope="module")
def bundle(model: Model) -> Bundle:
    """With a timeline that switches at once: its frames tell nearly all."""
    return replace(model.bundle, timeline=FittedTimeline(9.0, 0.0, 2.0, 0.1, 0.25, 1.0))


def evidence_of(bundle: Bundle, frames: int) -> Evidence:
    """Frames whose logits go from the first emotion to the last, whose HMMs say the second."""
    emotions = np.eye(len(bundle.classes), dtype=np.float32)
    half = np.arange(frames) < frames // 2
    logits = np.where(half[:, None], emotions[0], emotions[-1])
    told = np.tile(emotions[1], (frames, 1))
    return Evidence(np.zeros(len(emotions)), logits, told, 12.5, 0.5, 0.5 + frames / 12.5)


def test_an_utterance_has_the_timeline_of_its_label(bundle: Bundle) -> None:
    shares = np.full(5, 0.02)
    shares[1] = 0.92
    frames = longest_utterance(bundle.recipe)
    found = recording_segments(bundle, evidence_of(bundle, frames), shares, 99.0)
    assert [s.emotion for s in found] == [bundle.classes[1]]
    without = replace(bundle, timeline=None)
    assert recording_segments(without, evidence_of(bundle, frames), shares, 99.0) == found
    # Its confidence is the label's share, as ever.
    assert found[0].confidence == pytest.approx(0.92, abs=0.05)


def test_a_longer_recording_has_the_fitted_timeline(bundle: Bundle) -> None:
    """Whatever its label: the prior is even."""
    frames = longest_utterance(bundle.recipe) + 1
    evidence = evidence_of(bundle, frames)
    for label in range(5):
        shares = np.full(5, 0.02)
        shares[label] = 0.92
        found = recording_segments(bundle, evidence, shares, 99.0)
        assert [s.emotion for s in found] == [bundle.classes[0], bundle.classes[-1]]
        assert found[0].start == 0.5
        assert found[0].end == found[1].start == 0.5 + (frames // 2) / 12.5
        assert found[1].end == evidence.end
        # Calibrated: surer than chance, and far from the certainty of so many frames.
        assert all(0.3 < segment.confidence < 0.999 for segment in found)
    # Without a fit it is as it was: the HMMs' own evidence and the label.
    old = recording_segments(replace(bundle, timeline=None), evidence, shares, 99.0)
    assert [s.emotion for s in old] != [s.emotion for s in found]


def test_what_is_set_comes_before_what_is_fitted(bundle: Bundle) -> None:
    timing = bundle.recipe.timeline.model_copy(update={"minimum": 1e3})
    recipe = bundle.recipe.model_copy(update={"timeline": timing})
    evidence = evidence_of(bundle, longest_utterance(recipe) + 50)
    found = recording_segments(replace(bundle, recipe=recipe), evidence, np.full(5, 0.2), 99.0)
    assert len(found) == 1


def test_times_end_with_the_recording(bundle: Bundle) -> None:
    evidence = evidence_of(bundle, 20)
    (found,) = recording_segments(bundle, evidence, np.eye(5)[1], evidence.end - 0.1)
    assert found.end == evidence.end - 0.1


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
