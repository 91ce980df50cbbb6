"""Maximum a posteriori estimates lie between the bank and the clips, by the relevance factor."""

import numpy as np
import pytest

from bilstm_hmm.hmm.bank import HmmBank, bank_from_models, concatenate_banks, score_frames
from bilstm_hmm.hmm.map_estimation import map_adapt


def bank(*means: float, states: int = 1) -> HmmBank:
    """An emotion for each mean, of two dimensions with unit variances."""
    n = len(means)
    return bank_from_models(
        [np.full(states, 1.0 / states)] * n,
        [np.full((states, states), 1.0 / states)] * n,
        [np.full((states, 2), mean) for mean in means],
        [np.tile(np.eye(2), (states, 1, 1))] * n,
    )


def clips(mean: float, std: float, count: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(mean, std, (20, 2)) for _ in range(count)]


def covariance(of: HmmBank, emotion: int) -> np.ndarray:
    inverse = np.linalg.inv(of.precision_cholesky[emotion, 0])
    return inverse @ inverse.T


def test_with_as_many_frames_as_the_relevance_the_mean_is_half_way() -> None:
    given = clips(3.0, 1.0, 5)
    adapted = map_adapt(bank(0.0, -1.0), given, np.zeros(5, np.intp), relevance=100.0)
    expected = np.concatenate(given).mean(axis=0) / 2
    np.testing.assert_allclose(adapted.means[0, 0], expected)


def test_the_covariance_is_that_of_both_about_the_new_mean() -> None:
    given = clips(3.0, 2.0, 5)
    adapted = map_adapt(bank(0.0, -1.0), given, np.zeros(5, np.intp), relevance=100.0)
    frames = np.concatenate(given)
    mean = adapted.means[0, 0]
    # A hundred frames of the bank about its mean, and the hundred of the clips.
    of_bank = np.eye(2) + np.outer(mean, mean)
    of_clips = (frames - mean).T @ (frames - mean) / len(frames)
    expected = np.diag(np.diag((of_bank + of_clips) / 2))
    np.testing.assert_allclose(covariance(adapted, 0), expected, rtol=1e-9)


def test_an_emotion_without_clips_stays_as_it_is() -> None:
    before = bank(0.0, -1.0)
    adapted = map_adapt(before, clips(3.0, 1.0, 5), np.zeros(5, np.intp), relevance=10.0)
    np.testing.assert_allclose(adapted.means[1], before.means[1])
    np.testing.assert_allclose(adapted.precision_cholesky[1], before.precision_cholesky[1])


def test_without_clips_the_bank_stays_as_it_is() -> None:
    before = bank(0.0, -1.0, states=2)
    adapted = map_adapt(before, [], np.zeros(0, np.intp), relevance=10.0)
    for name, array in before.to_arrays().items():
        np.testing.assert_allclose(adapted.to_arrays()[name], array)


def test_frames_that_are_all_alike_leave_a_variance() -> None:
    alike = [np.full((50, 2), 2.0)] * 40
    adapted = map_adapt(bank(0.0), alike, np.zeros(40, np.intp), relevance=1.0)
    assert np.isfinite(adapted.precision_cholesky).all()
    assert np.diag(covariance(adapted, 0)).min() >= 0.1 - 1e-9


def test_clips_are_likelier_under_what_was_adapted_to_them() -> None:
    before, given = bank(0.0, -1.0, states=2), clips(2.0, 1.5, 6)
    adapted = map_adapt(before, given, np.zeros(6, np.intp), relevance=20.0)
    likelihood = [sum(s[:, 0].sum() for s in score_frames(b, given)) for b in (before, adapted)]
    assert likelihood[1] > likelihood[0]


@pytest.mark.parametrize("order", [(1, 3), (3, 1)])
def test_joined_banks_score_as_each_alone(order: tuple[int, int]) -> None:
    parts = [bank(0.0, 1.0, states=order[0]), bank(-2.0, states=order[1])]
    given = clips(0.5, 1.0, 3)
    joined = score_frames(concatenate_banks(parts), given)
    scores = [score_frames(part, given) for part in parts]
    alone = [np.concatenate(pair, axis=1) for pair in zip(*scores, strict=True)]
    for one, other in zip(joined, alone, strict=True):
        np.testing.assert_allclose(one, other)
