"""Explanations of the oracle, of which is known by design what moves its label."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from bilstm_hmm.features.errors import AudioError
from hypothesis import given
from hypothesis import strategies as st

from bilstm_hmm.inference.explanation import explain as module
from bilstm_hmm.inference.explanation.explain import clip_moments, explain_clip
from bilstm_hmm.inference.explanation.result import Effect
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.scoring import Features
from tests.conftest import Script
from tests.oracle import EMOTIONS, RATE, say, talk

#: The group that each emotion's band of the spectrum is in.
GROUPS = dict(
    zip(
        EMOTIONS,
        ("0-600 Hz", "600-1200 Hz", "1200-2200 Hz", "2200-4000 Hz", "4000-8000 Hz"),
        strict=True,
    )
)


def support_within(moments: tuple[Effect, ...], start: float, end: float) -> float:
    return sum(m.support for m in moments if start <= (m.start + m.end) / 2 < end)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_what_carries_the_label_is_what_moves_it(model: Model, emotion: str) -> None:
    (segment,) = model.explain(say(emotion), RATE).segments
    assert segment.emotion == emotion
    assert segment.runner_up != emotion
    assert segment.probability > segment.runner_up_probability
    support = {group.name: group.support for group in segment.groups}
    assert set(support) == {"level", *GROUPS.values()}
    (own, *others) = sorted(support, key=lambda name: -support[name])
    assert own == GROUPS[emotion]
    assert support[own] > 0.2
    assert max(support[name] for name in others) < support[own] / 2
    of_own = next(group for group in segment.groups if group.name == own)
    assert of_own.margin > 0.5
    assert sum(moment.support for moment in segment.moments) > 0.2


def test_the_moments_that_carry_the_label_are_shown(model: Model) -> None:
    # One utterance, most of which is happy.
    first, second = say("happy", take=1), say("sad")[: RATE // 2]
    (segment,) = model.explain(np.concatenate([first, second]), RATE).segments
    assert segment.emotion == "happy"
    border = len(first) / RATE
    happy = support_within(segment.moments, 0.0, border - 0.1)
    sad = support_within(segment.moments, border + 0.1, 9.0)
    assert happy > 0.2
    assert sad < 0.0


def test_moments_lie_side_by_side_and_cover_the_segment(model: Model, recording: Path) -> None:
    (segment,) = model.explain(recording).segments
    for parts in (segment.moments, segment.states, *(g.moments for g in segment.groups)):
        assert parts[0].start == segment.start
        assert parts[-1].end == pytest.approx(segment.end)
        assert all(a.end == b.start for a, b in pairwise(parts))
    assert {span.state for span in segment.states} <= {0, 1}
    assert max(segment.log_likelihoods, key=segment.log_likelihoods.__getitem__) == "sad"


def test_it_explains_what_is_predicted(model: Model, recording: Path) -> None:
    said, (segment,) = model.predict(recording), model.explain(recording).segments
    assert (segment.emotion, segment.probability) == (
        said.emotion,
        pytest.approx(said.confidence, abs=1e-4),
    )
    assert segment.runner_up == sorted(said.probabilities, key=said.probabilities.__getitem__)[-2]


def test_a_voice_that_is_known_counts(voice_model: Model, recording: Path) -> None:
    profile = voice_model.voice(recording)
    said = voice_model.predict(recording, voice=profile)
    (segment,) = voice_model.explain(recording, voice=profile).segments
    assert segment.probability == pytest.approx(said.confidence, abs=1e-4)


def test_each_speech_segment_is_explained_as_it_is_cut(model: Model) -> None:
    parts = ("happy", 1.0, "sad", 1.0, "angry", 1.0, "fearful", 1.0, "neutral")
    samples = talk(*parts)
    explanation = model.explain(samples, RATE)
    scores = model.score_speech(samples)
    assert len(scores) == len(explanation.segments) >= 5
    for segment, expected in zip(explanation.segments, scores, strict=True):
        assert segment.start == pytest.approx(expected.start)
        assert segment.end == pytest.approx(expected.end)
    assert [*dict.fromkeys(s.emotion for s in explanation.segments)] == list(parts[::2])


def test_of_silence_there_is_nothing_to_say(model: Model) -> None:
    explanation = model.explain(np.zeros(RATE, np.float32), RATE)
    assert explanation.segments == ()
    assert explanation.to_dict() == {"segments": []}


def test_what_is_too_long_is_refused(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SECONDS", 1)
    with pytest.raises(AudioError, match="array is longer than 1 seconds"):
        model.explain(np.zeros(4 * RATE, np.float32), RATE)


@given(st.integers(0, 3), st.integers(0, 10), st.integers(1, 10))
def test_what_has_the_mean_of_the_training_moves_nothing(
    model: Model, take: int, first: int, count: int
) -> None:
    clip = model.scorer.extract_features(say("angry", take=take))
    length = clip_moments(model.bundle, clip).length
    # Three moments are one of a group.
    blank = slice(3 * length * first, 3 * length * (first + count))
    frames = clip.frames.copy()
    frames[:, blank] = model.bundle.statistics.mean
    segment = explain_clip(model.scorer, replace(clip, frames=frames), None)
    assert all(m.support == m.margin == 0.0 for m in segment.moments[3 * first :][: 3 * count])
    for group in segment.groups:
        inside = group.moments[first:][:count]
        assert all(m.support == m.margin == 0.0 for m in inside)
    document = segment.to_dict()
    assert json.loads(json.dumps(document)) == document


def test_constant_frames_move_nothing(model: Model) -> None:
    mean = model.bundle.statistics.mean
    segment = explain_clip(model.scorer, Features(np.tile(mean, (1, 100, 1))), None)
    assert {(m.support, m.margin) for m in segment.moments} == {(0.0, 0.0)}
    assert {(group.support, group.margin) for group in segment.groups} == {(0.0, 0.0)}


def test_the_command_explains(script: Script, oracle: Path, recording: Path) -> None:
    arguments = ("--file", recording, "--model", oracle, "--format", "json")
    done = script("predict.py", *arguments, "--explain")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    (segment,) = document.pop("explanation")["segments"]
    assert segment["emotion"] == "sad"
    groups = {group["name"]: group["support"] for group in segment["groups"]}
    assert max(groups, key=groups.__getitem__) == GROUPS["sad"]
    assert set(segment["hmm"]) == {"log_likelihoods", "states"}
