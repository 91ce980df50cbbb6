"""What is measured of a recording follows what was done to it."""

from collections.abc import Callable
from dataclasses import astuple

import numpy as np
import pytest
from bilstm_hmm.features.audio.reading import open_array
from bilstm_hmm.features.quality.clipping import count_clipped
from bilstm_hmm.features.quality.measures import AudioQuality, measure_quality
from bilstm_hmm.features.quality.meter import MAX_SECONDS, QualityMeter
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, sosfilt

RATE = 16000
Samples = NDArray[np.floating]


def speech(seed: int = 0, seconds: float = 3.0) -> Samples:
    """Harmonics that fall by 6 dB an octave and hiss, in syllables with pauses; soft noise."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    pitch = 120.0 + 20.0 * np.sin(2 * np.pi * 0.7 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    sound = sum(np.sin(k * phase) / k for k in range(1, 50))
    sound = sound + 0.05 * rng.normal(size=len(time))
    syllables = (np.sin(2 * np.pi * 2.0 * time) > 0.0).astype(float)
    ramp = np.hanning(320) / np.hanning(320).sum()
    sound = sound * np.convolve(syllables, ramp, mode="same")
    return 0.3 * sound / np.abs(sound).max() + 1e-5 * rng.normal(size=len(time))


def quality(samples: Samples) -> AudioQuality:
    stream = open_array(np.asarray(samples, np.float32), RATE)
    for _ in stream:
        pass
    return stream.quality


def kinds(samples: Samples) -> set[str]:
    warnings = open_array(np.asarray(samples, np.float32), RATE).waveform().warnings
    return {warning.partition(":")[0] for warning in warnings}


def noisy(samples: Samples, snr: float) -> Samples:
    noise = np.random.default_rng(1).normal(size=len(samples))
    loud = samples[np.abs(samples) > 1e-3]
    return samples + noise * np.sqrt((loud**2).mean()) * 10 ** (-snr / 20)


def telephone(samples: Samples) -> Samples:
    filtered: Samples = sosfilt(butter(8, [300, 3400], "bandpass", fs=RATE, output="sos"), samples)
    return filtered


def room(samples: Samples, seconds: float = 0.5) -> Samples:
    """Through a room in which sound falls by 60 dB in so many seconds."""
    time = np.arange(round(1.2 * seconds * RATE)) / RATE
    response = np.random.default_rng(2).normal(size=len(time)) * 10 ** (-3.0 * time / seconds)
    response /= np.sqrt((response**2).sum())
    response[0] = 1.0
    heard: Samples = fftconvolve(samples, response)
    return 0.3 * heard / np.abs(heard).max()


def clipped(samples: Samples) -> Samples:
    limit = 0.05 * np.abs(samples).max()
    return np.clip(samples, -limit, limit)


SPOILED: dict[str, Callable[[Samples], Samples]] = {
    "noisy": lambda samples: noisy(samples, 0.0),
    "band-limited": telephone,
    "reverberant": room,
    "clipped": clipped,
}


def test_of_good_speech_nothing_is_said() -> None:
    assert kinds(speech()) == set()
    assert kinds(0.03 * speech()) == set()


@pytest.mark.parametrize("kind", SPOILED)
def test_what_was_done_is_said_and_nothing_else(kind: str) -> None:
    assert kinds(SPOILED[kind](speech())) == {kind}


def test_the_snr_roughly_follows_the_true_one() -> None:
    found = [quality(noisy(speech(), snr)).snr for snr in (0.0, 10.0, 20.0)]
    for estimated, true in zip(found, (0.0, 10.0, 20.0), strict=True):
        assert estimated == pytest.approx(true, abs=8.0)
    assert found == sorted(found)


def test_decays_follow_the_reverberation_time() -> None:
    found = [quality(room(speech(), seconds)).decay for seconds in (0.3, 0.5, 0.8)]
    for decay, seconds in zip(found, (0.3, 0.5, 0.8), strict=True):
        assert decay == pytest.approx(80.0 / seconds, rel=0.4)


@pytest.mark.parametrize("n_pieces", [1, 7, 1000])
def test_blocks_leave_no_seam(n_pieces: int) -> None:
    samples = noisy(speech(), 15.0).astype(np.float32)
    meter = QualityMeter(RATE)
    for piece in np.array_split(samples, n_pieces):
        meter.add(piece)
    whole = QualityMeter(RATE)
    whole.add(samples)
    expected, found = measure_quality(whole, 0), measure_quality(meter, 0)
    assert astuple(found) == pytest.approx(astuple(expected), rel=1e-4)


def test_nothing_is_told_of_next_to_nothing() -> None:
    for samples in (np.zeros(RATE), speech()[:3000], np.zeros(0) + 0.5):
        meter = QualityMeter(RATE)
        meter.add(samples.astype(np.float32))
        assert measure_quality(meter, 0) == AudioQuality(None, None, None, None, None, 0.0)


def test_a_low_rate_has_no_band_to_miss() -> None:
    meter = QualityMeter(8000)
    meter.add(speech()[::2].astype(np.float32))
    found = measure_quality(meter, 0)
    assert found.band_edge is None
    assert found.snr is not None


def test_what_is_held_does_not_grow_with_the_recording() -> None:
    meter = QualityMeter(1000)
    for _ in range(20):
        meter.add(np.ones(100_000, np.float32))
    assert len(meter.frames()) * 0.016 < MAX_SECONDS + 101.0
    assert meter.n_samples == 2_000_000


def test_flat_runs_are_counted_at_full_scale_and_where_they_are_many() -> None:
    wave = np.sin(2 * np.pi * 100.0 * np.arange(RATE) / RATE)[:, None]
    assert count_clipped(wave) == 0
    assert count_clipped(0.02 * np.clip(wave, -0.5, 0.5)) > 0.5 * RATE
    # A few samples at the top of a quiet wave are no clipping, at full scale they are.
    few = 0.5 * wave
    few[[100, 101, 102]] = 0.6
    assert count_clipped(few) == 0
    assert count_clipped(few / 0.6) == 3
    # What has a few steps alone is flat everywhere.
    assert count_clipped(np.round(2 * wave) / 32768) == 0
