"""Normalising by what is known of a voice."""

import numpy as np
import pytest
from bilstm_hmm.features.extraction.normalise import FeatureStatistics, fit_statistics
from bilstm_hmm.features.extraction.voice_statistics import (
    adapt_statistics,
    clip_moments,
    merge_moments,
)
from hypothesis import given
from hypothesis import strategies as st

TRAINED = FeatureStatistics(np.array([1.0, -2.0], np.float32), np.array([2.0, 0.5], np.float32))


def random_views(seed: int, frames: int, views: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal([3.0, 10.0], [4.0, 0.1], (views, frames, 2)).astype(np.float32)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.integers(0, 2**31))
def test_merged_moments_are_those_of_all_frames(lengths: list[int], seed: int) -> None:
    clips = [random_views(seed + n, length, views=2) for n, length in enumerate(lengths)]
    merged = merge_moments(clip_moments(views) for views in clips)
    assert merged is not None
    frames = np.concatenate(clips, axis=1).astype(np.float64)
    assert (merged.n_clips, merged.n_frames) == (len(clips), frames.shape[1])
    np.testing.assert_allclose(merged.mean, frames.mean(axis=1))
    np.testing.assert_allclose(merged.squares / merged.n_frames, frames.var(axis=1), atol=1e-9)


def test_no_clip_has_no_moments() -> None:
    assert merge_moments([]) is None


@pytest.mark.parametrize("n_clips", [1, 3, 50])
def test_statistics_lie_between_the_training_clips_and_the_voice(n_clips: int) -> None:
    clips = [random_views(n, 30) for n in range(n_clips)]
    voice = merge_moments(map(clip_moments, clips))
    assert voice is not None
    (adapted,) = adapt_statistics(TRAINED, voice, mean_prior=4.0, std_prior=20.0)
    own = fit_statistics(views[0] for views in clips)
    weights = n_clips / (n_clips + 4.0), n_clips / (n_clips + 20.0)
    for got, trained, of_voice, weight in zip(
        (adapted.mean, adapted.std), (TRAINED.mean, TRAINED.std), (own.mean, own.std), weights,
        strict=True,
    ):  # fmt: skip
        np.testing.assert_allclose(got, (1 - weight) * trained + weight * of_voice, rtol=1e-4)


def test_each_view_is_normalised_by_its_own_statistics() -> None:
    views = random_views(0, 100, views=2)
    views[1] += 5.0
    one, other = adapt_statistics(TRAINED, clip_moments(views), 1.0, 1.0)
    np.testing.assert_allclose(other.mean - one.mean, 2.5, atol=0.6)
