"""The one graph finds the speech in a recording, and gives of it what `predict` gives."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from bilstm_hmm.features.audio.reading import read_audio
from bilstm_hmm.features.vad.network import SpeechProbabilities
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bilstm_hmm.config.shipped import shipped_folder
from bilstm_hmm.export.model import export_model
from bilstm_hmm.export.voice import learning
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.bundle_files import read_bundle
from bilstm_hmm.inference.voice import learner
from tests.bilstm_hmm.export.beside import SHIPPED, Exported
from tests.bilstm_hmm.export.real_clips import real_clips
from tests.oracle import oracle_bundle, talk

Samples = NDArray[np.float32]
RATE = 16000
SAMPLES = sorted(Path(__file__).parents[3].glob("samples/*.wav"))


@pytest.fixture(scope="module")
def default() -> Exported:
    return Exported(read_bundle(shipped_folder("models") / "default"))


@pytest.fixture(scope="module")
def oracle_graph() -> Exported:
    return Exported(oracle_bundle())


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), np.float32)


def voice() -> Samples:
    return read_audio(SAMPLES[0], RATE).samples


def joined(*parts: Samples) -> Samples:
    return np.concatenate(parts)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_recordings_of_one_utterance_and_of_many(default: Exported, path: Path) -> None:
    found = default.assert_same(read_audio(path, RATE).samples)
    assert len(found["segment_probabilities"]) == len(found["segments"]) > 0
    assert sorted(set(found["frame_segments"].tolist())) == list(range(len(found["segments"])))


def test_speech_probabilities_are_those_of_the_detector(default: Exported) -> None:
    samples = read_audio(SAMPLES[-1], RATE).samples
    detector = SpeechProbabilities(RATE)
    known = detector.push(samples)
    missing = -(-len(samples) // detector.hop) - len(known)
    expected = np.concatenate([known, detector.flush(missing)])
    np.testing.assert_allclose(default.run(samples)["speech_probabilities"], expected, atol=1e-4)


def test_where_nobody_speaks_all_is_zero_and_there_is_no_segment(default: Exported) -> None:
    rng = np.random.default_rng(0)
    noise = (0.1 * rng.standard_normal(3 * RATE)).astype(np.float32)
    knock = silence(1.0)
    knock[8000:8100] = 0.9
    for samples in (silence(1e-4), silence(0.005), silence(2.0), noise, knock):
        found = default.assert_same(samples)
        assert not found["segments"].size
        assert not found["frame_probabilities"].size
        assert not found["probabilities"].any()


def test_what_lies_around_an_utterance_is_cut_off(default: Exported) -> None:
    rng = np.random.default_rng(1)
    click = joined(silence(0.5), np.full(80, 0.5, np.float32), silence(2.5))
    hiss = (0.01 * rng.standard_normal(2 * RATE)).astype(np.float32)
    for around in (silence(3.0), hiss, click):
        default.assert_same(joined(around, voice(), around))


def test_the_loudest_and_the_softest_recordings(default: Exported) -> None:
    for gain in (1e-3, 1.0, 3.0):
        default.assert_same((gain * voice()).astype(np.float32))


@pytest.mark.parametrize(
    "parts",
    [
        ("happy",),
        ("sad", 0.4, "sad", 0.4, "sad"),
        ("happy", 0.3, "angry", 0.3, "fearful", 1.0, "neutral", 0.2, "sad", 0.5, "sad", "sad"),
        # Beyond this silence nothing is known of what was before.
        ("angry", 13.0, "sad", 0.3, "sad", 14.0, "happy", 20.0, "happy"),
        # One emotion throughout.
        ("angry", 0.5, "angry", 0.5, "angry", 0.5, "angry", 0.5, "angry", 0.5, "angry", "angry"),
    ],
    ids=["utterance", "pauses", "changes", "sections", "throughout"],
)
def test_several_segments_are_decided_together(oracle_graph: Exported, parts: Any) -> None:
    oracle_graph.assert_same(talk(*parts))


def test_speech_without_a_pause_is_cut_where_it_is_quietest(oracle_graph: Exported) -> None:
    samples = talk(*["sad"] * 12)
    found = oracle_graph.assert_same(samples)
    assert len(found["segments"]) > 5


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    lengths=st.lists(st.floats(0.02, 1.5), min_size=1, max_size=16),
    levels=st.lists(st.floats(-80.0, 0.0), min_size=16, max_size=16),
    seed=st.integers(0, 99),
)
def test_whatever_is_loud_when(
    oracle_graph: Exported, lengths: list[float], levels: list[float], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    sound = [
        10.0 ** (level / 20.0) * rng.uniform(-1.0, 1.0, round(length * RATE))
        for length, level in zip(lengths, levels, strict=False)
    ]
    samples = np.concatenate(sound).astype(np.float32)
    assert oracle_graph.run(samples)["segments"].tolist() == oracle_graph.segments(samples)


@pytest.mark.parametrize(
    "timeline",
    [
        {"vad": "energy", "max_speech": 0.5, "min_silence": 0.4},
        {"vad": "energy", "max_speech": 0.7, "min_silence": 1.2},
        {"vad": "network", "max_below_peak_db": 20.0, "min_silence_at_max_speech": 0.05},
    ],
)
def test_other_pauses_and_lengths(
    timeline: dict[str, Any], bundle_of: Callable[..., Bundle], sound: Callable[..., Samples]
) -> None:
    exported = Exported(
        bundle_of(timeline=timeline, network={"stack": 1}, training={"max_seconds": 1.0})
    )
    for samples in (sound(6 * RATE), joined(sound(RATE), silence(2.0), voice(), voice())):
        exported.assert_same(samples)


def test_of_another_rate(bundle_of: Callable[..., Bundle], sound: Callable[..., Samples]) -> None:
    features = {"n_fft": 1024, "frame_length": 600, "hop_length": 240, "rate": 22050}
    exported = Exported(bundle_of(features=features))
    exported.assert_same(joined(sound(22050), np.zeros(40000, np.float32), sound(30000, 3)))


#: As the model that ships has them, but for its network.
VOICES = {
    "features": {"streams": ["mel", "energy", "pitch"], "pitch_step": 4, "deltas": 0},
    "voice": {"known_clips": [0, 5], "mean_prior": 1.5, "std_prior": 2.0},
    "decision": {"warps": [0.9, 1.0]},
}


def test_a_known_voice_in_one_utterance_and_in_many(bundle_of: Callable[..., Bundle]) -> None:
    exported = Exported(bundle_of(**VOICES))
    exported.assert_same(voice())
    found = exported.assert_same(read_audio(SAMPLES[-1], RATE).samples)
    assert len(found["segments"]) > 3


def test_a_voice_is_learned_no_longer_than_predict_learns_it(
    bundle_of: Callable[..., Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = read_audio(SAMPLES[-1], RATE).samples
    for seconds in (0.1, 4.0):
        for module in (learner, learning):
            monkeypatch.setattr(module, "LEARNED_SECONDS", seconds)
        Exported(bundle_of(**VOICES)).assert_same(samples)


def test_operators_are_standard_and_no_name_stands_for_two_values(
    bundle_of: Callable[..., Bundle],
) -> None:
    model = onnx.load_from_string(export_model(bundle_of(**VOICES), {}))
    onnx.checker.check_model(model, full_check=True)
    waiting, seen, names = [model.graph], set(), Counter[str]()
    while waiting:
        graph = waiting.pop()
        names.update(value.name for value in (*graph.input, *graph.initializer))
        for node in graph.node:
            seen.add(node.domain)
            names.update(name for name in node.output if name)
            waiting += [each.g for each in node.attribute if each.HasField("g")]
    assert seen == {""}
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.skipif(not real_clips(3), reason="EMOTION_CORPORA names no folder of corpora")
@pytest.mark.parametrize("name", SHIPPED)
def test_real_speech(name: str) -> None:
    exported = Exported(read_bundle(shipped_folder("models") / name))
    clips = [read_audio(path, RATE).samples for path in real_clips(3)]
    assert len(clips) == 20
    for samples in clips:
        exported.assert_same(samples)
    # A conversation of them all.
    exported.assert_same(joined(*clips))
