import numpy as np
import pytest
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.spectrum import (
    centred_frames,
    n_frames,
    periodic_window,
    power_spectrum,
    preemphasise,
    warp_frequencies,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("name", ["hann", "hamming"])
@pytest.mark.parametrize("length", [32, 401])
def test_the_windows_are_those_of_scipy(name, length):
    from scipy.signal import get_window

    np.testing.assert_allclose(periodic_window(name, length), get_window(name, length), atol=1e-12)


@given(st.integers(1, 900), st.integers(2, 200), st.integers(1, 150))
def test_frame_t_is_centred_on_its_sample_with_zeros_outside(n, length, hop):
    samples = np.arange(1, n + 1, dtype=np.float32)
    frames = centred_frames(samples, length, hop)
    assert frames.shape == (n_frames(n, hop), length)
    for t in (0, len(frames) // 2, len(frames) - 1):
        samples_around = np.arange(length) - length // 2 + t * hop
        inside = (samples_around >= 0) & (samples_around < n)
        np.testing.assert_array_equal(frames[t], np.where(inside, samples_around + 1, 0))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"window": "hann", "hop_length": 100},
        {"n_fft": 1024, "frame_length": 1024, "hop_length": 333},
        {"frame_length": 301},
    ],
)
def test_the_power_spectrum_is_librosas(voice, changes):
    import librosa

    settings = FeatureSettings(**changes)
    expected = np.abs(
        librosa.stft(
            voice,
            n_fft=settings.n_fft,
            hop_length=settings.hop_length,
            win_length=settings.frame_length,
            window=settings.window,
            center=True,
        )
    )
    power = power_spectrum(voice, settings)
    assert power.dtype == np.float32
    np.testing.assert_allclose(np.sqrt(power).T, expected, rtol=1e-5, atol=1e-6)


def test_the_blocks_leave_no_seam(voice):
    settings = FeatureSettings()
    long = np.tile(voice, 3)
    whole = power_spectrum(long, settings)
    window = np.pad(periodic_window("hamming", 400), 56)
    frames = centred_frames(long, 512, 160) * window
    np.testing.assert_allclose(whole, np.abs(np.fft.rfft(frames, axis=1)) ** 2, rtol=1e-4)


def test_preemphasis_is_a_first_order_difference(voice):
    from scipy.signal import lfilter

    before = voice.copy()
    emphasised = preemphasise(voice, 0.97)
    np.testing.assert_allclose(emphasised, lfilter([1, -0.97], [1], voice), atol=1e-6)
    np.testing.assert_array_equal(voice, before)
    assert preemphasise(voice, 0.0) is voice


@pytest.mark.parametrize("warp", [0.9, 1.0, 1.1])
def test_a_warp_moves_a_spectral_peak_by_its_factor(warp):
    bins = np.arange(257)
    power = np.exp(-0.5 * ((bins - 100) / 8.0) ** 2)[None].astype(np.float32)
    warped = warp_frequencies(power, warp)
    assert warped.shape == power.shape
    assert abs(int(warped[0].argmax()) - 100 * warp) <= 1
    assert 0.99 < warped.max() <= 1.0


def test_a_flat_spectrum_stays_flat_under_any_warp():
    power = np.full((3, 65), 2.5, dtype=np.float32)
    for warp in (0.5, 0.93, 1.07, 2.0):
        np.testing.assert_allclose(warp_frequencies(power, warp), power)
