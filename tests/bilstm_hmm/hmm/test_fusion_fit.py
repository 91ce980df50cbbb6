import numpy as np
import pytest
import scipy.optimize
import scipy.special
import sklearn.linear_model
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm.hmm.fusion import SYSTEMS, fusion_features, probabilities
from bilstm_hmm.hmm.fusion_fit import fit_fusion, fit_fusion_weights

Data = tuple[np.ndarray, np.ndarray, np.ndarray]


def outputs(
    seed: int, n_clips: int = 300, n_classes: int = 4, heat: float = 6.0, cold: float = 0.05
) -> Data:
    """Clip logits that are too sure by `heat`, HMM scores by `cold`, and labels."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n_clips) % n_classes)
    truth = np.eye(n_classes)[labels]
    clip = heat * (1.5 * truth + rng.normal(size=(n_clips, n_classes)))
    hmm = cold * (1.0 * truth + rng.normal(size=(n_clips, n_classes))) - 40.0
    return clip, hmm, labels


def log_loss(found: np.ndarray, labels: np.ndarray) -> float:
    loss = sklearn.metrics.log_loss(labels, found, labels=np.arange(found.shape[1]))
    return float(loss)


def test_scales_are_the_inverse_temperatures_of_least_log_loss() -> None:
    clip, hmm, labels = outputs(0)
    decision = fit_fusion(clip, hmm, labels)
    for logits, scale in (
        (clip, decision.network_inverse_temperature),
        (hmm, decision.hmm_inverse_temperature),
    ):

        def loss(log_scale: np.ndarray, logits: np.ndarray = logits) -> float:
            return log_loss(scipy.special.softmax(np.exp(log_scale[0]) * logits, axis=1), labels)

        best = scipy.optimize.minimize(loss, [0.0], method="Nelder-Mead")
        assert np.log(scale) == pytest.approx(best.x[0], abs=1e-2)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("seed", [1, 2])
def test_calibration_improves_the_log_loss_of_unseen_clips(system: str, seed: int) -> None:
    decision = fit_fusion(*outputs(seed))
    clip, hmm, labels = outputs(seed + 100)
    found = log_loss(probabilities(decision, clip, hmm, system), labels)
    raw = {
        "bilstm": scipy.special.softmax(clip, axis=1),
        "hmm": scipy.special.softmax(hmm, axis=1),
        "hybrid": scipy.special.softmax(clip + hmm, axis=1),
    }[system]
    assert found < log_loss(raw, labels)
    assert found < np.log(4)


def test_the_hybrid_uses_both() -> None:
    decision = fit_fusion(*outputs(3))
    clip, hmm, labels = outputs(103)
    losses = {s: log_loss(probabilities(decision, clip, hmm, s), labels) for s in SYSTEMS}
    assert losses["hybrid"] < min(losses["bilstm"], losses["hmm"])


def test_the_weights_are_where_the_loss_is_least() -> None:
    clip, hmm, labels = outputs(4, n_clips=80, n_classes=3)
    inputs = fusion_features(clip, hmm, hmm.std())

    def loss(weights: np.ndarray) -> float:
        return log_loss(scipy.special.softmax(inputs @ weights, axis=1), labels)

    best = scipy.optimize.minimize(loss, np.zeros(2), method="SLSQP", options={"ftol": 1e-10})
    assert best.success
    assert (best.x > 0).all()
    assert loss(fit_fusion_weights(inputs, labels)) <= best.fun + 1e-6


def test_two_classes_are_logistic_regression_on_differences() -> None:
    clip, hmm, labels = outputs(5, n_classes=2)
    inputs = fusion_features(clip, hmm, hmm.std())
    oracle = sklearn.linear_model.LogisticRegression(C=np.inf, tol=1e-8, fit_intercept=False)
    oracle.fit(inputs[:, 1] - inputs[:, 0], labels)
    np.testing.assert_allclose(fit_fusion_weights(inputs, labels), oracle.coef_[0], rtol=1e-2)


def test_how_often_an_emotion_was_acted_does_not_speak_for_it() -> None:
    """Clips that nothing is known of are nobody's, however the training clips are dealt."""
    clip, hmm, labels = outputs(6)
    often = np.flatnonzero((labels == 0) | (np.arange(len(labels)) % 10 == 0))
    decision = fit_fusion(clip[often], hmm[often], labels[often])
    nothing = probabilities(decision, np.zeros(4), np.zeros(4), "hybrid")
    np.testing.assert_allclose(nothing, 0.25)


def test_worthless_scores_get_no_weight_rather_than_a_negative_one() -> None:
    clip, hmm, labels = outputs(8)
    decision = fit_fusion(clip, -hmm, labels)
    assert decision.weights[1] == pytest.approx(0.0, abs=1e-6)
    assert decision.weights[0] > 0.0


@given(seed=st.integers(0, 1000), n_classes=st.integers(2, 4), kind=st.integers(0, 2))
@settings(deadline=None, max_examples=6)
def test_odd_outputs_never_warn(seed: int, n_classes: int, kind: int) -> None:
    """Perfectly separated, all alike, or upside down: finite parameters, no warning."""
    clip, hmm, labels = outputs(seed, n_clips=40, n_classes=n_classes)
    if kind == 0:
        clip = 300.0 * np.eye(n_classes)[labels]
    elif kind == 1:
        clip, hmm = np.ones_like(clip), np.full_like(hmm, -3.0)
    else:
        clip = -clip
    decision = fit_fusion(clip, hmm, labels)
    assert all(np.isfinite(array).all() for array in decision.to_arrays().values())
    assert decision.network_inverse_temperature > 0.0
    assert decision.hmm_inverse_temperature > 0.0
    if kind == 0:
        found = probabilities(decision, clip, hmm, "hybrid")
        assert (found.argmax(axis=1) == labels).all()
