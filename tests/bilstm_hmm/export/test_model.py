"""The one graph gives of one utterance what the toolkit gives of it as one speech segment."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from bilstm_hmm.features.audio.reading import read_audio
from bilstm_hmm.features.vad.segmenter import SpeechSegment
from numpy.typing import NDArray

from bilstm_hmm.config.shipped import shipped_folder
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.export.model import export_model as export_recording_model
from bilstm_hmm.export.refusals import check_exportable
from bilstm_hmm.export.streams import STREAM_WRITERS
from bilstm_hmm.inference.answer import answers, scores_probabilities
from bilstm_hmm.inference.bundle import Bundle, restrict
from bilstm_hmm.inference.bundle_files import read_bundle
from bilstm_hmm.inference.scoring import RecordingScores, ScoredRecording, Scorer
from bilstm_hmm.network.onnx_export import OPSET
from tests.bilstm_hmm.export.beside import SHIPPED
from tests.bilstm_hmm.export.real_clips import real_clips

Samples = NDArray[np.float32]
Sound = Callable[..., Samples]
TOLERANCE = 1e-4

#: Recipes, each with something that is written otherwise than in the others.
RECIPES: dict[str, dict[str, Any]] = {
    "as recipes are": {},
    "views": {"decision": {"warps": [0.9, 1.0, 1.1]}},
    "views of all streams": {
        "features": {
            "streams": ["lfcc", "energy", "contrast", "mfcc", "chroma", "mel"],
            "deltas": 2,
        },
        "decision": {"warps": [0.9, 1.0]},
    },
    "a known voice": {
        "voice": {"known_clips": [0, 5]},
        "decision": {"warps": [0.9, 1.0, 1.1]},
        "network": {"skip": True},
    },
    "pitch of a known voice": {
        "features": {"streams": ["mel", "energy", "pitch"], "pitch_step": 4, "deltas": 0},
        "voice": {"known_clips": [0, "all"]},
        "decision": {"warps": [0.9, 1.0]},
        "network": {"stack": 1},
    },
    "pitch in every frame": {"features": {"streams": ["pitch", "mfcc"]}},
    "by the clip": {"features": {"normalisation": "clip", "deltas": 0}},
    "as it is": {
        "features": {
            "normalisation": "none",
            "level": "none",
            "trim_db": None,
            "preemphasis": 0.0,
            "n_mfcc": 4,
        }
    },
    "other frames": {
        "features": {
            "n_fft": 1000,
            "frame_length": 601,
            "hop_length": 250,
            "window": "hann",
            "rate": 22050,
        }
    },
    "convolutions": {
        "network": {
            "family": "cnn_bilstm",
            "stack": 1,
            "convolutions": [{"filters": 6, "kernel": 5, "stride": 4}],
            "skip": True,
        },
        "training": {"max_seconds": 2.0},
    },
    "short windows": {"training": {"max_seconds": 1.0}},
    "other durations": {
        "timeline": {"expected_duration": 2.0, "min_duration": 0.01, "utterance_duration": 1.0},
        "decision": {"warps": [0.9, 1.0, 1.1]},
    },
    "the network alone": {"decision": {"system": "bilstm"}},
    "the HMMs alone": {"decision": {"system": "hmm"}},
    "left to right": {"left_right": True, "decision": {"system": "hmm"}},
    "of frame logits": {"from_logits": True},
}


def export_model(bundle: Bundle, metadata: dict[str, str]) -> bytes:
    return export_recording_model(bundle, metadata, one_utterance=True)


def run(content: bytes, samples: Samples) -> dict[str, NDArray[np.float32]]:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"samples": samples}), strict=True))


def segment_scores(bundle: Bundle, samples: Samples) -> RecordingScores:
    (scores,) = Scorer(bundle).score_segments([SpeechSegment(0, samples)])
    return scores


def assert_same(
    bundle: Bundle, content: bytes, samples: Samples, tolerance: float = TOLERANCE
) -> None:
    found, scores = run(content, samples), segment_scores(bundle, samples)
    expected = scores_probabilities(bundle, scores)
    np.testing.assert_allclose(found["probabilities"], expected, atol=tolerance)
    np.testing.assert_allclose(found["clip_logits"], scores.clip_logits[None], atol=1e-3)
    np.testing.assert_allclose(found["frame_logits"], scores.frame_logits, atol=1e-3)
    np.testing.assert_allclose(
        found["frame_log_likelihoods"], scores.frame_log_likelihoods, rtol=1e-3, atol=1e-2
    )
    utterance = ScoredRecording((scores,), is_utterance=True)
    (answer,) = answers(
        bundle, [utterance], [len(samples) / bundle.recipe.features.rate], curves=True
    )
    assert answer.curves is not None
    np.testing.assert_allclose(
        found["frame_probabilities"], answer.curves.probabilities, atol=tolerance
    )
    np.testing.assert_allclose(found["frame_times"], answer.curves.times, atol=1e-4)


@pytest.mark.parametrize("name", RECIPES)
def test_the_graph_says_what_the_toolkit_does(
    name: str, bundle_of: Callable[..., Bundle], sound: Sound
) -> None:
    bundle = bundle_of(**RECIPES[name])
    content = export_model(bundle, {"model": bundle.model_id})
    for seed, n in enumerate((1, 300, 16000, 33333, 100001)):
        assert_same(bundle, content, sound(n, seed))


def test_of_any_level_and_in_silence_too(bundle_of: Callable[..., Bundle], sound: Sound) -> None:
    bundle = bundle_of(voice={"known_clips": [0]})
    content = export_model(bundle, {})
    samples = sound(20000)
    for each in (1e-4 * samples, 1e3 * samples):
        assert_same(bundle, content, each.astype(np.float32))
    # So far from any speech that single precision shows.
    assert_same(bundle, content, np.zeros(9000, np.float32), tolerance=1e-3)
    silence = np.zeros(30000, np.float32)
    assert_same(bundle, content, np.concatenate([silence, samples, silence]))


def test_some_emotions_alone(bundle_of: Callable[..., Bundle], sound: Sound) -> None:
    bundle = restrict(bundle_of(), ["sad", "happy"])
    content = export_model(bundle, {})
    assert run(content, sound(20000))["probabilities"].shape == (2,)
    assert_same(bundle, content, sound(20000))


def test_long_recordings_lose_no_digits(bundle_of: Callable[..., Bundle], sound: Sound) -> None:
    bundle = bundle_of(decision={"system": "hmm"}, network={"stack": 1})
    assert_same(bundle, export_model(bundle, {}), sound(120 * 16000))


def test_operators_are_standard_and_metadata_stand_in_the_file(
    bundle_of: Callable[..., Bundle],
) -> None:
    model = onnx.load_from_string(export_model(bundle_of(), {"labels": "x", "card": "é"}))
    onnx.checker.check_model(model, full_check=True)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", OPSET)]
    assert {node.domain for node in model.graph.node} == {""}
    assert {entry.key: entry.value for entry in model.metadata_props} == {
        "labels": "x",
        "card": "é",
    }


def test_the_same_bundle_gives_the_same_bytes(bundle_of: Callable[..., Bundle]) -> None:
    assert export_model(bundle_of(), {}) == export_model(bundle_of(), {})


def test_what_cannot_be_a_graph_is_refused_in_a_sentence(
    bundle_of: Callable[..., Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = bundle_of(features={"streams": ["mfcc", "pitch"]})
    check_exportable(bundle)
    # As a stream that somebody has added.
    monkeypatch.delitem(STREAM_WRITERS, "pitch")
    with pytest.raises(ToolkitError, match=r"its feature stream pitch is not among"):
        check_exportable(bundle)


@pytest.mark.parametrize("name", SHIPPED)
def test_models_that_ship(name: str, sound: Sound) -> None:
    bundle = read_bundle(shipped_folder("models") / name)
    content = export_model(bundle, {})
    for seed, n in enumerate((20000, 48000, 200000)):
        assert_same(bundle, content, sound(n, seed))


@pytest.mark.skipif(not real_clips(7), reason="EMOTION_CORPORA names no folder of corpora")
@pytest.mark.parametrize("name", SHIPPED)
def test_real_speech(name: str) -> None:
    bundle = read_bundle(shipped_folder("models") / name)
    content = export_model(bundle, {})
    clips = real_clips(7)
    assert len(clips) == 20
    for path in clips:
        assert_same(bundle, content, read_audio(path, bundle.recipe.features.rate).samples)
