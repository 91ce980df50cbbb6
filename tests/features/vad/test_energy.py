import numpy as np
import pytest
from bilstm_hmm.features.audio.level import ENVELOPE_LOOKAHEAD
from bilstm_hmm.features.frames import FloatArray
from bilstm_hmm.features.vad.energy import FRAME_SECONDS, NOISE_WINDOW, EnergyVad
from hypothesis import given, settings
from hypothesis import strategies as st

RATE = 8000


def tone(seconds: float, level: float) -> FloatArray:
    """A buzz with the level in dB of its RMS."""
    times = np.arange(round(seconds * RATE)) / RATE
    wave = np.sign(np.sin(2 * np.pi * 200.0 * times + 0.1))
    return np.asarray(10.0 ** (level / 20.0) * wave, np.float32)


def noise(seconds: float, level: float, seed: int = 0) -> FloatArray:
    wave = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return np.asarray(10.0 ** (level / 20.0) * wave, np.float32)


def speech(samples: FloatArray, below: float = 35.0) -> np.ndarray:
    detector = EnergyVad(RATE, below)
    return np.concatenate([detector.push(samples)[0], detector.flush()[0]])


def test_speech_is_what_is_near_to_the_loudest() -> None:
    is_speech = speech(np.concatenate([tone(1.0, -20.0), tone(1.0, -60.0), tone(1.0, -30.0)]))
    assert len(is_speech) == 300
    assert is_speech[:100].all()
    assert not is_speech[100:200].any()
    assert is_speech[200:].all()


def test_what_is_far_below_the_floor_is_no_speech() -> None:
    assert not speech(tone(2.0, -80.0)).any()
    assert not speech(np.zeros(RATE, np.float32)).any()


def test_a_quiet_beginning_waits_for_what_comes() -> None:
    """Room noise right before the first word is not taken for speech."""
    is_speech = speech(np.concatenate([noise(0.25, -58.0), tone(1.0, -20.0)]))
    assert not is_speech[:25].any()
    assert is_speech[25:].all()


def test_the_peak_around_falls_slowly() -> None:
    """After a shout a calm voice is heard again once the peak has fallen to within the range."""
    words = [np.concatenate([tone(0.3, -42.0), np.zeros(RATE // 10, np.float32)])] * 30
    is_speech = speech(np.concatenate([tone(0.5, -2.0), *words]), below=35.0)
    first = int(np.flatnonzero(is_speech[50:])[0]) * FRAME_SECONDS
    assert first == pytest.approx(5.0, abs=0.4)


def test_steady_noise_is_no_speech_once_it_is_known() -> None:
    room = noise(NOISE_WINDOW + 5.0, -45.0)
    is_speech = speech(room)
    n_noise_frames = round(NOISE_WINDOW / FRAME_SECONDS)
    assert not is_speech[n_noise_frames + 10 :].any()
    voice = room.copy()
    voice[7 * RATE : 8 * RATE] += tone(1.0, -25.0)
    is_speech = speech(voice)
    assert is_speech[700:800].all()
    assert not is_speech[n_noise_frames + 10 : 700].any()
    assert not is_speech[800:].any()


@given(
    seed=st.integers(0, 1000),
    sizes=st.lists(st.integers(0, 3000), max_size=30),
)
@settings(deadline=None, max_examples=40)
def test_blocks_of_any_size_give_the_same(seed: int, sizes: list[int]) -> None:
    rng = np.random.default_rng(seed)
    samples = np.concatenate([noise(0.3, rng.uniform(-70, -10), seed + i) for i in range(25)])
    whole = speech(samples)
    detector, parts, first = EnergyVad(RATE, 35.0), [], 0
    for size in sizes:
        parts.append(detector.push(samples[first : first + size])[0])
        first += size
        seconds = min(first, len(samples)) / RATE
        assert sum(map(len, parts)) >= round((seconds - ENVELOPE_LOOKAHEAD) / FRAME_SECONDS) - 1
    parts += [detector.push(samples[first:])[0], detector.flush()[0]]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_levels_are_those_of_the_frames() -> None:
    detector = EnergyVad(RATE, 35.0)
    _, levels = detector.push(np.concatenate([tone(1.0, -20.0), tone(1.0, -40.0)]))
    np.testing.assert_allclose(levels[:100], -20.0, atol=1e-3)
    np.testing.assert_allclose(levels[100:], -40.0, atol=1e-3)
