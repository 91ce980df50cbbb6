import numpy as np
import pytest
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.pitch import next_fast_len, pitch, yin
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize("frequency", [65.0, 121.3, 247.7, 399.0, 580.0])
def test_the_frequency_of_a_tone(frequency):
    time = np.arange(16000) / 16000
    tone = sum(np.sin(2 * np.pi * k * frequency * time) / k for k in range(1, 6))
    found, aperiodicity = yin(tone.astype(np.float32), 16000, 160, 60.0, 600.0)
    np.testing.assert_allclose(found[5:-5], frequency, rtol=3e-3)
    assert aperiodicity[5:-5].max() < 0.05


def test_voiced_frames_agree_with_librosa(voice):
    import librosa

    frequency, aperiodicity = yin(voice, 16000, 160, 60.0, 600.0)
    expected = librosa.yin(
        voice, fmin=60.0, fmax=600.0, sr=16000, frame_length=1024, hop_length=160
    )
    voiced = aperiodicity < 0.1
    assert voiced.mean() > 0.3
    near = np.abs(frequency / expected - 1.0) < 0.03
    assert near[voiced].mean() > 0.95


def test_the_difference_function_by_brute_force():
    rng = np.random.default_rng(3)
    samples = rng.standard_normal(3000).astype(np.float32)
    period, aperiodicity = yin(samples, 1000, 100, 60.0, 300.0)
    max_lag = 17
    padded = np.pad(samples.astype(np.float64), 3 * max_lag)
    t = 12
    first = t * 100 - 3 * max_lag // 2 + 3 * max_lag
    frame = padded[first : first + 3 * max_lag]
    difference = np.array(
        [np.mean((frame[lag:] - frame[:-lag]) ** 2) for lag in range(1, max_lag + 1)]
    )
    normalised = difference * np.arange(1, max_lag + 1) / np.cumsum(difference)
    lag = int(np.argmin(normalised[2:])) + 3
    assert abs(1000 / period[t] - lag) <= 1.0
    np.testing.assert_allclose(aperiodicity[t], normalised[2:].min(), rtol=1e-3)


def test_silence_and_noise_are_not_voiced():
    silence = pitch(np.zeros(4000, np.float32), FeatureSettings())
    np.testing.assert_allclose(silence[:, 0], np.log2(np.sqrt(60.0 * 600.0) / 100.0), atol=1e-6)
    np.testing.assert_allclose(silence[:, 1], 0.0, atol=1e-5)
    noise = np.random.default_rng(4).standard_normal(16000).astype(np.float32)
    assert np.median(pitch(noise, FeatureSettings())[:, 1]) < 0.3


def test_the_contour_bridges_a_pause():
    time = np.arange(16000) / 16000
    tone = sum(np.sin(2 * np.pi * k * 200.0 * time) / k for k in range(1, 6))
    tone[6000:10000] = 0.0
    contour, strength = pitch(tone.astype(np.float32), FeatureSettings()).T
    np.testing.assert_allclose(contour, 1.0, atol=0.05)
    assert strength[50] < 0.1
    assert strength[20] > 0.9


@pytest.mark.parametrize("step", [2, 4])
def test_frames_between_those_that_are_searched_lie_on_straight_lines(voice, step):
    whole = pitch(voice, FeatureSettings())
    found = pitch(voice, FeatureSettings(pitch_step=step))
    assert found.shape == whole.shape
    # The loudest frame, which the noise floor goes by, may be one that is passed over.
    np.testing.assert_allclose(found[::step, 1], whole[::step, 1], atol=0.02)
    voiced = whole[:, 1] > 0.9
    assert np.median(np.abs(found - whole)[voiced], axis=0).max() < 0.03
    last = (len(found) - 1) // step * step
    knots = np.arange(0, last + 1, step)
    for column in found[: last + 1].T:
        lines = np.interp(np.arange(last + 1), knots, column[knots])
        # A voiced frame that a line of the contour ends at is always one that is searched.
        np.testing.assert_allclose(column, lines, atol=1e-5)


def test_the_gain_of_a_recording_does_not_matter(voice):
    np.testing.assert_allclose(
        pitch(voice, FeatureSettings()), pitch(voice * 64, FeatureSettings()), atol=1e-4
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 20000))
def test_the_fast_length_is_the_least_with_small_factors(least):
    def is_fast(n):
        for factor in (2, 3, 5):
            while n % factor == 0:
                n //= factor
        return n == 1

    length = next_fast_len(least)
    assert length >= least
    assert is_fast(length)
    assert not any(is_fast(n) for n in range(least, length))
