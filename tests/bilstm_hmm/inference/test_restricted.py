"""Answers from some of the emotions alone: the others are left out before the softmax."""

from pathlib import Path

import numpy as np
import pytest

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference.model import Model, load
from tests.oracle import EMOTIONS, RATE, emotions_of, say, talk

SOME = ("angry", "happy", "neutral")


@pytest.fixture(scope="module")
def some(model: Model) -> Model:
    return model.restricted(SOME)


def test_the_classes_keep_the_models_order(model: Model, some: Model, oracle: Path) -> None:
    assert some.classes == ("neutral", "happy", "angry")
    assert load(oracle, emotions=SOME).classes == some.classes
    assert model.restricted(EMOTIONS).classes == model.classes == EMOTIONS
    assert some.restricted(["angry", "neutral"]).classes == ("neutral", "angry")
    # The model itself stays as it is, and both share one session.
    assert some.scorer.session is model.scorer.session


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_those_that_stay_keep_their_proportions(model: Model, some: Model, emotion: str) -> None:
    everything = model.predict(say(emotion), RATE).probabilities
    found = some.predict(say(emotion), RATE)
    total = sum(everything[name] for name in some.classes)
    assert list(found.probabilities) == list(some.classes)
    for name, probability in found.probabilities.items():
        assert probability == pytest.approx(everything[name] / total, abs=1e-3)
    assert found.emotion == max(found.probabilities, key=found.probabilities.get)
    assert {*emotions_of(found.segments)} <= {*some.classes, "no speech"}
    assert model.predict(say(emotion), RATE, emotions=SOME) == found


def test_what_is_left_of_two_restrictions_is_that_of_one(model: Model, some: Model) -> None:
    twice = some.restricted(["neutral", "angry"]).predict(say("sad"), RATE)
    once = model.restricted(["neutral", "angry"]).predict(say("sad"), RATE)
    assert twice == once


def test_the_timeline_knows_no_other_emotion(model: Model, some: Model) -> None:
    samples = talk("happy", 0.4, "sad", 0.4, "angry", 0.4, "fearful", 0.4, "neutral")
    found = some.predict(samples, RATE, curves=True)
    assert {*emotions_of(found.segments)} <= {*some.classes, "no speech"}
    assert found.curves.probabilities.shape[1] == 3
    np.testing.assert_allclose(found.curves.probabilities.sum(axis=1), 1.0, atol=1e-5)
    # What is clear in all emotions is clear in some.
    alone = [s.emotion for s in model.predict(samples, RATE).segments if s.emotion in SOME]
    assert {"happy", "angry", "neutral"} <= {*alone}
    assert {"happy", "angry", "neutral"} <= {*emotions_of(found.segments)}


@pytest.mark.parametrize(
    ("emotions", "said"),
    [
        (["happy", "bored"], r"has no emotion 'bored'; choose from neutral, happy, sad, angry, fe"),
        (
            ["happy", "happy"],
            r"^Name two emotions at least, of neutral, happy, sad, angry, fearful",
        ),
        ([], r"^Name two emotions at least"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(
    model: Model, oracle: Path, emotions: list[str], said: str
) -> None:
    with pytest.raises(ToolkitError, match=said):
        model.restricted(emotions)
    with pytest.raises(ToolkitError, match=said):
        load(oracle, emotions=emotions)
