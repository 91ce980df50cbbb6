import itertools

import numpy as np
import pytest
from hmmlearn.hmm import GaussianHMM
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from bilstm_hmm.hmm.bank import HmmBank, bank_from_models, log_densities, mean_log_likelihoods
from bilstm_hmm.hmm.fit import TOPOLOGIES

COVARIANCES = ("diag", "full", "tied", "spherical")


def random_model(
    rng: np.random.Generator, covariance: str, topology: str, states: int = 3, dimensions: int = 5
) -> GaussianHMM:
    """An hmmlearn model with random parameters; zeros of the topology stay."""
    form = TOPOLOGIES[topology](states)
    model = GaussianHMM(states, covariance_type=covariance)
    model.n_features = dimensions
    start = form.startprob * rng.uniform(0.1, 1.0, states)
    transition = form.transmat * rng.uniform(0.1, 1.0, (states, states))
    model.startprob_ = start / start.sum()
    model.transmat_ = transition / transition.sum(axis=1, keepdims=True)
    model.means_ = rng.normal(0.0, 2.0, (states, dimensions))
    factors = rng.normal(size=(states, dimensions, dimensions))
    full = factors @ factors.transpose(0, 2, 1) + 0.1 * np.eye(dimensions)
    model.covars_ = {
        "full": full,
        "tied": full[0],
        "diag": np.einsum("sdd->sd", full),
        "spherical": full[:, 0, 0],
    }[covariance]
    return model


def bank_of(models: list[GaussianHMM]) -> HmmBank:
    return bank_from_models(
        [m.startprob_ for m in models],
        [m.transmat_ for m in models],
        [m.means_ for m in models],
        [full_covariances(m) for m in models],
    )


def full_covariances(model: GaussianHMM) -> np.ndarray:
    """hmmlearn gives full matrices for every kind but the tied one."""
    states, dimensions = model.means_.shape
    return np.broadcast_to(model.covars_, (states, dimensions, dimensions))


