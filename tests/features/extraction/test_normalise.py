import numpy as np
import pytest
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.features.extraction.normalise import FeatureStatistics, fit_statistics, normalise
from hypothesis import given, settings
from hypothesis import strategies as st


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=6),
    st.integers(0, 10**6),
    st.floats(-1e4, 1e4),
    st.floats(0.01, 1e3),
)
def test_one_pass_over_clips_is_one_pass_over_all_frames(lengths, seed, centre, spread):
    rng = np.random.default_rng(seed)
    clips = [(centre + spread * rng.standard_normal((n, 3))).astype(np.float32) for n in lengths]
    frames = np.concatenate(clips).astype(np.float64)
    if len(frames) < 2:
        return
    statistics = fit_statistics(iter(clips))
    np.testing.assert_allclose(statistics.mean, frames.mean(axis=0), rtol=1e-5, atol=1e-4)
    std = frames.std(axis=0)
    if (std > 1e-3 * abs(centre)).all():
        np.testing.assert_allclose(statistics.std, std, rtol=1e-5)


def test_training_statistics_give_zero_mean_and_unit_variance():
    rng = np.random.default_rng(0)
    clips = [(5 + 3 * rng.standard_normal((n, 4))).astype(np.float32) for n in (10, 200, 33)]
    statistics = fit_statistics(clips)
    before = clips[0].copy()
    together = np.concatenate([normalise(clip, "train", statistics) for clip in clips])
    assert together.dtype == np.float32
    np.testing.assert_allclose(together.mean(axis=0), 0.0, atol=1e-5)
    np.testing.assert_allclose(together.std(axis=0), 1.0, atol=1e-5)
    np.testing.assert_array_equal(clips[0], before)


def test_each_clip_by_itself():
    values = np.random.default_rng(1).standard_normal((50, 2)).astype(np.float32) * 9 - 4
    normalised = normalise(values, "clip")
    np.testing.assert_allclose(normalised.mean(axis=0), 0.0, atol=1e-5)
    np.testing.assert_allclose(normalised.std(axis=0), 1.0, atol=1e-5)


def test_a_constant_feature_and_a_single_frame_become_zero():
    values = np.full((7, 2), 123.456, dtype=np.float32)
    assert not normalise(values, "train", fit_statistics([values])).any()
    assert not normalise(values[:1], "clip").any()


def test_no_normalisation_is_a_copy():
    values = np.ones((3, 2), dtype=np.float32)
    normalised = normalise(values, "none")
    np.testing.assert_array_equal(normalised, values)
    assert normalised is not values


def test_statistics_that_are_missing_or_of_another_width_are_refused():
    values = np.ones((3, 2), dtype=np.float32)
    with pytest.raises(AudioError, match="none are at hand"):
        normalise(values, "train")
    narrow = FeatureStatistics(np.zeros(1, np.float32), np.ones(1, np.float32))
    with pytest.raises(AudioError, match="of 2 features, but 1"):
        normalise(values, "train", narrow)


def test_no_frames_or_frames_that_are_not_finite_are_refused():
    with pytest.raises(AudioError, match="no frame"):
        fit_statistics([np.zeros((0, 4), np.float32)])
    with pytest.raises(AudioError, match="not finite"):
        fit_statistics([np.array([[1.0], [np.nan]], np.float32)])
