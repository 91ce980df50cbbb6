import numpy as np
import pytest
from bilstm_hmm.features.degradation.rooms import (
    exponential_response,
    reverberate,
    room_response,
)

RATE = 16000


def reverberation_time(response, low=-5.0, high=-25.0):
    """Schroeder's backward integration: the fall from 5 to 25 dB, times three."""
    energy = np.cumsum(response[::-1].astype(float) ** 2)[::-1]
    decibels = 10 * np.log10(energy / energy[0] + 1e-15)
    first, last = np.argmax(decibels < low), np.argmax(decibels < high)
    return 60.0 / (low - high) * (last - first) / RATE


@pytest.mark.parametrize("rt60", [0.2, 0.5, 1.0])
def test_the_exponential_decay_takes_the_time_that_is_asked_for(rt60):
    response = exponential_response(rt60, RATE, np.random.default_rng(0), direct_db=3.0)
    assert reverberation_time(response[1:]) == pytest.approx(rt60, rel=0.1)
    ratio = response[0] ** 2 / np.sum(response[1:].astype(float) ** 2)
    assert 10 * np.log10(ratio) == pytest.approx(3.0, abs=0.01)


@pytest.mark.parametrize("rt60", [0.25, 0.5, 0.9])
def test_rooms_take_about_the_time_that_is_asked_for(rt60):
    pytest.importorskip("pyroomacoustics")
    times = [
        reverberation_time(room_response(rt60, RATE, np.random.default_rng(k))) for k in range(8)
    ]
    assert np.median(times) == pytest.approx(rt60, rel=0.2)
    assert len(set(times)) == 8


def test_a_room_is_the_same_whenever_it_is_drawn_so():
    pytest.importorskip("pyroomacoustics")
    one, other = (room_response(0.4, RATE, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_reverberation_keeps_length_level_and_the_time_of_the_direct_sound():
    rng = np.random.default_rng(1)
    samples = np.zeros(RATE, np.float32)
    samples[4000:6000] = rng.standard_normal(2000)
    response = np.concatenate([np.zeros(300, np.float32), exponential_response(0.3, RATE, rng)])
    wet = reverberate(samples, response)
    assert wet.shape == samples.shape
    assert wet.dtype == np.float32
    assert np.mean(wet.astype(float) ** 2) == pytest.approx(
        np.mean(samples.astype(float) ** 2), rel=1e-4
    )
    assert np.argmax(np.correlate(wet, samples[4000:6000], "valid")) == 4000
    assert np.abs(wet[6100:8000]).mean() > 0.05
    assert np.abs(wet[:3999]).max() < 1e-6
    direct = np.array([0.0, 2.0], np.float32)
    np.testing.assert_allclose(reverberate(samples, direct), samples, atol=1e-5)


def test_silence_stays_silent_in_a_room():
    silence = np.zeros(100, np.float32)
    assert not reverberate(silence, np.ones(10, np.float32)).any()
