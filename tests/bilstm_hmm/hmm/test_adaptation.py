"""Adaptation is what going through every path by hand gives, and makes its clips likelier."""

from itertools import pairwise, product

import numpy as np
import pytest
from numpy.typing import NDArray

from bilstm_hmm.hmm.adaptation import (
    StateStatistics,
    adapt_bank,
    adapt_means,
    shift_means,
    state_posteriors,
    state_statistics,
)
from bilstm_hmm.hmm.bank import HmmBank, bank_from_models, score_frames

Matrix = NDArray[np.float64]


def random_bank(seed: int = 0, states: tuple[int, ...] = (2, 1, 2), dimensions: int = 2) -> HmmBank:
    """A bank of full covariances; one emotion has fewer states, one is left-right."""
    rng = np.random.default_rng(seed)
    starts, transitions, means, covariances = [], [], [], []
    for number, count in enumerate(states):
        starts.append(np.eye(count)[0] if number == 0 else rng.dirichlet(np.ones(count)))
        transition = rng.dirichlet(np.ones(count), count)
        if number == 0:
            transition = np.triu(transition) / np.triu(transition).sum(axis=1, keepdims=True)
        transitions.append(transition)
        means.append(rng.normal(0.0, 1.5, (count, dimensions)))
        roots = rng.normal(size=(count, dimensions, dimensions))
        covariances.append(roots @ roots.transpose(0, 2, 1) + 0.5 * np.eye(dimensions))
    return bank_from_models(starts, transitions, means, covariances)


def log_density(bank: HmmBank, emotion: int, state: int, frame: Matrix) -> float:
    whitener = bank.precision_cholesky[emotion, state]
    white = whitener @ (frame - bank.means[emotion, state])
    constant = np.log(np.abs(np.linalg.det(whitener))) - len(frame) / 2 * np.log(2 * np.pi)
    return float(constant - 0.5 * white @ white)


def brute_force(bank: HmmBank, clips: list[Matrix]) -> tuple[Matrix, Matrix, float]:
    """Occupancy, sums and log-likelihood by every emotion and every path of states."""
    n_emotions, n_states, dimensions = bank.means.shape
    occupancy = np.zeros((n_emotions, n_states))
    sums = np.zeros((n_emotions, n_states, dimensions))
    total = 0.0
    for clip in clips:
        weights = {}
        for emotion, path in product(range(n_emotions), product(range(n_states), repeat=len(clip))):
            log_weight = -np.log(n_emotions) + bank.log_startprob[emotion, path[0]]
            for before, state in pairwise(path):
                log_weight += bank.log_transmat[emotion, before, state]
            for state, frame in zip(path, clip, strict=True):
                log_weight += log_density(bank, emotion, state, frame)
            weights[emotion, path] = np.exp(log_weight)
        likelihood = sum(weights.values())
        total += np.log(likelihood)
        for (emotion, path), weight in weights.items():
            for state, frame in zip(path, clip, strict=True):
                occupancy[emotion, state] += weight / likelihood
                sums[emotion, state] += weight / likelihood * frame
    return occupancy, sums, total


@pytest.fixture
def bank() -> HmmBank:
    return random_bank()


@pytest.fixture
def clips() -> list[Matrix]:
    rng = np.random.default_rng(5)
    return [rng.normal(0.5, 1.5, (length, 2)) for length in (1, 3, 4)]


def test_statistics_are_those_of_all_paths(bank: HmmBank, clips: list[Matrix]) -> None:
    occupancy, sums, total = brute_force(bank, clips)
    found = state_statistics(bank, clips)
    np.testing.assert_allclose(found.occupancy, occupancy, atol=1e-12)
    np.testing.assert_allclose(found.sums, sums, atol=1e-12)
    assert found.log_likelihood == pytest.approx(total)
    assert found.occupancy.sum() == pytest.approx(8.0)
    # A state that nothing enters is never visited.
    assert found.occupancy[1, 1] == 0.0


def test_emotions_may_be_known_from_elsewhere(bank: HmmBank, clips: list[Matrix]) -> None:
    only = np.array([0.0, 0.0, 1.0])
    found = state_statistics(bank, clips, [only] * 3)
    alone = state_statistics(bank.of_emotions([2]), clips)
    np.testing.assert_allclose(found.occupancy[2], alone.occupancy[0])
    np.testing.assert_allclose(found.sums[2], alone.sums[0])
    assert found.occupancy[:2].sum() == 0.0


def test_means_are_those_of_gauvain_and_lee(bank: HmmBank, clips: list[Matrix]) -> None:
    occupancy, sums, _ = brute_force(bank, clips)
    adapted = adapt_means(bank, state_statistics(bank, clips), 4.0)
    for emotion, state in product(range(3), range(2)):
        expected = (4.0 * bank.means[emotion, state] + sums[emotion, state]) / (
            4.0 + occupancy[emotion, state]
        )
        np.testing.assert_allclose(adapted.means[emotion, state], expected)
    assert adapted.precision_cholesky is bank.precision_cholesky
    far = adapt_means(bank, state_statistics(bank, clips), 1e12)
    np.testing.assert_allclose(far.means, bank.means, atol=1e-9)


