import numpy as np
import pytest
from bilstm_hmm.features.extraction.frame_rates import resample_frames


def test_at_half_the_rate_three_neighbours_count():
    values = np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32)
    resampled = resample_frames(values, 2.0, 5)
    for t in (1, 2, 3):
        expected = (values[2 * t - 1] + 2 * values[2 * t] + values[2 * t + 1]) / 4
        np.testing.assert_allclose(resampled[t], expected, atol=1e-6)
    np.testing.assert_allclose(resampled[0], (2 * values[0] + values[1]) / 3, atol=1e-6)
    np.testing.assert_allclose(resampled[4], (values[7] + 2 * values[8]) / 3, atol=1e-6)


@pytest.mark.parametrize("ratio", [1.0, 1.25, 2.0, 3.2])
def test_the_mean_is_over_what_a_frame_covers(ratio):
    values = np.random.default_rng(1).normal(size=(40, 3)).astype(np.float32)
    count = int(39 / ratio) + 1
    # Each frame given as a thousand thin ones, and plain means of these.
    thin = np.repeat(values, 1000, axis=0)
    at = np.arange(len(thin)) / 1000 - 0.4995
    for t, row in enumerate(resample_frames(values, ratio, count)):
        inside = np.abs(at - t * ratio) < ratio / 2
        np.testing.assert_allclose(row, thin[inside].mean(axis=0), atol=2e-3)


def test_at_the_same_rate_nothing_changes_and_the_end_is_held():
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    np.testing.assert_allclose(resample_frames(values, 1.0, 4), values[[0, 1, 2, 2]])
