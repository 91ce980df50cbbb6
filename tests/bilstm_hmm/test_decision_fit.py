import numpy as np
import pytest
import scipy.optimize
import scipy.special
import sklearn.linear_model
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm.decision import SYSTEMS, hybrid_inputs, probabilities
from bilstm_hmm.decision_fit import PENALTIES, fit_decision, fit_layer

Data = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def outputs(
    seed: int, n_clips: int = 300, n_classes: int = 4, heat: float = 6.0, cold: float = 0.05
) -> Data:
    """Clip logits that are too sure by `heat`, HMM scores by `cold`, labels and inner folds."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n_clips) % n_classes)
    truth = np.eye(n_classes)[labels]
    clip = heat * (1.5 * truth + rng.normal(size=(n_clips, n_classes)))
    hmm = cold * (1.0 * truth + rng.normal(size=(n_clips, n_classes))) - 40.0
    return clip, hmm, labels, np.arange(n_clips) % 5


def log_loss(found: np.ndarray, labels: np.ndarray) -> float:
    loss = sklearn.metrics.log_loss(labels, found, labels=np.arange(found.shape[1]))
    return float(loss)


def test_scales_are_the_inverse_temperatures_of_least_log_loss() -> None:
    clip, hmm, labels, folds = outputs(0)
    decision = fit_decision(clip, hmm, labels, folds)
    for logits, scale in ((clip, decision.clip_scale), (hmm, decision.hmm_scale)):

        def loss(log_scale: np.ndarray, logits: np.ndarray = logits) -> float:
            return log_loss(scipy.special.softmax(np.exp(log_scale[0]) * logits, axis=1), labels)

        best = scipy.optimize.minimize(loss, [0.0], method="Nelder-Mead")
        assert np.log(scale) == pytest.approx(best.x[0], abs=1e-2)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("seed", [1, 2])
def test_calibration_improves_the_log_loss_of_unseen_clips(system: str, seed: int) -> None:
    decision = fit_decision(*outputs(seed))
    clip, hmm, labels, _ = outputs(seed + 100)
    found = log_loss(probabilities(decision, clip, hmm, system), labels)
    raw = {
        "bilstm": scipy.special.softmax(clip, axis=1),
        "hmm": scipy.special.softmax(hmm, axis=1),
        "hybrid": scipy.special.softmax(clip + hmm, axis=1),
    }[system]
    assert found < log_loss(raw, labels)
    assert found < np.log(4)


def test_the_hybrid_uses_both() -> None:
    decision = fit_decision(*outputs(3))
    clip, hmm, labels, _ = outputs(103)
    losses = {s: log_loss(probabilities(decision, clip, hmm, s), labels) for s in SYSTEMS}
    assert losses["hybrid"] < min(losses["bilstm"], losses["hmm"])


@pytest.mark.parametrize("penalty", [0.001, 0.1, 100.0])
def test_the_hybrid_layer_is_where_its_loss_is_least(penalty: float) -> None:
    clip, hmm, labels, _ = outputs(4, n_clips=80, n_classes=3)
    inputs = hybrid_inputs(clip, hmm, hmm.std())

    def loss(parameters: np.ndarray) -> float:
        shares = scipy.special.softmax(inputs @ parameters[:2] + parameters[2:], axis=1)
        return log_loss(shares, labels) + penalty * float(parameters[2:] @ parameters[2:])

    weights, bias = fit_layer(inputs, labels, penalty)
    best = scipy.optimize.minimize(
        loss,
        np.zeros(5),
        method="SLSQP",
        bounds=[(0, None)] * 2 + [(None, None)] * 3,
        options={"ftol": 1e-10},
    )
    assert best.success
    assert loss(np.concatenate([weights, bias])) <= best.fun + 1e-6


def test_two_classes_are_logistic_regression_on_differences() -> None:
    clip, hmm, labels, _ = outputs(5, n_classes=2)
    inputs = hybrid_inputs(clip, hmm, hmm.std())
    weights, bias = fit_layer(inputs, labels, 1e-9)
    oracle = sklearn.linear_model.LogisticRegression(C=np.inf, tol=1e-8)
    oracle.fit(inputs[:, 1] - inputs[:, 0], labels)
    np.testing.assert_allclose(weights, oracle.coef_[0], rtol=1e-2)
    assert bias[1] - bias[0] == pytest.approx(oracle.intercept_[0], abs=1e-2)


def test_the_penalty_is_the_best_on_folds_left_out() -> None:
    clip, hmm, labels, folds = outputs(6, n_clips=60)
    decision = fit_decision(clip, hmm, labels, folds)
    inputs = hybrid_inputs(clip, hmm, decision.hmm_spread)
    losses = {}
    for penalty in PENALTIES:
        held_out = np.zeros_like(clip)
        for fold in np.unique(folds):
            inside = folds == fold
            weights, bias = fit_layer(inputs[~inside], labels[~inside], penalty)
            held_out[inside] = scipy.special.softmax(inputs[inside] @ weights + bias, axis=1)
        losses[penalty] = log_loss(held_out, labels)
    weights, bias = fit_layer(inputs, labels, min(losses, key=lambda c: losses[c]))
    np.testing.assert_allclose(decision.weights, weights)
    np.testing.assert_allclose(decision.bias, bias)


def test_worthless_scores_get_no_weight_rather_than_a_negative_one() -> None:
    clip, hmm, labels, folds = outputs(8)
    decision = fit_decision(clip, -hmm, labels, folds)
    assert decision.weights[1] == pytest.approx(0.0, abs=1e-6)
    assert decision.weights[0] > 0.0


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_a_class_that_a_fold_has_alone(n_classes: int) -> None:
    """Leaving that fold out leaves no clip of the class: with two classes, a single class."""
    clip, hmm, labels, _ = outputs(6, n_classes=n_classes)
    folds = np.where(labels == 1, 0, 1 + np.arange(len(labels)) % 3)
    decision = fit_decision(clip, hmm, labels, folds)
    found = probabilities(decision, clip, hmm, "hybrid")
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


def test_a_single_fold() -> None:
    clip, hmm, labels, _ = outputs(7)
    decision = fit_decision(clip, hmm, labels, np.zeros(len(labels), np.intp))
    assert (probabilities(decision, clip, hmm, "hybrid").argmax(axis=1) == labels).mean() > 0.5


@given(seed=st.integers(0, 1000), n_classes=st.integers(2, 4), kind=st.integers(0, 2))
@settings(deadline=None, max_examples=6)
def test_odd_outputs_never_warn(seed: int, n_classes: int, kind: int) -> None:
    """Perfectly separated, all alike, or upside down: finite parameters, no warning."""
    clip, hmm, labels, folds = outputs(seed, n_clips=40, n_classes=n_classes)
    if kind == 0:
        clip = 300.0 * np.eye(n_classes)[labels]
    elif kind == 1:
        clip, hmm = np.ones_like(clip), np.full_like(hmm, -3.0)
    else:
        clip = -clip
    decision = fit_decision(clip, hmm, labels, folds)
    assert all(np.isfinite(array).all() for array in decision.to_arrays().values())
    assert decision.clip_scale > 0.0
    assert decision.hmm_scale > 0.0
    if kind == 0:
        found = probabilities(decision, clip, hmm, "hybrid")
        assert (found.argmax(axis=1) == labels).all()
