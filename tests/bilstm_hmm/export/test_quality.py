"""The graph is as much less sure of a bad recording as the toolkit is."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from bilstm_hmm.features.audio.reading import open_array, read_audio
from bilstm_hmm.features.degradation.conditions import CONDITIONS, Surrounded
from numpy.typing import NDArray

from bilstm_hmm.confidence.quality_temperature import FEATURES, QualityTemperature
from bilstm_hmm.confidence.reliability import Reliability
from bilstm_hmm.export.model import export_model
from bilstm_hmm.inference.bundle import Bundle
from tests.bilstm_hmm.export.beside import SHIPPED, Exported
from tests.bilstm_hmm.export.real_clips import real_clips
from tests.bilstm_hmm.export.test_recording import SAMPLES, joined, silence, voice
from tests.oracle import oracle_bundle, talk

Samples = NDArray[np.float32]
RATE = 16000
WEIGHTS = (0.31, 0.23, 0.41, 0.53)


def tempered(bundle: Bundle, *weights: float) -> Exported:
    """The bundle with a temperature of the weights."""
    temperature = QualityTemperature(np.array(weights))
    return Exported(replace(bundle, reliability=Reliability(temperature=temperature)))


def expected_temperature(exported: Exported, samples: Samples) -> float:
    bundle = exported.model.bundle
    stream = open_array(samples, bundle.recipe.features.rate, bundle.recipe.features.rate)
    stream.waveform()
    known = bundle.reliability.temperature
    return 1.0 if known is None else known.temperature(stream.quality)


def assert_same(exported: Exported, samples: Samples) -> float:
    """Hold all that the graph says to the toolkit; returns the temperature."""
    found = exported.assert_same(samples)["temperature"]
    assert float(found) == pytest.approx(expected_temperature(exported, samples), abs=1e-4)
    return float(found)


def assert_same_temperature(exported: Exported, samples: Samples) -> float:
    """Hold the temperature alone to the toolkit's; returns it."""
    found = exported.run(samples)["temperature"]
    assert float(found) == pytest.approx(expected_temperature(exported, samples), abs=1e-4)
    return float(found)


@pytest.fixture(scope="module")
def exported(bundle_of: Callable[..., Bundle]) -> Exported:
    return tempered(bundle_of(decision={"warps": [1.0]}), *WEIGHTS)


@pytest.fixture(scope="module")
def oracle_graph() -> Exported:
    return tempered(oracle_bundle(), *WEIGHTS)


def spoilt(condition: str, samples: Samples) -> Samples:
    apply = CONDITIONS[condition].apply
    if apply is None:
        return samples
    others = [np.roll(samples, 3000 * n) for n in range(1, 4)]
    rng = np.random.default_rng(2)
    return np.asarray(apply(Surrounded(samples, RATE, others, rng)), np.float32)


def speech() -> Samples:
    """Some seconds of several utterances."""
    return read_audio(SAMPLES[-1], RATE).samples


@pytest.mark.parametrize("condition", CONDITIONS)
def test_of_recordings_that_are_spoilt(
    condition: str, exported: Exported, oracle_graph: Exported
) -> None:
    assert_same(exported, spoilt(condition, voice()))
    assert_same_temperature(exported, spoilt(condition, speech()))
    assert_same(oracle_graph, spoilt(condition, talk("happy")))


def test_of_several_segments(oracle_graph: Exported) -> None:
    samples = talk("happy", 0.4, "angry", 0.4, "angry", 0.4, "sad", 0.3, "angry", 0.4, "angry")
    for condition in ("clean", "clipping"):
        assert_same(oracle_graph, spoilt(condition, samples))


@pytest.mark.parametrize("index", range(len(FEATURES)), ids=FEATURES)
def test_each_fault_counts(index: int, bundle_of: Callable[..., Bundle]) -> None:
    weights = [0.0] * len(FEATURES)
    weights[index] = 0.5
    exported = tempered(bundle_of(decision={"warps": [1.0]}), *weights)
    condition = ("pink-0", "telephone", "room", "clipping")[index]
    assert assert_same_temperature(exported, spoilt(condition, speech())) > 1.0


def test_of_recordings_too_short_to_be_measured_only_clipping_is_known(exported: Exported) -> None:
    tone = np.sin(np.arange(round(0.3 * RATE)) / 5.0).astype(np.float32)
    flat = np.clip(4.0 * tone, -1.0, 1.0).astype(np.float32)
    assert assert_same(exported, tone) == 1.0
    assert assert_same(exported, flat) > 1.0
    for samples in (silence(2.0), silence(1e-4), joined(silence(1.0), 0.5 * flat)):
        assert_same(exported, samples)


def test_clipping_is_counted_block_by_block(exported: Exported) -> None:
    soft = 0.1 * joined(*[speech()] * 2)
    loud = np.clip(30.0 * voice(), -1.0, 1.0).astype(np.float32)
    below = 0.4 * loud
    for samples in (joined(soft, loud), joined(soft, below), joined(loud, soft, below)):
        # More than a block.
        assert len(samples) > 1 << 18
        assert_same_temperature(exported, samples.astype(np.float32))


def test_of_rates_that_have_not_all_bands(bundle_of: Callable[..., Bundle]) -> None:
    features = {"rate": 8000, "fmax": 3800.0, "n_fft": 256, "frame_length": 200, "hop_length": 80}
    exported = tempered(bundle_of(features=features), *WEIGHTS)
    samples = speech()[::2].copy()
    for each in (samples, spoilt("pink-10", samples)):
        assert_same_temperature(exported, each)


def test_without_a_temperature_it_is_one(bundle_of: Callable[..., Bundle]) -> None:
    plain, none = Exported(bundle_of()), tempered(bundle_of(), *[0.0] * len(FEATURES))
    for exported in (plain, none):
        found = exported.assert_same(spoilt("pink-0", voice()))
        assert found["temperature"] == 1.0


def test_one_utterance_has_no_recording_around_it_to_be_measured(exported: Exported) -> None:
    bundle = exported.model.bundle
    plain = replace(bundle, reliability=Reliability())
    assert export_model(bundle, {}, one_utterance=True) == export_model(
        plain, {}, one_utterance=True
    )


@pytest.mark.skipif(not real_clips(11), reason="EMOTION_CORPORA names no folder of corpora")
@pytest.mark.parametrize("name", SHIPPED)
def test_real_speech_that_is_spoilt(name: str) -> None:
    from bilstm_hmm.config.shipped import shipped_folder
    from bilstm_hmm.inference.bundle_files import read_bundle

    exported = Exported(read_bundle(shipped_folder("models") / name))
    conditions = list(CONDITIONS)
    for number, path in enumerate(real_clips(11)):
        condition = conditions[number % len(conditions)]
        assert_same(exported, spoilt(condition, read_audio(path, RATE).samples))
