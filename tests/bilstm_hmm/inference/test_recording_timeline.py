import itertools
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm.config.schema import TimelineSettings
from bilstm_hmm.hmm.bank import HmmBank, bank_from_models, score_frames
from bilstm_hmm.inference import recording_timeline as timeline_module
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.recording_timeline import (
    decode,
    recording_timeline,
    utterance_timelines,
)
from bilstm_hmm.inference.scoring import RecordingScores
from bilstm_hmm.prediction import NO_SPEECH, Segment
from bilstm_hmm.timeline.composite_hmm import build_composite
from bilstm_hmm.timeline.parameters import TimelineParameters
from bilstm_hmm.timeline.segments import SpeechInterval, merge_segments


def two_emotions() -> HmmBank:
    """Emotion 0 around -2, emotion 1 around +2, in two dimensions."""
    starts, transitions = [np.full(2, 0.5)] * 2, [np.array([[0.8, 0.2], [0.2, 0.8]])] * 2
    means = [np.array([[-2.0, 0.0], [-2.0, 1.0]]), np.array([[2.0, 0.0], [2.0, 1.0]])]
    return bank_from_models(starts, transitions, means, [np.tile(np.eye(2), (2, 1, 1))] * 2)


def find(
    sequence: np.ndarray, start: float = 0.0, weight: float = 0.1, **changes: float
) -> tuple[Segment, ...]:
    return segments(weight * score_frames(two_emotions(), [sequence])[0], start=start, **changes)


