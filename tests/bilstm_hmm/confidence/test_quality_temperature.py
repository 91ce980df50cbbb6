"""Confidence falls with the quality of a recording, and the label stays."""

from dataclasses import replace

import numpy as np
import pytest
from bilstm_hmm.features.quality.measures import AudioQuality
from hypothesis import given
from hypothesis import strategies as st

from bilstm_hmm.confidence.quality_temperature import (
    FEATURES,
    QualityTemperature,
    fit_quality_temperature,
    quality_features,
    temper,
)
from bilstm_hmm.confidence.reliability import Reliability
from bilstm_hmm.inference.model import Model
from bilstm_hmm.numerics import log_loss, log_softmax
from tests.oracle import RATE, oracle_bundle, say, talk

CLEAN = AudioQuality(50.0, 5.0, -20.0, 350.0, 8.0, 0.0)
NOISY = replace(CLEAN, snr=5.0)
TELEPHONE = replace(CLEAN, band_edge=45.0, high_level=-60.0)
ROOM = replace(CLEAN, decay=140.0)
CLIPPED = replace(CLEAN, clipped=0.3)
UNKNOWN = AudioQuality(None, None, None, None, None, 0.0)


def test_of_a_clean_recording_nothing_is_wrong() -> None:
    for quality in (CLEAN, UNKNOWN):
        np.testing.assert_array_equal(quality_features(quality), np.zeros(len(FEATURES)))
        assert QualityTemperature(np.ones(len(FEATURES))).temperature(quality) == 1.0


@pytest.mark.parametrize("place", range(len(FEATURES)))
def test_each_fault_is_one_feature(place: int) -> None:
    spoiled = (NOISY, TELEPHONE, ROOM, CLIPPED)[place]
    assert [n for n, value in enumerate(quality_features(spoiled)) if value > 0] == [place]


@given(st.lists(st.floats(1e-6, 1.0), min_size=2, max_size=7, unique=True), st.floats(1.0, 20.0))
def test_a_temperature_keeps_the_order(weights: list[float], temperature: float) -> None:
    probabilities = np.array(weights) / sum(weights)
    tempered = temper(probabilities, temperature)
    assert tempered.sum() == pytest.approx(1.0)
    assert tempered.argmax() == probabilities.argmax()
    assert tempered.max() <= probabilities.max() + 1e-12


def test_the_fit_finds_what_is_overconfident_and_leaves_the_rest() -> None:
    rng = np.random.default_rng(0)
    logits = 3.0 * rng.normal(size=(6000, 4))
    qualities = [(CLEAN, NOISY, TELEPHONE)[n % 3] for n in range(len(logits))]
    # In noise the truth is as if the logits were half as large; on the telephone all is well.
    scale = np.array([1.0, 0.5, 1.0] * 2000)[:, None]
    shares = np.exp(log_softmax(logits * scale))
    labels = (rng.random(len(logits))[:, None] > shares.cumsum(axis=1)).sum(axis=1).clip(0, 3)
    fitted = fit_quality_temperature(logits, labels, qualities)
    assert fitted.temperature(NOISY) == pytest.approx(2.0, rel=0.2)
    assert fitted.temperature(TELEPHONE) == pytest.approx(1.0, abs=0.1)
    noisy = np.arange(1, len(logits), 3)
    plain = np.exp(log_softmax(logits[noisy]))
    assert log_loss(temper(plain, fitted.temperature(NOISY)), labels[noisy]) < log_loss(
        plain, labels[noisy]
    )
    again = Reliability.from_arrays(Reliability(temperature=fitted).to_arrays()).temperature
    np.testing.assert_array_equal(again.weights, fitted.weights)


@pytest.fixture(scope="module")
def models() -> tuple[Model, Model]:
    """One without, and one with a temperature for noise."""
    bundle = oracle_bundle()
    cautious = Reliability(temperature=QualityTemperature(np.array([1.0, 0.0, 0.0, 0.0])))
    return Model(bundle), Model(replace(bundle, reliability=cautious))


@pytest.mark.parametrize("parts", [("happy",), ("happy", 0.5, "sad", 0.6, "happy", "angry") * 3])
def test_noise_makes_an_answer_less_sure_and_changes_nothing_else(
    models: tuple[Model, Model], parts: tuple[str | float, ...]
) -> None:
    clean = talk(*parts)
    noise = np.random.default_rng(1).normal(0.0, 0.05, len(clean))
    plain, cautious = (model.predict((clean + noise).astype(np.float32), RATE) for model in models)
    assert cautious.emotion == plain.emotion
    assert cautious.confidence < plain.confidence
    assert sum(cautious.probabilities.values()) == pytest.approx(1.0)
    boundaries = [[(s.start, s.end, s.emotion) for s in p.segments] for p in (plain, cautious)]
    assert boundaries[0] == boundaries[1]


def test_of_clean_speech_nothing_changes(models: tuple[Model, Model]) -> None:
    plain, cautious = (model.predict(say("angry"), RATE) for model in models)
    assert cautious.probabilities == pytest.approx(plain.probabilities)
