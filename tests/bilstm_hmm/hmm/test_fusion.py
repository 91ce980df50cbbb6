from dataclasses import replace

import numpy as np
import pytest
import scipy.optimize
import scipy.special
import sklearn.linear_model
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm.config.back_end_settings import System
from bilstm_hmm.hmm.fusion import (
    SYSTEMS,
    ScoreFusion,
    fit_fusion,
    fit_fusion_weights,
    fusion_features,
    predict_proba,
    temper_fusion,
)

Data = tuple[np.ndarray, np.ndarray, np.ndarray]


def random_fusion(rng: np.random.Generator) -> ScoreFusion:
    return ScoreFusion(
        network_inverse_temperature=np.array(rng.uniform(0.1, 3.0)),
        hmm_inverse_temperature=np.array(rng.uniform(0.1, 3.0)),
        hmm_score_std=np.array(rng.uniform(0.1, 3.0)),
        weights=rng.uniform(0.1, 3.0, 2),
    )


@pytest.mark.parametrize("system", SYSTEMS)
@given(
    seed=st.integers(0, 10_000),
    n_classes=st.integers(2, 9),
    size=st.sampled_from([0.0, 1e-6, 1.0, 1e4]),
)
@settings(deadline=None, max_examples=40)
def test_probabilities_sum_to_one(system: str, seed: int, n_classes: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    clip, hmm = size * rng.normal(size=(2, 6, n_classes))
    found = predict_proba(random_fusion(rng), clip, hmm, system)
    assert found.shape == (6, n_classes)
    assert found.min() >= 0.0
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_all_emotions_have_in_common_does_not_matter(system: str) -> None:
    rng = np.random.default_rng(0)
    fusion, (clip, hmm) = random_fusion(rng), rng.normal(size=(2, 5, 4))
    shift = rng.normal(0.0, 30.0, (5, 1))
    np.testing.assert_allclose(
        predict_proba(fusion, clip + shift, hmm - 2 * shift, system),
        predict_proba(fusion, clip, hmm, system),
        rtol=1e-9,
    )


def test_each_system_reads_what_it_is_named_after() -> None:
    rng = np.random.default_rng(1)
    fusion, (clip, hmm) = random_fusion(rng), rng.normal(size=(2, 3))
    other = rng.normal(size=3)
    for system, reads_clip, reads_hmm in (
        ("bilstm", True, False),
        ("hmm", False, True),
        ("hybrid", True, True),
    ):
        before = predict_proba(fusion, clip, hmm, system)
        assert before.shape == (3,)
        assert np.allclose(predict_proba(fusion, other, hmm, system), before) != reads_clip
        assert np.allclose(predict_proba(fusion, clip, other, system), before) != reads_hmm


def test_a_scale_never_changes_the_label() -> None:
    rng = np.random.default_rng(2)
    fusion, (clip, hmm) = random_fusion(rng), rng.normal(size=(2, 50, 5))
    for system, scores in (("bilstm", clip), ("hmm", hmm)):
        said = predict_proba(fusion, clip, hmm, system).argmax(axis=1)
        np.testing.assert_array_equal(said, scores.argmax(axis=1))


def test_features_are_centered_and_of_one_unit() -> None:
    rng = np.random.default_rng(3)
    clip, hmm = rng.normal(5.0, 2.0, (2, 40, 3))
    std = (hmm - hmm.mean(axis=1, keepdims=True)).std()
    found = fusion_features(clip, hmm, std)
    assert found.shape == (40, 3, 2)
    np.testing.assert_allclose(found.sum(axis=1), 0.0, atol=1e-12)
    assert found[..., 1].std() == pytest.approx(1.0)
    np.testing.assert_allclose(np.diff(found[..., 0]), np.diff(clip))


def test_scores_in_single_precision_are_fused_in_double() -> None:
    rng = np.random.default_rng(9)
    fusion, scores = random_fusion(rng), rng.normal(size=(2, 7, 4)).astype(np.float32)
    # An inverse temperature that single precision can hold would keep it.
    fusion = replace(
        fusion,
        network_inverse_temperature=np.float32(1.5),
        hmm_inverse_temperature=np.float32(0.5),
    )
    for system in SYSTEMS:
        found = predict_proba(fusion, *scores, system)
        assert found.dtype == np.float64
        np.testing.assert_array_equal(
            found, predict_proba(fusion, *scores.astype(np.float64), system)
        )


def test_the_unit_of_hmm_scores_is_their_own_deviation() -> None:
    clip, hmm, labels = outputs(7)
    centered = hmm - hmm.mean(axis=1, keepdims=True)
    assert fit_fusion(clip, hmm, labels).hmm_score_std == pytest.approx(centered.std())
    assert fit_fusion(clip, np.zeros_like(hmm), labels).hmm_score_std == 1e-6


def test_the_emotions_may_be_in_any_order() -> None:
    rng = np.random.default_rng(5)
    fusion, (clip, hmm) = random_fusion(rng), rng.normal(size=(2, 7, 4))
    order = rng.permutation(4)
    found = predict_proba(fusion, clip[:, order], hmm[:, order], "hybrid")
    expected = predict_proba(fusion, clip, hmm, "hybrid")[:, order]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_fusion_comes_back_from_its_arrays() -> None:
    fusion = random_fusion(np.random.default_rng(4))
    arrays = fusion.to_arrays()
    # The keys of the files that are out there.
    assert {key: array.tolist() for key, array in arrays.items()} == {
        "clip_scale": fusion.network_inverse_temperature.tolist(),
        "hmm_scale": fusion.hmm_inverse_temperature.tolist(),
        "hmm_spread": fusion.hmm_score_std.tolist(),
        "weights": fusion.weights.tolist(),
    }
    again = ScoreFusion.from_arrays(
        {key: array.astype(np.float32) for key, array in arrays.items()}
    )
    for key, array in again.to_arrays().items():
        assert array.dtype == np.float64
        np.testing.assert_array_equal(array, arrays[key].astype(np.float32))
    with pytest.raises(KeyError):
        ScoreFusion.from_arrays({"weights": fusion.weights})


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
    fusion = fit_fusion(clip, hmm, labels)
    for logits, scale in (
        (clip, fusion.network_inverse_temperature),
        (hmm, fusion.hmm_inverse_temperature),
    ):

        def loss(log_scale: np.ndarray, logits: np.ndarray = logits) -> float:
            return log_loss(scipy.special.softmax(np.exp(log_scale[0]) * logits, axis=1), labels)

        best = scipy.optimize.minimize(loss, [0.0], method="Nelder-Mead")
        assert np.log(scale) == pytest.approx(best.x[0], abs=1e-2)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("seed", [1, 2])
def test_calibration_improves_the_log_loss_of_unseen_clips(system: str, seed: int) -> None:
    fusion = fit_fusion(*outputs(seed))
    clip, hmm, labels = outputs(seed + 100)
    found = log_loss(predict_proba(fusion, clip, hmm, system), labels)
    raw = {
        "bilstm": scipy.special.softmax(clip, axis=1),
        "hmm": scipy.special.softmax(hmm, axis=1),
        "hybrid": scipy.special.softmax(clip + hmm, axis=1),
    }[system]
    assert found < log_loss(raw, labels)
    assert found < np.log(4)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_tempered_fusion_takes_the_root_of_each_probability(system: System) -> None:
    clip, hmm, labels = outputs(0)
    fusion = fit_fusion(clip, hmm, labels)
    before = predict_proba(fusion, clip, hmm, system)
    after = predict_proba(temper_fusion(fusion, 1.5), clip, hmm, system)
    expected = before ** (1 / 1.5)
    np.testing.assert_allclose(after, expected / expected.sum(axis=1, keepdims=True))
    np.testing.assert_array_equal(after.argmax(axis=1), before.argmax(axis=1))


def test_the_hybrid_uses_both() -> None:
    fusion = fit_fusion(*outputs(3))
    clip, hmm, labels = outputs(103)
    losses = {s: log_loss(predict_proba(fusion, clip, hmm, s), labels) for s in SYSTEMS}
    assert losses["hybrid"] < min(losses["bilstm"], losses["hmm"])


def test_the_weights_are_where_the_loss_is_least() -> None:
    clip, hmm, labels = outputs(4, n_clips=80, n_classes=3)
    features = fusion_features(clip, hmm, hmm.std())

    def loss(weights: np.ndarray) -> float:
        return log_loss(scipy.special.softmax(features @ weights, axis=1), labels)

    best = scipy.optimize.minimize(loss, np.zeros(2), method="SLSQP", options={"ftol": 1e-10})
    assert best.success
    assert (best.x > 0).all()
    assert loss(fit_fusion_weights(features, labels)) <= best.fun + 1e-6


def test_two_classes_are_logistic_regression_on_differences() -> None:
    clip, hmm, labels = outputs(5, n_classes=2)
    features = fusion_features(clip, hmm, hmm.std())
    oracle = sklearn.linear_model.LogisticRegression(C=np.inf, tol=1e-8, fit_intercept=False)
    oracle.fit(features[:, 1] - features[:, 0], labels)
    np.testing.assert_allclose(fit_fusion_weights(features, labels), oracle.coef_[0], rtol=1e-2)


def test_how_often_an_emotion_was_acted_does_not_speak_for_it() -> None:
    """Clips that nothing is known of are nobody's, however the training clips are dealt."""
    clip, hmm, labels = outputs(6)
    often = np.flatnonzero((labels == 0) | (np.arange(len(labels)) % 10 == 0))
    fusion = fit_fusion(clip[often], hmm[often], labels[often])
    nothing = predict_proba(fusion, np.zeros(4), np.zeros(4), "hybrid")
    np.testing.assert_allclose(nothing, 0.25)


def test_worthless_scores_get_no_weight_rather_than_a_negative_one() -> None:
    clip, hmm, labels = outputs(8)
    fusion = fit_fusion(clip, -hmm, labels)
    assert fusion.weights[1] == pytest.approx(0.0, abs=1e-6)
    assert fusion.weights[0] > 0.0


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
    fusion = fit_fusion(clip, hmm, labels)
    assert all(np.isfinite(array).all() for array in fusion.to_arrays().values())
    assert fusion.network_inverse_temperature > 0.0
    assert fusion.hmm_inverse_temperature > 0.0
    if kind == 0:
        found = predict_proba(fusion, clip, hmm, "hybrid")
        assert (found.argmax(axis=1) == labels).all()