def segments(
    scores: np.ndarray,
    prior: tuple[float, float] = (0.5, 0.5),
    start: float = 0.0,
    inverse_temperature: float = 1.0,
    **changes: float,
) -> tuple[Segment, ...]:
    """The segments of a recording in one piece, at 25 frames a second."""
    rate = 25.0
    composite = build_composite(np.array(prior), rate, TimelineSettings(**changes))
    parts = list(decode(composite, scores, inverse_temperature))
    piece = SpeechInterval(start, start + len(scores) / rate, len(scores), rate)
    return merge_segments(
        [piece],
        np.concatenate([path for path, _ in parts]),
        np.concatenate([posteriors for _, posteriors in parts]),
        ("sad", "happy"),
        silence=1e9,
        duration=piece.end,
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
    found = find(sequence, start=0.25, expected_duration=1.0, min_duration=minimum, weight=1.0)
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
    for prior, expected in (((0.9, 0.1), "sad"), ((0.1, 0.9), "happy")):
        found = segments(0.1 * score_frames(bank, [np.zeros((40, 2))])[0], prior)
        assert [s.emotion for s in found] == [expected]


def test_a_recording_of_one_emotion_is_as_sure_as_its_label() -> None:
    """With hardly a switch expected, the timeline's posterior is prior times likelihood."""
    bank, prior = two_emotions(), (0.3, 0.7)
    sequence = np.random.default_rng(5).normal(size=(30, 2)) * 0.3
    scores = 0.1 * score_frames(bank, [sequence])[0]
    (found,) = segments(scores, prior, expected_duration=1e7)
    joint = np.array(prior) * np.exp(scores.sum(axis=0) - scores.sum(axis=0).max())
    best = int(joint.argmax())
    assert found.emotion == ("sad", "happy")[best]
    assert found.confidence == pytest.approx(joint[best] / joint.sum(), abs=1e-4)


def test_temperature_changes_confidences_and_no_segment() -> None:
    rng = np.random.default_rng(5)
    scores = rng.normal(size=(300, 2)) + np.repeat([[1.0, 0.0], [0.0, 1.0]], 150, axis=0)
    sure, calm = segments(scores), segments(scores, inverse_temperature=0.1)
    assert sure == segments(scores, inverse_temperature=1.0)
    assert [replace(s, confidence=0.0) for s in sure] == [replace(s, confidence=0.0) for s in calm]
    for one, other in zip(sure, calm, strict=True):
        assert 0.5 < other.confidence < one.confidence - 0.05
    # Without any, all that is left is chance.
    assert segments(scores, inverse_temperature=0.0)[0].confidence == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("part", [50, 64, 333])
def test_a_long_recording_is_decoded_in_parts(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same borders as in one piece, and the same confidence."""
    rng = np.random.default_rng(8)
    turns = np.repeat(rng.integers(0, 2, 20), rng.integers(20, 200, 20))
    sequence = rng.normal(size=(len(turns), 2)) + np.where(turns, 1.0, -1.0)[:, None]
    whole = find(sequence, expected_duration=1.0)
    assert len(whole) > 5
    monkeypatch.setattr(timeline_module, "CHUNK_FRAMES", part)
    monkeypatch.setattr(timeline_module, "CONTEXT_FRAMES", 250)
    parts = find(sequence, expected_duration=1.0)
    assert [(s.emotion, s.start, s.end) for s in parts] == [
        (s.emotion, s.start, s.end) for s in whole
    ]
    for one, other in zip(parts, whole, strict=True):
        assert one.confidence == pytest.approx(other.confidence, abs=1e-3)


@pytest.fixture(scope="module")
def bundle(model: Model) -> Bundle:
    """With a timeline that switches at once: its frames tell nearly all."""
    return replace(model.bundle, timeline=TimelineParameters(9.0, 0.0, 2.0, 0.1, 0.25, 1.0))


def utterance(bundle: Bundle, frames: int) -> RecordingScores:
    """Frames whose logits go from the first emotion to the last, whose HMMs say the second."""
    emotions = np.eye(len(bundle.classes), dtype=np.float32)
    half = np.arange(frames) < frames // 2
    logits = np.where(half[:, None], emotions[0], emotions[-1])
    by_hmms = np.tile(emotions[1], (frames, 1))
    return RecordingScores(np.zeros(len(emotions)), logits, by_hmms, 12.5, 0.5, 0.5 + frames / 12.5)


def test_an_utterance_has_the_timeline_of_its_label(bundle: Bundle) -> None:
    label = np.full(5, 0.02)
    label[1] = 0.92
    scores = utterance(bundle, bundle.recipe.window_frames // bundle.recipe.network.stride)
    (timeline,) = utterance_timelines(bundle, [scores], [label], [scores.end])
    (segment,), curves = timeline.segments, timeline.curves
    assert segment.emotion == bundle.classes[1]
    without = replace(bundle, timeline=None)
    (same,) = utterance_timelines(without, [scores], [label], [scores.end])
    assert same.segments == (segment,)
    # Its confidence is the label's probability, as ever, and the mean of its curve.
    assert segment.confidence == pytest.approx(0.92, abs=0.05)
    assert segment.confidence == pytest.approx(curves.probabilities[:, 1].mean(), abs=1e-6)
    np.testing.assert_allclose(curves.times, 0.54 + np.arange(len(scores.frame_logits)) / 12.5)


def test_utterances_together_have_the_timelines_of_each_alone(bundle: Bundle) -> None:
    utterances = [utterance(bundle, frames) for frames in (40, 7, 90, 1)]
    labels = list(np.random.default_rng(0).dirichlet(np.ones(5), 4))
    ends = [scores.end for scores in utterances]
    together = utterance_timelines(bundle, utterances, labels, ends)
    for one, scores, label, end in zip(together, utterances, labels, ends, strict=True):
        (alone,) = utterance_timelines(bundle, [scores], [label], [end])
        assert one.segments == alone.segments
        np.testing.assert_allclose(one.curves.probabilities, alone.curves.probabilities, atol=1e-6)
    assert utterance_timelines(bundle, [], [], []) == []


def test_segments_have_the_fitted_timeline(bundle: Bundle) -> None:
    scored = [segment_of(bundle, 0, 0.5, 30), segment_of(bundle, 3, 3.1, 40)]
    timeline = recording_timeline(bundle, scored, 6.5)
    found, curves = timeline.segments, timeline.curves
    assert [s.emotion for s in found] == [bundle.classes[0], bundle.classes[3]]
    assert found[0].start == 0.5
    # They meet half way in the pause, which is too short to be a segment.
    assert found[0].end == found[1].start == pytest.approx(3.0)
    assert found[1].end == pytest.approx(6.3)
    # Calibrated: surer than chance, and far from the certainty of so many frames.
    assert all(0.3 < segment.confidence < 0.999 for segment in found)
    assert curves.probabilities.shape == (70, 5)
    np.testing.assert_allclose(curves.probabilities.sum(axis=1), 1.0, atol=1e-5)
    assert (np.diff(curves.times) > 0).all()


def test_without_a_fit_the_hmms_alone_decide(bundle: Bundle) -> None:
    """Of a segment whose logits say the fourth emotion and whose HMMs say the second."""
    scored = [segment_of(bundle, 3, 0.0, 100)]
    for timeline, emotion in ((bundle.timeline, 3), (None, 1)):
        result = recording_timeline(replace(bundle, timeline=timeline), scored, 8.0)
        assert [s.emotion for s in result.segments] == [bundle.classes[emotion]]


def test_long_silence_is_no_speech(bundle: Bundle) -> None:
    scored = [segment_of(bundle, 0, 2.0, 25), segment_of(bundle, 0, 6.0, 25)]
    found = recording_timeline(bundle, scored, 9.0).segments
    assert [(s.emotion, s.start, s.end) for s in found] == [
        (NO_SPEECH, 0.0, 2.0),
        (bundle.classes[0], 2.0, 4.0),
        (NO_SPEECH, 4.0, 6.0),
        (bundle.classes[0], 6.0, 8.0),
    ]
    nothing = recording_timeline(bundle, [], 60.0)
    assert nothing.segments == (Segment(0.0, 60.0, NO_SPEECH, 1.0),)
    assert nothing.curves.probabilities.shape == (0, 5)


def test_what_is_set_comes_before_what_is_fitted(bundle: Bundle) -> None:
    timing = bundle.recipe.timeline.model_copy(update={"min_duration": 1e3})
    recipe = bundle.recipe.model_copy(update={"timeline": timing})
    scored = [segment_of(bundle, 0, 0.5, 30), segment_of(bundle, 3, 3.1, 40)]
    timeline = recording_timeline(replace(bundle, recipe=recipe), scored, 6.5)
    assert len(timeline.segments) == 1


def test_times_end_with_the_recording(bundle: Bundle) -> None:
    scores = utterance(bundle, 20)
    end = scores.end - 0.1
    (timeline,) = utterance_timelines(bundle, [scores], [np.eye(5)[1]], [end])
    assert timeline.segments[-1].end == end


def segment_of(bundle: Bundle, emotion: int, start: float, frames: int) -> RecordingScores:
    """Frames whose logits say one emotion, whose HMMs say the second."""
    logits, by_hmms = (np.eye(5, dtype=np.float32)[[e] * frames] for e in (emotion, 1))
    return RecordingScores(np.zeros(5), logits, by_hmms, 12.5, start, start + frames / 12.5)


_HOUR = """
import json
import numpy as np
from bilstm_hmm.config.schema import TimelineSettings
from bilstm_hmm.inference.recording_timeline import decode
from bilstm_hmm.timeline.composite_hmm import build_composite

rng = np.random.default_rng(0)
emotions, frames = 8, 90_000
truth = np.repeat(rng.integers(0, emotions, frames // 300), 300)
scores = 0.5 * np.eye(emotions)[truth] + rng.normal(0.0, 0.5, (frames, emotions))
composite = build_composite(np.full(emotions, 1 / emotions), 25.0, TimelineSettings())
path = np.concatenate([path for path, _ in decode(composite, scores)])
(peak,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({
    "mebibytes": int(peak.split()[1]) / 1024,
    "right": float((path == truth).mean()),
}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_an_hour_takes_little_memory() -> None:
    run = subprocess.run(
        [sys.executable, "-c", _HOUR], capture_output=True, text=True, check=True, timeout=300
    )
    assert run.stderr == ""
    measured = json.loads(run.stdout)
    assert measured["mebibytes"] < 400.0
    assert measured["right"] > 0.95
