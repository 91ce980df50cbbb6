"""The level of a recording that comes block by block."""

import numpy as np
import pytest
from bilstm_hmm.features.audio.level import (
    ENVELOPE_LOOKAHEAD,
    MIN_GAIN_PEAK,
    RELEASE,
    GainNormaliser,
)
from hypothesis import given, settings
from hypothesis import strategies as st

RATE, HOP = 8000, 80


def normalised(samples: np.ndarray, cuts: tuple[int, ...] = ()) -> np.ndarray:
    normaliser = GainNormaliser(RATE, HOP)
    parts = [normaliser.push(block) for block in np.split(samples, cuts)]
    return np.concatenate([*parts, normaliser.flush()])


def envelope(samples: np.ndarray) -> np.ndarray:
    """Gain at each point, by a loop over all that came before: the definition."""
    ahead = round(ENVELOPE_LOOKAHEAD * RATE / HOP)
    count = -(-len(samples) // HOP)
    peaks = [np.abs(samples[h * HOP : (h + 1) * HOP]).max(initial=0.0) for h in range(count)]
    gains = []
    for point in range(count + 1):
        level = 20 * np.log10(MIN_GAIN_PEAK)
        for before in range(point + 1):
            peak = max([*peaks[before : before + ahead], MIN_GAIN_PEAK])
            level = max(level, 20 * np.log10(peak) - RELEASE * HOP / RATE * (point - before))
        gains.append(10 ** (-level / 20))
    return np.array(gains)


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    loudness = np.repeat(10 ** rng.uniform(-4, 0, int(seconds * 4) + 1), RATE // 4)
    count = int(seconds * RATE)
    return (loudness[:count] * rng.uniform(-1, 1, count)).astype(np.float32)


@pytest.mark.parametrize("count", [1, 79, 80, 81, 2400, 2401, 12_345])
def test_each_moment_is_divided_by_the_envelope(count: int) -> None:
    samples = noise(2.0)[:count]
    gains = envelope(samples)
    position = np.arange(count) / HOP
    curve = np.interp(position, np.arange(len(gains)), gains)
    np.testing.assert_allclose(normalised(samples), samples * curve, rtol=2e-5, atol=1e-7)


@given(
    seed=st.integers(0, 100),
    cuts=st.lists(st.integers(0, 16_000), max_size=12),
)
@settings(deadline=None, max_examples=40)
def test_blocks_of_any_size_give_the_same(seed: int, cuts: list[int]) -> None:
    samples = noise(2.0, seed)
    scaled = normalised(samples, tuple(sorted(cuts)))
    np.testing.assert_allclose(scaled, normalised(samples), rtol=1e-5, atol=1e-7)
    assert len(scaled) == len(samples)
    # The envelope falls by a hundredth of a decibel from hop to hop.
    assert np.abs(scaled).max() <= 1.0 + 2e-3


def test_samples_one_by_one() -> None:
    samples = noise(0.6)
    np.testing.assert_allclose(
        normalised(samples, tuple(range(1, len(samples)))),
        normalised(samples),
        rtol=1e-5,
        atol=1e-7,
    )


def test_the_gain_of_a_recording_does_not_matter() -> None:
    samples = noise(20.0) + 0.05
    np.testing.assert_allclose(normalised(samples), normalised(0.1 * samples), rtol=1e-3, atol=1e-4)


def test_speech_is_at_its_peak_and_a_pause_stays_quiet() -> None:
    rng = np.random.default_rng(1)
    speech = 0.2 * rng.uniform(-1, 1, 5 * RATE)
    pause = 2e-4 * rng.uniform(-1, 1, 3 * RATE)
    scaled = normalised(np.concatenate([speech, pause, speech]).astype(np.float32))
    assert np.abs(scaled[: 5 * RATE]).max() == pytest.approx(1.0, abs=0.01)
    # Three seconds later the envelope has fallen by three decibels, no more.
    assert np.abs(scaled[int(5.1 * RATE) : int(7.6 * RATE)]).max() < 2e-4 / 0.2 * 10 ** (3 / 20)


def test_silence_stays_silence_and_noise_is_not_blown_up() -> None:
    assert not normalised(np.zeros(RATE, np.float32)).any()
    hiss = 1e-5 * noise(5.0)
    assert np.abs(normalised(hiss)).max() <= 1e-5 / MIN_GAIN_PEAK * 1.001