def expected_log_density(bank: HmmBank, shift: Matrix, clips: list[Matrix], prior: float) -> float:
    """What the shift maximises, frame by frame: the posteriors are those of the bank unshifted."""
    total, weight = 0.0, np.zeros((2, 2))
    for clip in clips:
        states, log_likelihoods = state_posteriors(bank, clip)
        emotions = np.exp(log_likelihoods - log_likelihoods.max())
        emotions /= emotions.sum()
        for t, emotion, state in product(range(len(clip)), range(3), range(2)):
            gamma = states[t, emotion, state] * emotions[emotion]
            whitener = bank.precision_cholesky[emotion, state]
            white = whitener @ (clip[t] - bank.means[emotion, state] - shift)
            total -= 0.5 * gamma * white @ white
            weight += gamma * whitener.T @ whitener
    n_frames = sum(map(len, clips))
    return float(total - 0.5 * prior / n_frames * shift @ weight @ shift)


@pytest.mark.parametrize("prior", [0.0, 10.0])
def test_the_shift_is_the_likeliest(bank: HmmBank, clips: list[Matrix], prior: float) -> None:
    shifted = shift_means(bank, state_statistics(bank, clips), prior)
    shift = shifted.means[0, 0] - bank.means[0, 0]
    np.testing.assert_allclose(shifted.means - bank.means, np.broadcast_to(shift, (3, 2, 2)))
    best = expected_log_density(bank, shift, clips, prior)
    for step in (*np.eye(2), *-np.eye(2), np.array([1.0, -1.0])):
        assert expected_log_density(bank, shift + 1e-3 * step, clips, prior) < best
    if prior:
        unbound = shift_means(bank, state_statistics(bank, clips)).means[0, 0] - bank.means[0, 0]
        np.testing.assert_allclose(shift, unbound * 8.0 / 18.0)


def test_how_much_clips_count_beside_the_prior_is_all_that_matters(
    bank: HmmBank, clips: list[Matrix]
) -> None:
    """Also where they count for less than a frame, as where emotions are unlikely."""
    found = state_statistics(bank, clips)
    less = StateStatistics(found.occupancy / 1000, found.sums / 1000, found.log_likelihood)
    expected = shift_means(bank, found, 10.0).means
    np.testing.assert_allclose(shift_means(bank, less, 0.01).means, expected, rtol=1e-9)


def test_each_iteration_knows_the_emotions_and_what_came_before(
    bank: HmmBank, clips: list[Matrix]
) -> None:
    emotions = [np.eye(3)[place] for place in (2, 0, 2)]
    shifted = bank
    for _ in range(3):
        shifted = shift_means(bank, state_statistics(shifted, clips, emotions), 5.0)
    means = shifted
    for _ in range(3):
        means = adapt_means(shifted, state_statistics(means, clips, emotions), 7.0)
    found = adapt_bank(bank, clips, shift_frames=5.0, mean_frames=7.0, emotions=emotions)
    np.testing.assert_allclose(found.means, means.means, rtol=1e-12)


def sampled(bank: HmmBank, emotion: int, length: int, rng: np.random.Generator) -> Matrix:
    start, transition = np.exp(bank.log_startprob[emotion]), np.exp(bank.log_transmat[emotion])
    state, frames = rng.choice(2, p=start), []
    for _ in range(length):
        noise = np.linalg.solve(bank.precision_cholesky[emotion, state], rng.normal(size=2))
        frames.append(bank.means[emotion, state] + noise)
        state = rng.choice(2, p=transition[state])
    return np.array(frames)


def test_every_iteration_makes_the_clips_likelier(bank: HmmBank, clips: list[Matrix]) -> None:
    before = -np.inf
    for iterations in range(5):
        adapted = adapt_bank(bank, clips, shift_frames=0.0, iterations=iterations)
        after = state_statistics(adapted, clips).log_likelihood
        assert after >= before - 1e-9
        before = after


def test_a_shift_of_the_voice_is_found_without_labels() -> None:
    rng = np.random.default_rng(2)
    bank = random_bank(3, (2, 2, 2))
    wide = HmmBank(bank.log_startprob, bank.log_transmat, 3.0 * bank.means, bank.precision_cholesky)
    offset = np.array([1.5, -1.0])
    clips = [sampled(wide, n % 3, 30, rng) + offset for n in range(30)]
    adapted = adapt_bank(wide, clips, shift_frames=5.0, iterations=10)
    np.testing.assert_allclose(
        adapted.means - wide.means, np.broadcast_to(offset, (3, 2, 2)), atol=0.4
    )

    def right(of: HmmBank) -> int:
        scores = [frames.sum(axis=0).argmax() for frames in score_frames(of, clips)]
        return sum(int(found) == n % 3 for n, found in enumerate(scores))

    assert right(adapted) >= right(wide)
    both = adapt_bank(wide, clips, shift_frames=5.0, mean_frames=50.0)
    likelier = state_statistics(both, clips).log_likelihood
    assert likelier > state_statistics(wide, clips).log_likelihood


def test_without_clips_or_steps_nothing_changes(bank: HmmBank, clips: list[Matrix]) -> None:
    assert adapt_bank(bank, [], shift_frames=1.0, mean_frames=1.0) is bank
    assert adapt_bank(bank, clips) is bank
