import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm.experiments.vad import scenes
from bilstm_hmm.experiments.vad.material import RATE, made_voices
from bilstm_hmm.experiments.vad.scenes import HOP, SCENE, Scene, at_snr, make_scene

SPEECH = made_voices(3)
NOISES = [np.random.default_rng(0).normal(0.0, 0.1, RATE).astype(np.float32)]


def scene(seed: int) -> Scene:
    return make_scene(np.random.default_rng(seed), SPEECH, NOISES)


@pytest.mark.parametrize("seed", range(12))
def test_scenes_are_sound_and_the_same_for_a_seed(seed: int) -> None:
    made, again = scene(seed), scene(seed)
    np.testing.assert_array_equal(made.samples, again.samples)
    np.testing.assert_array_equal(made.is_speech, again.is_speech)
    assert made.samples.shape == (SCENE,)
    assert made.samples.dtype == np.float32
    assert made.is_speech.shape == (SCENE // HOP,)
    assert np.abs(made.samples).max() <= 1.0


def test_there_are_scenes_with_speech_and_without(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = [scene(seed).is_speech.mean() for seed in range(12)]
    assert min(shares) == 0.0
    assert max(shares) > 0.2
    monkeypatch.setattr(scenes, "SPOKEN", 0.0)
    assert not any(scene(seed).is_speech.any() for seed in range(6))


def test_what_is_marked_is_where_the_voices_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without noise, rooms and hiss there is sound nowhere else."""
    monkeypatch.setattr(scenes, "SPOKEN", 1.0)
    monkeypatch.setattr(scenes, "NOISY", 0.0)
    monkeypatch.setattr(scenes, "_in_a_room", lambda _rng, samples: samples)
    monkeypatch.setattr(scenes, "_record", lambda _rng, samples: samples)
    for seed in range(6):
        made = scene(seed)
        powers = np.square(made.samples).reshape(-1, HOP).mean(axis=1)
        assert made.is_speech.any()
        assert powers[made.is_speech].mean() > 20 * powers[~made.is_speech].mean()


@given(snr=st.floats(-10.0, 40.0), level=st.floats(1e-3, 1.0), seed=st.integers(0, 99))
@settings(max_examples=20)
def test_noise_is_so_many_decibels_below_the_speech(snr: float, level: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    is_speech = np.arange(4000) < 1000
    voice = np.where(is_speech, rng.normal(size=4000), 0.0)
    noise = at_snr(level * rng.normal(size=4000), voice, is_speech, snr)
    ratio = np.square(voice[is_speech]).mean() / np.square(noise).mean()
    assert 10.0 * np.log10(ratio) == pytest.approx(snr, abs=1e-6)


def test_silence_is_not_amplified() -> None:
    assert not at_snr(np.full(100, 1e-9), np.ones(100), np.ones(100, np.bool_), 0.0).any()
