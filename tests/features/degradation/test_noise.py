import numpy as np
import pytest
from bilstm_hmm.features.degradation.noise import add_background, babble, excerpt


def rng(seed=0):
    return np.random.default_rng(seed)


def test_an_excerpt_is_a_stretch_of_the_recording_or_the_recording_in_turn():
    recording = np.arange(100, dtype=np.float32)
    starts = set()
    for seed in range(30):
        part = excerpt(recording, 40, rng(seed))
        np.testing.assert_array_equal(np.diff(part), 1.0)
        starts.add(part[0])
    assert len(starts) > 10
    part = excerpt(recording, 250, rng())
    np.testing.assert_array_equal(np.diff(part) % 100, 1.0)
    assert len(part) == 250


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 20.0])
def test_a_background_is_brought_to_its_ratio_whatever_its_level(snr_db):
    samples = rng().standard_normal(4000).astype(np.float32)
    for factor in (1e-3, 1e3):
        behind = (factor * rng(1).standard_normal(4000)).astype(np.float32)
        noise = add_background(samples, behind, snr_db) - samples
        ratio = np.mean(samples.astype(float) ** 2) / np.mean(noise.astype(float) ** 2)
        assert 10 * np.log10(ratio) == pytest.approx(snr_db, abs=0.05)


def test_silence_stays_silent_and_adds_nothing():
    silence, noise = np.zeros(50, np.float32), np.ones(50, np.float32)
    assert add_background(silence, noise, 10.0) is silence
    assert add_background(noise, silence, 10.0) is noise


def test_in_babble_all_talk_equally_loud():
    low = np.sin(2 * np.pi * 0.01 * np.arange(3000)).astype(np.float32)
    high = (100 * np.sin(2 * np.pi * 0.2 * np.arange(5000))).astype(np.float32)
    mixed = babble([low, high, np.zeros(10, np.float32)], 2000, rng())
    power = np.abs(np.fft.rfft(mixed)) ** 2
    assert power[:100].sum() == pytest.approx(power[100:].sum(), rel=0.1)
    assert mixed.dtype == np.float32
