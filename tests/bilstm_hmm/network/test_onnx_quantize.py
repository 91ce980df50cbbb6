"""The int8 twin of a network: what it says, what it is made of, and that it is small."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bilstm_hmm.config.network_settings import NetworkSettings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")

from bilstm_hmm.inference.session import open_session, run_network  # noqa: E402
from bilstm_hmm.network.build import build_network  # noqa: E402
from bilstm_hmm.network.onnx_export import network_to_onnx  # noqa: E402
from bilstm_hmm.network.onnx_quantize import quantize_network  # noqa: E402
from bilstm_hmm.network.weights import to_half_precision  # noqa: E402

N_FEATURES, N_CLASSES = 12, 4
NAMES = ("hidden", "frame", "clip")
FIELDS = ("hidden", "frame_logits", "clip_logits")
SETTINGS = {
    "bilstm": {"family": "bilstm", "units": (16, 8), "stack": 2, "dense": 10},
    "cnn_bilstm": {
        "family": "cnn_bilstm",
        "units": (16,),
        "convolutions": ({"filters": 8, "kernel": 5, "stride": 2},),
    },
    "cnn_lstm": {
        "family": "cnn_lstm",
        "units": (16, 8),
        "convolutions": ({"filters": 12, "kernel": 3},),
        "attention": False,
    },
    "image": {
        "family": "cnn_lstm",
        "image": {"channels": 2},
        "convolutions": ({"filters": 6, "kernel": 3, "pool": (2, 2)},),
        "units": (16,),
        "attention": False,
    },
    "chunks": {
        "family": "cnn_bilstm",
        "image": {"chunk": 8, "projection": 10},
        "convolutions": ({"filters": 6, "kernel": 3, "pool": (2, 4)},),
        "units": (16,),
    },
}

Clips = list[NDArray[np.float32]]


def written(settings: NetworkSettings, half: bool = False) -> bytes:
    """An untrained network as ONNX."""
    keras.utils.set_random_seed(1)
    model = build_network(settings, N_FEATURES, N_CLASSES)
    if half:
        for weight in model.weights:
            weight.assign(to_half_precision(np.array(keras.ops.convert_to_numpy(weight))))
    return network_to_onnx(model, settings)


def operators(network: bytes) -> Counter[str]:
    import onnx

    return Counter(node.op_type for node in onnx.load_from_string(network).graph.node)


@pytest.fixture(scope="module", params=SETTINGS)
def settings(request: pytest.FixtureRequest) -> NetworkSettings:
    return NetworkSettings.model_validate(SETTINGS[request.param])


@pytest.fixture(scope="module")
def network(settings: NetworkSettings) -> bytes:
    return written(settings)


@pytest.fixture(scope="module")
def clips() -> Clips:
    rng = np.random.default_rng(2)
    lengths = (1, 5, *rng.integers(20, 70, size=58))
    # A voice of its own for each.
    voices = rng.normal(size=(len(lengths), N_FEATURES))
    return [
        rng.normal(voice, 1.0, size=(length, N_FEATURES)).astype(np.float32)
        for voice, length in zip(voices, lengths, strict=True)
    ]


def outputs(network: bytes, settings: NetworkSettings, clips: Clips) -> dict[str, list[Any]]:
    found = run_network(open_session(network, "test"), clips, settings.stride)
    return {
        name: [getattr(output, field) for output in found]
        for name, field in zip(NAMES, FIELDS, strict=True)
    }


def test_it_says_nearly_what_the_float_network_says(
    network: bytes, settings: NetworkSettings, clips: Clips
) -> None:
    expected = outputs(network, settings, clips)
    said = outputs(quantize_network(network), settings, clips)
    for name in NAMES:
        for clip, one, other in zip(clips, expected[name], said[name], strict=True):
            assert one.shape == other.shape
            if name != "clip":
                assert len(other) == -(-len(clip) // settings.stride)
        one, other = np.concatenate(expected[name]), np.concatenate(said[name])
        # 0.03 and 0.11 of the spread at most, where this was written.
        assert 0.0 < np.abs(one - other).mean() < 0.08 * one.std()
        np.testing.assert_allclose(other, one, atol=0.25 * one.std())
    # An untrained network likes one class best: what it makes of a clip is what it says besides.
    usual = np.mean(expected["clip"], axis=0)
    labels, quantised = (
        (np.stack(found["clip"]) - usual).argmax(axis=1) for found in (expected, said)
    )
    assert len(set(labels)) == N_CLASSES
    # 0.97 where this was written; those that differ lie between two classes.
    assert np.mean(labels == quantised) >= 0.8


def test_lengths_hold_as_in_float(settings: NetworkSettings, network: bytes, clips: Clips) -> None:
    """A clip says nearly the same alone and among longer ones, and what pads it says nothing."""
    session = open_session(quantize_network(network), "test")
    short, longer = clips[1], clips[2]
    total = len(longer) + 9
    batch = np.zeros((2, total, N_FEATURES), np.float32)
    for row, clip in enumerate((short, longer)):
        batch[row, : len(clip)] = clip
    lengths = np.array([len(short), len(longer)], np.int32)
    together = session.run(NAMES, {"frames": batch, "lengths": lengths})
    steps = -(-len(short) // settings.stride)
    alone = session.run(NAMES, {"frames": short[None], "lengths": lengths[:1]})
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(other[0, :steps], one[0, :steps], atol=0.1)
    # The padding is outside of the clip: other numbers there are not heard.
    batch[0, len(short) :] = 1.0
    heard = session.run(NAMES, {"frames": batch, "lengths": lengths})
    for one, other in zip(together, heard, strict=True):
        np.testing.assert_allclose(other[0, :steps], one[0, :steps], atol=0.1)


def test_it_is_what_onnx_runtimes_own_tool_makes(
    settings: NetworkSettings, network: bytes, clips: Clips, tmp_path: Path
) -> None:
    from onnxruntime import quantization

    (tmp_path / "float.onnx").write_bytes(network)
    quantization.quantize_dynamic(
        tmp_path / "float.onnx",
        tmp_path / "int8.onnx",
        op_types_to_quantize=["LSTM", "MatMul"],
        per_channel=True,
        reduce_range=True,
        weight_type=quantization.QuantType.QInt8,
        extra_options={"DefaultTensorType": 1},
    )
    theirs = outputs((tmp_path / "int8.onnx").read_bytes(), settings, clips)
    ours = outputs(quantize_network(network), settings, clips)
    for name in NAMES:
        for expected, said in zip(theirs[name], ours[name], strict=True):
            np.testing.assert_allclose(said, expected, atol=1e-4)


def test_lstms_and_matrices_are_int8_and_convolutions_are_not(
    settings: NetworkSettings, network: bytes
) -> None:
    before, after = operators(network), operators(quantize_network(network))
    assert after["DynamicQuantizeLSTM"] == before["LSTM"] == len(settings.units)
    assert after["MatMulInteger"] == before["MatMul"] > 0
    assert after["Conv"] == before["Conv"]
    assert not after["LSTM"] + after["MatMul"]


def test_it_is_small_and_stays_float_in_half_precision() -> None:
    settings = NetworkSettings.model_validate(
        {
            "family": "cnn_bilstm",
            "units": (48,),
            "convolutions": ({"filters": 32, "kernel": 3}, {"filters": 64, "kernel": 9}),
        }
    )
    full, half = written(settings), written(settings, half=True)
    assert len(half) < len(full)
    # A weight of an LSTM takes a byte, one of a convolution two; the rest is small.
    bytes_of_lstm = 4 * 48 * 2 * (64 + 48)
    bytes_of_convolutions = 2 * (3 * N_FEATURES * 32 + 9 * 32 * 64)
    for network in (full, half):
        assert len(quantize_network(network)) < bytes_of_lstm + bytes_of_convolutions + 20_000
    assert len(quantize_network(half)) < 0.75 * len(half)


def test_a_matrix_of_nothing_stays_nothing(clips: Clips) -> None:
    """A column of zeros has no largest weight to scale by."""
    settings = NetworkSettings(family="bilstm", units=(8,))
    keras.utils.set_random_seed(1)
    model = build_network(settings, N_FEATURES, N_CLASSES)
    kernel, _ = model.get_layer("clip").get_weights()
    kernel[:, 1] = 0.0
    model.get_layer("clip").set_weights([kernel, np.arange(N_CLASSES)])
    said = outputs(quantize_network(network_to_onnx(model, settings)), settings, clips[2:6])
    for clip in said["clip"]:
        assert clip[1] == 1.0
        assert np.isfinite(clip).all()