def agree(bank: HmmBank, models: list[GaussianHMM], sequence: np.ndarray) -> None:
    expected = [model.score(sequence) / len(sequence) for model in models]
    np.testing.assert_allclose(mean_log_likelihoods(bank, sequence), expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("covariance", COVARIANCES)
def test_scores_agree_with_hmmlearn(covariance: str, topology: str) -> None:
    rng = np.random.default_rng(3)
    models = [random_model(rng, covariance, topology) for _ in range(4)]
    bank = bank_of(models)
    for length in (1, 2, 17, 5000):
        agree(bank, models, rng.normal(0.0, 2.0, (length, 5)))


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("covariance", COVARIANCES)
def test_scores_agree_where_values_are_extreme(covariance: str, topology: str) -> None:
    rng = np.random.default_rng(4)
    models = [random_model(rng, covariance, topology) for _ in range(2)]
    bank = bank_of(models)
    for factor in (0.0, 1e-9, 1e3, 1e6):
        agree(bank, models, factor * rng.normal(size=(40, 5)))


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_scores_agree_far_from_the_origin(covariance: str) -> None:
    """Means a million standard deviations away leave only rounding behind."""
    rng = np.random.default_rng(5)
    models = [random_model(rng, covariance, "ergodic") for _ in range(2)]
    for model in models:
        model.means_ = model.means_ + 1e6
    agree(bank_of(models), models, 1e6 + rng.normal(size=(40, 5)))


def test_emotions_may_differ_in_states() -> None:
    rng = np.random.default_rng(6)
    models = [random_model(rng, "diag", "ergodic", states=n) for n in (1, 4, 2)]
    agree(bank_of(models), models, rng.normal(size=(30, 5)))


@pytest.mark.parametrize("topology", TOPOLOGIES)
@given(seed=st.integers(0, 10_000), states=st.integers(1, 3), length=st.integers(1, 5))
@settings(deadline=None, max_examples=40)
def test_the_forward_algorithm_sums_over_all_paths(
    topology: str, seed: int, states: int, length: int
) -> None:
    rng = np.random.default_rng(seed)
    model = random_model(rng, "full", topology, states, dimensions=2)
    sequence = rng.normal(0.0, 2.0, (length, 2))
    total = 0.0
    for path in itertools.product(range(states), repeat=length):
        likelihood = model.startprob_[path[0]]
        likelihood *= np.prod([model.transmat_[a, b] for a, b in itertools.pairwise(path)])
        for frame, state in zip(sequence, path, strict=True):
            likelihood *= multivariate_normal(model.means_[state], model.covars_[state]).pdf(frame)
        total += likelihood
    assert mean_log_likelihoods(bank_of([model]), sequence)[0] == pytest.approx(
        np.log(total) / length, rel=1e-9
    )


def test_densities_are_those_of_scipy() -> None:
    rng = np.random.default_rng(7)
    models = [random_model(rng, "full", "ergodic") for _ in range(2)]
    sequence = rng.normal(size=(11, 5))
    found = log_densities(bank_of(models), sequence)
    assert found.shape == (11, 2, 3)
    for e, s in itertools.product(range(2), range(3)):
        density = multivariate_normal(models[e].means_[s], models[e].covars_[s])
        np.testing.assert_allclose(found[:, e, s], density.logpdf(sequence), rtol=1e-10)


@given(seed=st.integers(0, 10_000), shift=st.floats(-50, 50))
@settings(deadline=None, max_examples=30)
def test_moving_frames_and_means_together_changes_nothing(seed: int, shift: float) -> None:
    rng = np.random.default_rng(seed)
    model = random_model(rng, "full", "ergodic", dimensions=2)
    sequence = rng.normal(size=(9, 2))
    before = mean_log_likelihoods(bank_of([model]), sequence)
    model.means_ = model.means_ + shift
    np.testing.assert_allclose(
        mean_log_likelihoods(bank_of([model]), sequence + shift), before, rtol=1e-9
    )


@given(seed=st.integers(0, 10_000))
@settings(deadline=None, max_examples=30)
def test_the_names_of_states_do_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = random_model(rng, "diag", "ergodic")
    order = rng.permutation(3)
    renamed = bank_from_models(
        [model.startprob_[order]],
        [model.transmat_[order][:, order]],
        [model.means_[order]],
        [model.covars_[order]],
    )
    sequence = rng.normal(size=(20, 5))
    np.testing.assert_allclose(
        mean_log_likelihoods(renamed, sequence), mean_log_likelihoods(bank_of([model]), sequence)
    )


def test_single_precision_frames_are_scored_in_double() -> None:
    rng = np.random.default_rng(8)
    models = [random_model(rng, "diag", "ergodic")]
    sequence = rng.normal(size=(50, 5)).astype(np.float32)
    agree(bank_of(models), models, sequence.astype(np.float64))
    assert mean_log_likelihoods(bank_of(models), sequence).dtype == np.float64


def test_a_sequence_needs_a_frame() -> None:
    bank = bank_of([random_model(np.random.default_rng(9), "diag", "ergodic")])
    with pytest.raises(ValueError, match="at least one frame"):
        mean_log_likelihoods(bank, np.zeros((0, 5)))


def test_a_bank_comes_back_from_its_arrays() -> None:
    bank = bank_of([random_model(np.random.default_rng(10), "full", "left-right")])
    arrays = bank.to_arrays()
    # The keys of the files that are out there.
    assert list(arrays) == ["log_start", "log_transition", "means", "whiteners"]
    assert arrays["log_start"] is bank.log_startprob
    assert arrays["log_transition"] is bank.log_transmat
    assert arrays["means"] is bank.means
    assert arrays["whiteners"] is bank.precision_cholesky
    again = HmmBank.from_arrays({key: array.astype(np.float32) for key, array in arrays.items()})
    for key, array in again.to_arrays().items():
        assert array.dtype == np.float64
        np.testing.assert_array_equal(array, arrays[key].astype(np.float32))
    with pytest.raises(KeyError):
        HmmBank.from_arrays({"means": bank.means})
