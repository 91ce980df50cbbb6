"""The network against Keras's own layers, and what its promises rest on."""

import numpy as np
import pytest
from bilstm_hmm.data.synthesis.corpus import synthesise
from bilstm_hmm.data.synthesis.sounds import SOUNDS, make_sound
from bilstm_hmm.features.frames import FloatArray
from bilstm_hmm.features.vad import network
from bilstm_hmm.features.vad.network import SpeechProbabilities, log_mel, shipped_network
from hypothesis import given, settings
from hypothesis import strategies as st

RATE = 16000


def probabilities(
    samples: FloatArray, sizes: list[int] | None = None, rate: int = RATE
) -> FloatArray:
    follower = SpeechProbabilities(rate)
    blocks = np.split(samples, np.cumsum(sizes or []))
    known = np.concatenate([follower.push(block) for block in blocks])
    missing = -(-len(samples) // follower.hop) - len(known)
    return np.concatenate([known, follower.flush(missing)])


@pytest.fixture(scope="module")
def voice() -> FloatArray:
    return np.concatenate([np.zeros(RATE, np.float32), synthesise("neutral", 1, 1)])


@given(sizes=st.lists(st.integers(0, 9000), max_size=12))
@settings(max_examples=25)
def test_blocks_of_any_size_give_the_same(voice: FloatArray, sizes: list[int]) -> None:
    np.testing.assert_allclose(probabilities(voice, sizes), probabilities(voice), atol=1e-5)


def test_it_says_no_more_than_it_can_know(voice: FloatArray) -> None:
    follower = SpeechProbabilities(RATE)
    delay = (len(voice) - len(SpeechProbabilities(RATE).push(voice)) * follower.hop) / RATE
    assert 0.0 <= delay <= network.LOOKAHEAD + 3 * network.FRAME_SECONDS
    # What lies further ahead changes nothing.
    other = voice.copy()
    other[-RATE // 4 :] = 0.3
    end = len(voice) / RATE - 0.25 - network.LOOKAHEAD
    same = int(end * RATE / follower.hop)
    np.testing.assert_array_equal(probabilities(voice)[:same], probabilities(other)[:same])


@pytest.mark.parametrize("gain", [0.1, 0.3, 3.0])
def test_the_gain_hardly_matters(voice: FloatArray, gain: float) -> None:
    rng = np.random.default_rng(0)
    audible = voice + rng.normal(0.0, 1e-2, len(voice)).astype(np.float32)
    loud, quiet = probabilities(audible), probabilities(np.float32(gain) * audible)
    assert ((quiet > 0.5) == (loud > 0.5)).mean() > 0.9
    assert np.abs(quiet - loud).mean() < 0.1


def test_layers_are_those_of_a_framework(voice: FloatArray) -> None:
    """With NumPy's own convolution as the oracle."""
    shipped, levels = shipped_network(), np.random.default_rng(0).normal(-9, 3, (400, 24))
    values = network.network_inputs(levels.astype(np.float32))
    for index, layer in enumerate(shipped.layers[:-1]):
        found, _ = network._convolve(values, index, layer)
        step = network.STRIDE if index == 0 else 1
        dilated = np.zeros(
            ((network.KERNELS[index] - 1) * network.DILATIONS[index] + 1, *layer.kernel.shape[1:])
        )
        dilated[:: network.DILATIONS[index]] = layer.kernel
        expected = sum(
            np.stack(
                [np.convolve(values[:, i], dilated[::-1, i, o], "valid") for o in range(32)], 1
            )
            for i in range(values.shape[1])
        )
        np.testing.assert_allclose(found, np.maximum(expected[::step] + layer.bias, 0.0), atol=2e-4)
        values = found


def test_a_full_scale_tone_has_the_level_of_its_band() -> None:
    times = np.arange(512) / RATE
    levels = log_mel(np.sin(2 * np.pi * 1000.0 * times).astype(np.float32)[None], RATE)[0]
    assert np.ptp(levels) > 10.0
    assert np.exp(levels.max()) < 1.0


def test_silence_and_made_sounds_are_no_speech_and_a_made_voice_is(voice: FloatArray) -> None:
    """What ships, on sounds by the very same generators as it learned from: a check of the file."""
    assert probabilities(np.zeros(3 * RATE, np.float32)).max() < 0.1
    for kind in sorted(set(SOUNDS) - {"music"}):
        sound = make_sound(kind, np.random.default_rng(1), 4 * RATE, RATE)
        assert (probabilities(sound) > 0.8).mean() < 0.1, kind
    assert (probabilities(voice)[: RATE // 512 - 4] < 0.2).all()
    assert (probabilities(voice)[RATE // 512 + 6 :] > 0.8).mean() > 0.5


@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_other_rates_give_about_the_same(voice: FloatArray, rate: int) -> None:
    import soxr

    found = probabilities(soxr.resample(voice, RATE, rate).astype(np.float32), rate=rate)
    expected = probabilities(voice)
    assert len(found) == pytest.approx(len(expected), abs=2)
    speech, silence = expected > 0.8, expected < 0.1
    count = min(len(found), len(expected))
    assert found[:count][speech[:count]].mean() > 0.7
    assert found[:count][silence[:count]].mean() < 0.2
