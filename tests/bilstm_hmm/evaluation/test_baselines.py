"""The simple systems that the others are compared with."""

from collections.abc import Callable

import numpy as np
import pytest
from hmmlearn.hmm import GaussianHMM
from scipy.special import log_softmax
from scipy.special import softmax as scipy_softmax

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.evaluation.baselines import (
    FeatureHmms,
    feature_hmm_probabilities,
    fit_feature_hmms,
    posterior_mean,
)

MakeRecipe = Callable[..., Recipe]
CLASSES = ("happy", "sad", "angry")


def made_frames(n: int, seed: int = 0, apart: float = 0.6) -> tuple[list[np.ndarray], np.ndarray]:
    """Clips of 20 to 60 frames with 3 features, whose mean depends on the class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    frames = [
        (rng.normal(size=(rng.integers(20, 60), 3)) + apart * np.eye(3)[label]).astype(np.float32)
        for label in labels
    ]
    return frames, labels


@pytest.fixture(scope="module")
def recipe(quick_recipe: MakeRecipe) -> Recipe:
    # 8000 / 80 frames a second: every fourth is kept.
    return quick_recipe()


@pytest.fixture(scope="module")
def fitted(recipe: Recipe) -> FeatureHmms:
    return fit_feature_hmms(*made_frames(60), CLASSES, recipe)


def test_the_posterior_mean_is_the_geometric_mean_of_the_frames() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(scale=3.0, size=(17, 5)).astype(np.float32)
    found = posterior_mean(logits)
    expected = np.exp(log_softmax(logits.astype(np.float64), axis=1).mean(axis=0))
    np.testing.assert_allclose(found, expected / expected.sum(), rtol=1e-12)


def test_raw_hmms_tell_new_clips_apart(fitted: FeatureHmms) -> None:
    frames, labels = made_frames(60, seed=1)
    said = np.array([feature_hmm_probabilities(fitted, f).argmax() for f in frames])
    assert np.mean(said == labels) > 0.7


def test_raw_scores_are_hmmlearns_of_every_fourth_frame(fitted: FeatureHmms) -> None:
    bank = fitted.bank
    frames = made_frames(1, seed=2)[0][0]
    assert fitted.step == 4
    kept = frames[[i for i in range(len(frames)) if i % 4 == 0]].astype(np.float64)
    scores = []
    for e in range(3):
        model = GaussianHMM(bank.means.shape[1], "full")
        model.startprob_ = np.exp(bank.log_startprob[e])
        model.transmat_ = np.exp(bank.log_transmat[e])
        model.means_ = bank.means[e]
        model.covars_ = np.linalg.inv(np.einsum("sij,sik->sjk", *2 * [bank.precision_cholesky[e]]))
        scores.append(model.score(kept) / len(kept))
    np.testing.assert_allclose(
        feature_hmm_probabilities(fitted, frames),
        scipy_softmax(fitted.inverse_temperature * np.array(scores)),
        rtol=1e-6,
    )


def test_the_scale_has_the_least_log_loss_on_the_training_clips(fitted: FeatureHmms) -> None:
    frames, labels = made_frames(60)

    def loss(factor: float) -> float:
        changed = FeatureHmms(fitted.bank, factor * fitted.inverse_temperature, fitted.step)
        shares = np.array([feature_hmm_probabilities(changed, f) for f in frames])
        return -np.log(shares[np.arange(60), labels]).mean()

    assert loss(1.0) < min(loss(0.8), loss(1.25))


def test_states_and_topology_are_the_recipes(quick_recipe: MakeRecipe) -> None:
    chosen = quick_recipe(hmm={"states": 3, "topology": "left-right"})
    bank = fit_feature_hmms(*made_frames(60), CLASSES, chosen).bank
    assert bank.means.shape == (3, 3, 3)
    assert np.isneginf(bank.log_transmat[:, 1:, 0]).all()


def test_a_large_corpus_is_fitted_on_clips_drawn_by_the_seed(
    fitted: FeatureHmms, recipe: Recipe, quick_recipe: MakeRecipe
) -> None:
    frames, labels = made_frames(60)
    few = fit_feature_hmms(frames, labels, CLASSES, recipe, max_frames=60)
    again = fit_feature_hmms(frames, labels, CLASSES, recipe, max_frames=60)
    other = fit_feature_hmms(frames, labels, CLASSES, quick_recipe(seed=4), max_frames=60)
    np.testing.assert_array_equal(few.bank.means, again.bank.means)
    assert not np.allclose(few.bank.means, fitted.bank.means)
    assert not np.allclose(few.bank.means, other.bank.means)
    least = fit_feature_hmms(frames, labels, CLASSES, recipe, max_frames=1)
    assert np.isfinite(feature_hmm_probabilities(least, frames[0])).all()


def test_a_clip_shorter_than_the_step_is_scored(fitted: FeatureHmms) -> None:
    assert feature_hmm_probabilities(fitted, np.zeros((1, 3), np.float32)).sum() == pytest.approx(
        1.0
    )


def test_of_wide_frames_the_largest_components_are_seen(recipe: Recipe) -> None:
    """What tells the classes apart lies in three of 300 columns, mixed into all of them."""
    frames, labels = made_frames(60)
    rng = np.random.default_rng(0)
    mixing = np.linalg.qr(rng.normal(size=(300, 300)))[0][:3].astype(np.float32)
    wide = [f @ mixing + rng.normal(0, 0.01, (len(f), 300)).astype(np.float32) for f in frames]
    fitted = fit_feature_hmms(wide, labels, CLASSES, recipe)
    assert fitted.basis is not None
    assert fitted.basis.shape == (300, 64)
    np.testing.assert_allclose(fitted.basis.T @ fitted.basis, np.eye(64), atol=1e-9)
    said = np.array([feature_hmm_probabilities(fitted, f).argmax() for f in wide])
    assert (said == labels).mean() > 0.8
