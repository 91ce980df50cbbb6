import numpy as np
import pytest
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.features.extraction.extract import extract, extract_views, n_features
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.filterbanks import build_filter_banks
from hypothesis import given, settings
from hypothesis import strategies as st

ALL = ("mfcc", "lfcc", "mel", "chroma", "contrast", "energy", "pitch")
FULL = FeatureSettings(streams=ALL, deltas=2)
BANKS = build_filter_banks(FULL)


def test_frames_tell_their_rate_start_and_columns(voice):
    frames = extract(voice, FeatureSettings(trim_db=None), BANKS)
    assert frames.values.shape == (101, 60)
    assert frames.values.dtype == np.float32
    assert (frames.rate, frames.start) == (100.0, 0.0)


def test_views_are_the_frames_of_each_vocal_tract(voice):
    warps = (0.9, 1.0, 1.15)
    views = extract_views(voice, FULL, BANKS, warps)
    for view, warp in zip(views, warps, strict=True):
        alone = extract(voice, FULL, BANKS, warp=warp)
        np.testing.assert_array_equal(view.values, alone.values)
        assert (view.rate, view.start) == (alone.rate, alone.start)
    assert not np.allclose(views[0].values, views[1].values)


@pytest.mark.parametrize("deltas", [0, 1, 2])
@pytest.mark.parametrize("streams", [*((s,) for s in ALL), ALL, ("pitch", "energy", "mel")])
def test_there_are_as_many_columns_as_the_settings_say(voice, streams, deltas):
    recipe = FeatureSettings(streams=streams, deltas=deltas)
    assert extract(voice, recipe, BANKS).values.shape[1] == n_features(recipe)


def test_the_streams_stand_in_their_order_with_the_deltas_behind(voice):
    recipe = FeatureSettings(streams=("pitch", "energy"), deltas=1)
    both = extract(voice, recipe, BANKS).values
    energy = extract(voice, FeatureSettings(streams=("energy",)), BANKS).values
    np.testing.assert_array_equal(both[:, [2, 5]], energy)


def test_the_extraction_is_librosas_with_preemphasis_and_scaling(voice):
    import librosa

    frames = extract(voice, FeatureSettings(trim_db=None, deltas=0), BANKS)
    scaled = voice / np.abs(voice).max()
    emphasised = librosa.effects.preemphasis(scaled, coef=0.97, zi=[0.0])
    expected = librosa.feature.mfcc(
        y=emphasised,
        sr=16000,
        n_mfcc=30,
        n_fft=512,
        hop_length=160,
        win_length=400,
        window="hamming",
        n_mels=40,
        fmin=50.0,
        fmax=7600.0,
    )
    np.testing.assert_allclose(frames.values.T, expected, rtol=1e-5, atol=1e-4)


def test_trimmed_silence_moves_the_start_and_nothing_else(voice):
    recipe = FeatureSettings(streams=("mfcc", "energy"))
    plain = extract(voice, recipe, BANKS)
    padded = extract(np.pad(voice, (8000, 4800)), recipe, BANKS)
    assert padded.start == pytest.approx(plain.start + 0.5, abs=0.011)
    assert abs(len(padded.values) - len(plain.values)) <= 2


@pytest.mark.parametrize("gain", [1e-3, 0.3, 40.0])
def test_the_gain_of_a_recording_does_not_matter(voice, gain):
    plain = extract(voice, FULL, BANKS).values
    scaled = extract(voice * np.float32(gain), FULL, BANKS).values
    np.testing.assert_allclose(scaled, plain, atol=2e-2)


def test_without_levelling_the_gain_shows(voice):
    recipe = FeatureSettings(streams=("energy",), level="none", deltas=0)
    difference = extract(voice, recipe, BANKS).values - extract(voice / 2, recipe, BANKS).values
    np.testing.assert_allclose(difference, 20 * np.log10(2), atol=1e-3)


def test_a_warp_changes_the_spectrum_but_not_pitch_and_energy(voice):
    recipe = FeatureSettings(streams=("pitch", "energy", "mfcc"), deltas=0)
    plain = extract(voice, recipe, BANKS).values
    warped = extract(voice, recipe, BANKS, warp=1.08).values
    np.testing.assert_array_equal(warped[:, :3], plain[:, :3])
    assert np.abs(warped - plain)[:, 3 + 3].mean() > 0.1


@pytest.mark.parametrize("level", ["peak", "none"])
@pytest.mark.parametrize("n", [1, 7, 159, 400, 16000])
def test_silence_and_the_shortest_clips_give_finite_frames(n, level):
    recipe = FeatureSettings(streams=ALL, deltas=2, level=level)
    for samples in (
        np.zeros(n, np.float32),
        np.full(n, 0.5, np.float32),
        np.full(n, 1e-38, np.float32),
        np.full(n, 1e12, np.float32),
    ):
        values = extract(samples, recipe, BANKS).values
        assert len(values) >= 1
        assert np.isfinite(values).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 4000), st.integers(0, 10**6), st.floats(-8.0, 8.0), st.booleans())
def test_no_signal_gives_anything_but_finite_frames(n, seed, exponent, gaps):
    rng = np.random.default_rng(seed)
    samples = (rng.standard_normal(n) * 10.0**exponent).astype(np.float32)
    if gaps:
        samples[n // 4 : n // 2] = 0.0
    before = samples.copy()
    values = extract(samples, FULL, BANKS).values
    assert np.isfinite(values).all()
    np.testing.assert_array_equal(samples, before)


@pytest.mark.parametrize("rate", [8000, 11025, 48000])
def test_other_rates(rate):
    recipe = FeatureSettings(streams=ALL, rate=rate, fmax=rate / 2, n_mels=20, n_mfcc=13)
    rng = np.random.default_rng(0)
    samples = rng.standard_normal(rate // 2).astype(np.float32)
    frames = extract(samples, recipe, build_filter_banks(recipe))
    assert frames.rate == rate / 160
    assert np.isfinite(frames.values).all()


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (np.zeros(0, np.float32), "at least one sample"),
        (np.zeros((5, 2), np.float32), "mono"),
        (np.array([0.0, np.nan], np.float32), "not a number"),
        (np.array([0.0, -np.inf], np.float32), "infinite"),
        (np.array([0.0, 1e20], np.float32), "too large"),
    ],
)
def test_what_is_no_mono_signal_is_refused(samples, words):
    with pytest.raises(AudioError, match=words):
        extract(samples, FULL, BANKS)
