"""A graph that holds a pre-trained encoder gives what the toolkit gives, which runs it beside."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from bilstm_hmm.features.encoder.store import find_encoder
from bilstm_hmm.features.settings.encoder_catalogue import WHISPER_TINY
from numpy.typing import NDArray
from onnx import helper

from bilstm_hmm.config.shipped import shipped_folder
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.export.encoder.float_sum import write_sum
from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.export.model import export_model
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.bundle_files import read_bundle
from tests.bilstm_hmm.export.beside import Exported

Samples = NDArray[np.float32]
RATE = 16000
TINY = {"taps": ["states_1", "states_2"], "width": 6, "window": 1.0}

#: What is fed otherwise than in the others, and what of the encoder and the streams beside it.
CASES: dict[str, dict[str, Any]] = {
    "silence in front": {},
    "silence behind, averaged": {"padding": "back", "average": 4},
    "as it is": {"normalise": False, "taps": ["states_2"]},
    "a waveform of any length": {"kind": "waveform", "padding": "none", "seconds": None},
    "less silence": {"padding": "front", "silence": 0.2, "seconds": None, "average": 2},
    "less silence behind": {"padding": "back", "silence": 0.1, "seconds": None},
    "beside other streams": {"streams": ["mfcc", "encoder", "energy"], "average": 2},
}

Make = Callable[..., Bundle]


@pytest.fixture
def with_encoder(
    store: Path, tmp_path: Path, make_encoder: Callable[..., Path], bundle_of: Make
) -> Make:
    """Return a function of what a case changes to a bundle whose encoder is a tiny one."""

    def make(**changes: Any) -> Bundle:
        kind, seconds = changes.pop("kind", "log-mel"), changes.pop("seconds", 1.0)
        streams, voice = changes.pop("streams", ["encoder"]), changes.pop("voice", {})
        path = make_encoder(tmp_path / "tiny.onnx", kind, seconds)
        encoder = {"model": str(path), "input": kind, **TINY, **changes}
        return bundle_of(
            features={"streams": streams, "encoder": encoder},
            network={"stack": 1},
            voice=voice,
            timeline={"vad": "energy"},
            augmentation={"vocal_tract": {"probability": 0.0}},
        )

    return make


@pytest.mark.parametrize("case", CASES)
def test_an_encoder_is_fed_as_the_toolkit_feeds_it(
    case: str, with_encoder: Make, sound: Callable[..., Samples]
) -> None:
    exported = Exported(with_encoder(**CASES[case]))
    # Less than a window, more than one, and one whose last window is near the one before.
    for seed, n in enumerate((9000, 41000, 26500)):
        assert exported.assert_same(sound(n, seed))["segments"].size


def test_weights_stand_in_the_file_once_though_a_voice_is_learned_first(
    with_encoder: Make, sound: Callable[..., Samples]
) -> None:
    bundle = with_encoder(voice={"known_clips": [0, 5]}, average=2)
    exported = Exported(bundle)
    parts = [sound(RATE, seed) for seed in range(16)]
    found = exported.assert_same(np.concatenate(parts))
    assert len(found["segments"]) > 3
    model = onnx.load_from_string(export_model(bundle, {}))
    names = [constant.name for constant in model.graph.initializer]
    assert names.count("encoder/second") == 1
    assert export_model(bundle, {}).count(b"encoder/second") > 1


def test_sums_are_those_of_numpy_to_the_last_bit() -> None:
    for count in (1, 7, 100, 129, 1003, 8000, 128000):
        graph = ModelWriter()
        graph.add("Identity", write_sum(graph, "samples", count), name="sum")
        ends = [
            helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [n])
            for name, n in (("samples", count), ("sum", 1))
        ]
        session = onnxruntime.InferenceSession(graph.finish("sum", ends[:1], ends[1:], {}))
        values = np.random.default_rng(count).normal(0.1, 1.0, count).astype(np.float32)
        ((found,),) = session.run(None, {"samples": values})
        assert found == values.sum()


def _write(path: Path, node: Any, version: int, **attributes: Any) -> Path:
    heard, states = (
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", "time", width])
        for name, width in (("heard", 320), ("states", 320))
    )
    graph = helper.make_graph([node], "tiny", [heard], [states])
    opsets = [helper.make_opsetid("", version), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    return path


@pytest.mark.parametrize(
    ("node", "version", "reason"),
    [
        (
            helper.make_node("FastGelu", ["heard"], ["states"], domain="com.microsoft"),
            17,
            "its operator com.microsoft.FastGelu is not one of the standard's opset 17",
        ),
        (
            helper.make_node("Gelu", ["heard"], ["states"]),
            20,
            "its operator Gelu is not one of the standard's opset 17",
        ),
        (
            helper.make_node("ReduceMax", ["heard"], ["states"], keepdims=1),
            18,
            "its operator ReduceMax is not one of the standard's opset 17",
        ),
    ],
    ids=["another domain", "too new", "of another version"],
)
def test_an_encoder_of_other_operators_is_refused_in_a_sentence(
    node: Any, version: int, reason: str, store: Path, tmp_path: Path, with_encoder: Make
) -> None:
    from dataclasses import replace

    bundle = with_encoder()
    path = _write(tmp_path / "other.onnx", node, version)
    encoder = bundle.recipe.features.encoder.model_copy(
        update={"model": str(path), "sha256": None, "taps": ("states",)}
    )
    features = bundle.recipe.features.model_copy(update={"encoder": encoder})
    other = replace(bundle, recipe=bundle.recipe.model_copy(update={"features": features}))
    with pytest.raises(ToolkitError, match=reason.replace(".", r"\.")):
        export_model(other, {})


@pytest.mark.skipif(find_encoder(WHISPER_TINY.sha256) is None, reason="its encoder was not fetched")
def test_a_quantised_encoder_gives_what_it_gives_alone(sound: Callable[..., Samples]) -> None:
    exported = Exported(read_bundle(shipped_folder("models") / "accurate"))
    for seed, n in enumerate((30000, 60000, 150000)):
        exported.assert_same(sound(n, seed))
    exported.assert_same(np.concatenate([sound(40000, seed) for seed in range(6)]))
