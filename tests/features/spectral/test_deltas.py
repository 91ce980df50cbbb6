import numpy as np
import pytest
from bilstm_hmm.features.spectral.deltas import delta


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("n_frames", [1, 2, 9, 60])
def test_deltas_are_librosas(n_frames, order):
    import librosa

    values = np.random.default_rng(2).standard_normal((n_frames, 5)).astype(np.float32)
    expected = librosa.feature.delta(values.T, width=9, order=order, mode="nearest")
    slopes = delta(values, order)
    assert slopes.dtype == np.float32
    np.testing.assert_allclose(slopes.T, expected, atol=1e-6)


def test_the_slope_of_a_line_and_the_curvature_of_a_parabola():
    time = np.arange(30, dtype=np.float32)
    tracks = np.stack([3 * time, 0.5 * time**2], axis=1)
    np.testing.assert_allclose(delta(tracks)[4:-4, 0], 3.0, rtol=1e-5)
    np.testing.assert_allclose(delta(tracks, order=2)[4:-4, 1], 1.0, rtol=1e-4)
