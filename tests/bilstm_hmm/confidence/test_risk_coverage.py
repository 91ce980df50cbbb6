"""How sure a model has to be, by how often it was right."""

import numpy as np
import pytest

from bilstm_hmm.confidence.reliability import Reliability, confidence_threshold
from bilstm_hmm.confidence.risk_coverage import RiskCoverage, confidence_for, fit_risk_coverage
from bilstm_hmm.errors import ToolkitError


def calibrated(count: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of three emotions, and labels drawn from them."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet([0.5, 0.5, 0.5], count)
    draws = rng.random(count)
    labels = (draws[:, None] > probabilities.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    return probabilities, labels


def test_the_table_is_what_counting_gives() -> None:
    probabilities, labels = calibrated()
    table = fit_risk_coverage(probabilities, labels)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    for place in (0, 40, 62, 90):
        answered = confidence >= table.thresholds[place]
        assert table.coverage[place] == pytest.approx(answered.mean())
        assert table.accuracy[place] == pytest.approx(right[answered].mean())


@pytest.mark.parametrize("share", [0.7, 0.8, 0.9])
def test_what_is_asked_for_holds_on_other_clips(share: float) -> None:
    table = fit_risk_coverage(*calibrated(seed=1))
    threshold = confidence_for(table, share, "demo")
    probabilities, labels = calibrated(seed=2)
    answered = probabilities.max(axis=1) >= threshold
    right = probabilities.argmax(axis=1)[answered] == labels[answered]
    assert right.mean() > share - 0.03
    assert 0.1 < answered.mean() < 1.0


def test_it_holds_in_each_group() -> None:
    probabilities, labels = calibrated()
    # In one of two corpora the model is overconfident.
    rng = np.random.default_rng(3)
    groups = np.arange(len(labels)) % 2
    spoiled = np.where((groups == 1) & (rng.random(len(labels)) < 0.3), (labels + 1) % 3, labels)
    table = fit_risk_coverage(probabilities, spoiled, groups)
    worst = fit_risk_coverage(probabilities[groups == 1], spoiled[groups == 1])
    known = ~np.isnan(worst.accuracy)
    np.testing.assert_allclose(table.accuracy[known], worst.accuracy[known])
    assert table.coverage[50] == pytest.approx((probabilities.max(axis=1) >= 0.5).mean())


def test_the_threshold_is_the_least_from_which_on_the_share_is_reached() -> None:
    accuracy = np.array([0.5, 0.9, 0.6, 0.8, 0.9, np.nan])
    table = RiskCoverage(np.linspace(1.0, 0.0, 6), accuracy)
    assert confidence_for(table, 0.5, "demo") == 0.0
    assert confidence_for(table, 0.7, "demo") == pytest.approx(0.6)
    with pytest.raises(ToolkitError, match=r"demo is right in 90 %.*not in 95 %"):
        confidence_for(table, 0.95, "demo")


def test_what_cannot_be_had_is_said_in_a_sentence() -> None:
    nothing = Reliability()
    assert confidence_threshold(nothing, "demo", None, None) is None
    assert confidence_threshold(nothing, "demo", 0.4, None) == 0.4
    for abstain, at_least, words in (
        (0.5, 0.5, "give one of them"),
        (1.5, None, "abstain is given as 1.5"),
        (None, -1.0, "at_least is given as -1"),
        (None, 0.8, "demo has no record"),
    ):
        with pytest.raises(ToolkitError, match=words):
            confidence_threshold(nothing, "demo", abstain, at_least)


def test_a_bundle_s_arrays_give_it_back() -> None:
    known = Reliability(fit_risk_coverage(*calibrated()))
    again = Reliability.from_arrays(known.to_arrays())
    np.testing.assert_array_equal(again.risk_coverage.accuracy, known.risk_coverage.accuracy)
    assert Reliability.from_arrays({}) == Reliability()
