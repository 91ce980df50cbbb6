"""What is like the training clips and what is not."""

from dataclasses import replace

import numpy as np
import pytest

from bilstm_hmm.confidence.reliability import Reliability
from bilstm_hmm.confidence.typicality import (
    LIMIT_QUANTILE,
    Typicality,
    fit_typicality,
    novelty_warnings,
    relative_entropy,
    summarise,
)
from bilstm_hmm.inference.model import Model
from tests.oracle import EMOTIONS, RATE, oracle_bundle, say, talk


def clips(count: int, seed: int, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Sure probabilities of three emotions, and summaries of 20 features around a shift."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet([0.2, 0.2, 0.2], count)
    return probabilities, rng.normal(shift, 1.0, (count, 40))


def summary_of(model: Model, samples: np.ndarray) -> np.ndarray:
    """What `Typicality` goes by of a clip, as the model takes it."""
    scorer = model.scorer
    return summarise(scorer.normalise(scorer.extract_features(samples)).frames[0])


def novelties(known: Typicality, probabilities: np.ndarray, summaries: np.ndarray) -> np.ndarray:
    pairs = zip(probabilities, summaries, strict=True)
    return np.array([known.novelty(p[None], [s], [1]) for p, s in pairs])


def test_as_many_are_called_unlike_as_the_limit_says() -> None:
    known = fit_typicality(*clips(4000, 0))
    flagged = novelties(known, *clips(4000, 1)) >= 1.0
    assert flagged.mean() == pytest.approx(1.0 - LIMIT_QUANTILE, abs=0.01)


def test_other_features_and_no_idea_of_the_emotion_are_unlike_them() -> None:
    known = fit_typicality(*clips(2000, 0))
    probabilities, summaries = clips(200, 1)
    usual = novelties(known, probabilities, summaries)
    shifted = novelties(known, *clips(200, 1, shift=2.0))
    clueless = novelties(known, np.full_like(probabilities, 1 / 3), summaries)
    assert (shifted > usual).all()
    assert (shifted >= 1.0).mean() > 0.8
    assert (clueless >= usual).all()


def test_of_a_group_the_distance_is_that_to_the_others() -> None:
    probabilities, summaries = clips(600, 0)
    groups = np.arange(600) % 6
    # One voice is like no other: where it was a part of what is known it would be usual.
    summaries[groups == 0] += 8.0
    alone, pooled = (fit_typicality(probabilities, summaries, of) for of in (groups, None))
    assert alone.limits[1] > pooled.limits[1]


def test_segments_count_by_their_lengths() -> None:
    known = fit_typicality(*clips(500, 0))
    probabilities, summaries = clips(2, 1)
    one, other = novelties(known, probabilities, summaries)
    both = known.novelty(probabilities, list(summaries), [30, 10])
    assert both == pytest.approx(0.75 * one + 0.25 * other)


def test_a_summary_is_mean_and_deviation() -> None:
    frames = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    np.testing.assert_allclose(summarise(frames)[:3], frames.mean(axis=0))
    np.testing.assert_allclose(summarise(frames)[3:], frames.std(axis=0))
    assert relative_entropy(np.array([[0.25] * 4, [1.0, 0.0, 0.0, 0.0]])) == pytest.approx([1, 0])


def test_the_warning_comes_from_one_on() -> None:
    assert novelty_warnings(None) == novelty_warnings(0.99) == ()
    (warning,) = novelty_warnings(1.0)
    assert warning.startswith("unlike the training data:")


@pytest.fixture(scope="module")
def model() -> Model:
    """The oracle, which knows what its own clips are like."""
    plain = Model(oracle_bundle())
    own = [
        say(emotion, speaker, take)
        for emotion in EMOTIONS
        for speaker in range(6)
        for take in range(2)
    ]
    scores = [plain.score(samples) for samples in own]
    known = fit_typicality(
        np.stack([plain.probabilities_by_system(s)["hybrid"] for s in scores]),
        np.stack([summary_of(plain, samples) for samples in own]),
    )
    return Model(replace(plain.bundle, reliability=Reliability(typicality=known)))


def test_a_model_says_how_far_a_recording_lies_from_its_clips(model: Model) -> None:
    usual = model.predict(say("happy", 2, 5), RATE)
    assert usual.novelty < 1.0
    assert usual.warnings == ()
    assert usual.to_dict()["novelty"] == round(usual.novelty, 3)
    several = model.predict(talk(*["happy", 0.5, "sad", 0.5] * 5), RATE)
    assert len(several.segments) > 3
    assert several.novelty < 1.0
    hiss = np.random.default_rng(0).normal(0.0, 0.1, 2 * RATE).astype(np.float32)
    strange = model.predict(say("happy")[: 2 * RATE] + hiss[: len(say("happy"))], RATE)
    assert strange.novelty > 1.0
    assert any("unlike the training data" in warning for warning in strange.warnings)
    assert model.predict(np.zeros(RATE), RATE).novelty is None


def test_a_model_of_before_says_nothing_of_it() -> None:
    said = Model(oracle_bundle()).predict(say("happy"), RATE)
    assert said.novelty is None
    assert "novelty" not in said.to_dict()


def test_a_bundle_s_arrays_give_it_back() -> None:
    known = fit_typicality(*clips(500, 0))
    again = Reliability.from_arrays(Reliability(typicality=known).to_arrays()).typicality
    for name in ("summary_mean", "summary_std", "scales", "limits"):
        np.testing.assert_array_equal(getattr(again, name), getattr(known, name))
