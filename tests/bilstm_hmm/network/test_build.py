"""Networks and their ONNX graphs: shapes, padding, agreement, saving."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bilstm_hmm
from bilstm_hmm.config.network_settings import NetworkSettings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")

from bilstm_hmm.network.build import build_network  # noqa: E402
from bilstm_hmm.network.onnx_export import network_to_onnx  # noqa: E402
from bilstm_hmm.network.weights import to_half_precision  # noqa: E402

Perturb = Callable[[Any], None]
N_FEATURES, N_CLASSES = 6, 4
LENGTHS = (13, 1, 20, 6)
PACKAGE = Path(bilstm_hmm.__file__).parent

SETTINGS = {
    "bilstm": {"family": "bilstm", "units": (5,)},
    "stacked": {"family": "bilstm", "units": (4, 3), "stack": 3, "attention": False, "dense": 12},
    "skip": {"family": "bilstm", "units": (4,), "stack": 2, "skip": True},
    "cnn_bilstm": {
        "family": "cnn_bilstm",
        "units": (4,),
        "convolutions": ({"filters": 6, "kernel": 5}, {"filters": 3, "kernel": 3, "stride": 2}),
        "dense": 5,
        "skip": True,
    },
    "cnn_lstm": {
        "family": "cnn_lstm",
        "units": (4, 3),
        "stack": 2,
        "convolutions": ({"filters": 5, "kernel": 3}, {"filters": 4, "kernel": 1, "stride": 2}),
        "attention": False,
    },
    "image": {
        "family": "cnn_lstm",
        "image": {"channels": 2},
        "convolutions": (
            {"filters": 4, "kernel": 3, "pool": (2, 2)},
            {"filters": 3, "kernel": 5, "pool": (3, 1)},
        ),
        "units": (4,),
        "attention": False,
    },
    "chunks": {
        "family": "cnn_bilstm",
        "image": {"chunk": 8, "projection": 5},
        # The first pool begins in the middle of what lies before the clip.
        "convolutions": (
            {"filters": 4, "kernel": 3},
            {"filters": 6, "kernel": 3, "pool": (3, 4)},
            {"filters": 5, "kernel": 3, "pool": (2, 1)},
        ),
        "units": (4,),
        "skip": True,
    },
}


def as_array(value: Any) -> np.ndarray:
    return np.array(keras.ops.convert_to_numpy(value))


@dataclass(frozen=True)
class Built:
    settings: NetworkSettings
    model: Any
    session: Any

    def keras(self, frames: np.ndarray, mask: np.ndarray) -> dict[str, np.ndarray]:
        return {k: as_array(v) for k, v in self.model([frames, mask], training=False).items()}

    def onnx(self, frames: np.ndarray, mask: np.ndarray) -> dict[str, np.ndarray]:
        names = ["hidden", "frame", "clip"]
        lengths = mask.sum(axis=1).astype(np.int32)
        found = self.session.run(names, {"frames": frames, "lengths": lengths})
        return dict(zip(names, found, strict=True))


@pytest.fixture(scope="module", params=SETTINGS)
def built(request: pytest.FixtureRequest, perturb: Perturb) -> Built:
    """A network with weights away from where they begin, and its graph."""
    import onnxruntime

    settings = NetworkSettings.model_validate(SETTINGS[request.param])
    keras.utils.set_random_seed(1)
    model = build_network(settings, N_FEATURES, N_CLASSES)
    perturb(model)
    session = onnxruntime.InferenceSession(
        network_to_onnx(model, settings), providers=["CPUExecutionProvider"]
    )
    return Built(settings, model, session)


def padded(total: int, fill: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Clips of mixed lengths in one batch; `fill` is what stands in the padding."""
    rng = np.random.default_rng(2)
    frames = np.full((len(LENGTHS), total, N_FEATURES), fill, np.float32)
    mask = np.zeros((len(LENGTHS), total), bool)
    for row, length in enumerate(LENGTHS):
        frames[row, :length] = rng.normal(size=(length, N_FEATURES))
        mask[row, :length] = True
    return frames, mask


def reduced(length: int, stride: int) -> int:
    return -(-length // stride)


def test_output_shapes(built: Built) -> None:
    frames, mask = padded(21)
    found = built.keras(frames, mask)
    steps = reduced(21, built.settings.stride)
    directions = 1 if built.settings.family == "cnn_lstm" else 2
    n_hidden = directions * built.settings.units[-1]
    shapes = {name: array.shape for name, array in found.items()}
    assert shapes == {
        "hidden": (4, steps, n_hidden),
        "frame": (4, steps, N_CLASSES),
        "clip": (4, N_CLASSES),
    }
    declared = {name: tensor.shape[1:] for name, tensor in built.model.output.items()}
    assert declared == {
        "hidden": (None, n_hidden),
        "frame": (None, N_CLASSES),
        "clip": (N_CLASSES,),
    }


def assert_same_clips(
    one: dict[str, np.ndarray], other: dict[str, np.ndarray], stride: int, atol: float
) -> None:
    """Equal wherever a clip has frames; what stands in the padding is nobody's business."""
    np.testing.assert_allclose(one["clip"], other["clip"], atol=atol)
    for row, length in enumerate(LENGTHS):
        steps = reduced(length, stride)
        for name in ("hidden", "frame"):
            np.testing.assert_allclose(one[name][row, :steps], other[name][row, :steps], atol=atol)


@pytest.mark.parametrize("runtime", ["keras", "onnx"])
def test_padding_never_changes_outputs(built: Built, runtime: str) -> None:
    run = getattr(built, runtime)
    frames, mask = padded(20)
    rows = range(len(LENGTHS))
    each = [run(frames[[row], : LENGTHS[row]], mask[[row], : LENGTHS[row]]) for row in rows]
    for total, fill in ((20, 0.0), (33, 7.0)):
        together = run(*padded(total, fill))
        for row, alone in zip(rows, each, strict=True):
            steps = reduced(LENGTHS[row], built.settings.stride)
            assert alone["hidden"].shape[1] == steps
            np.testing.assert_allclose(together["clip"][row], alone["clip"][0], atol=1e-5)
            for name in ("hidden", "frame"):
                np.testing.assert_allclose(together[name][row, :steps], alone[name][0], atol=1e-5)


def test_onnx_agrees_with_keras(built: Built) -> None:
    frames, mask = padded(26)
    on_keras, on_onnx = built.keras(frames, mask), built.onnx(frames, mask)
    assert_same_clips(on_keras, on_onnx, built.settings.stride, 1e-5)
    # The clips are told apart, so that agreeing means something.
    assert np.ptp(on_keras["clip"], axis=0).min() > 1e-3


def test_weights_in_half_precision_halve_the_graph(perturb: Perturb) -> None:
    """And the graph still says the same as Keras."""
    import onnxruntime

    settings = NetworkSettings(family="bilstm", units=(32,))
    model = build_network(settings, N_FEATURES, N_CLASSES)
    perturb(model)
    full = network_to_onnx(model, settings)
    for weight in model.weights:
        weight.assign(to_half_precision(as_array(weight)))
    half = network_to_onnx(model, settings)
    assert len(half) < 0.6 * len(full)
    session = onnxruntime.InferenceSession(half, providers=["CPUExecutionProvider"])
    built = Built(settings, model, session)
    assert_same_clips(built.onnx(*padded(21)), built.keras(*padded(21)), settings.stride, 1e-5)


def test_every_frame_counts(built: Built) -> None:
    """The outputs change with any frame inside a clip, the last one included."""
    frames, mask = padded(20)
    before = built.onnx(frames, mask)["clip"]
    for row, length in enumerate(LENGTHS):
        changed = frames.copy()
        changed[row, length - 1] += 3.0
        after = built.onnx(changed, mask)["clip"]
        assert np.abs(after[row] - before[row]).max() > 1e-6
        others = np.arange(len(LENGTHS)) != row
        np.testing.assert_array_equal(after[others], before[others])


def test_a_saved_network_comes_back(built: Built, tmp_path: Path) -> None:
    path = tmp_path / "network.keras"
    built.model.save(path)
    again = keras.saving.load_model(path)
    frames, mask = padded(26)
    found = {k: as_array(v) for k, v in again([frames, mask], training=False).items()}
    for name, array in built.keras(frames, mask).items():
        np.testing.assert_allclose(found[name], array, atol=1e-6)


def test_no_layer_holds_code(built: Built) -> None:
    assert not [layer for layer in built.model.layers if isinstance(layer, keras.layers.Lambda)]


def test_attention_weighs_and_no_attention_averages() -> None:
    from bilstm_hmm.network.layers import AttentiveStatistics

    frames, mask = padded(20, fill=5.0)
    plain = as_array(AttentiveStatistics(attention=False)(frames, mask=mask))
    attentive = as_array(AttentiveStatistics(units=3)(frames, mask=mask))
    assert plain.shape == attentive.shape == (4, 2 * N_FEATURES)
    for row, length in enumerate(LENGTHS):
        clip = frames[row, :length]
        expected = np.concatenate([clip.mean(axis=0), np.sqrt(clip.var(axis=0) + 1e-5)])
        np.testing.assert_allclose(plain[row], expected, atol=1e-5)
        if length > 1:
            assert np.abs(attentive[row] - plain[row]).max() > 1e-4


@pytest.mark.parametrize(
    "name",
    [
        "network/layers.py",
        "network/conv2d_layers.py",
        "network/conv2d_front.py",
        "network/build.py",
        "training/step.py",
        "training/loop.py",
    ],
)
def test_only_keras_is_called(name: str) -> None:
    """Neither TensorFlow nor another backend is named in a model or a training step."""
    backends = {"tf", "tensorflow", "jax", "torch"}
    for node in ast.walk(ast.parse((PACKAGE / name).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not backends & {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in backends
        elif isinstance(node, ast.Name):
            assert node.id not in backends


_OTHER_BACKEND = """
import json, sys
import numpy as np
import keras
import bilstm_hmm.network.conv2d_layers

assert keras.backend.backend() == sys.argv[3]
frames, mask = np.load(sys.argv[2]).values()
found = keras.saving.load_model(sys.argv[1])([frames, mask], training=False)
assert "tensorflow" not in sys.modules
print(json.dumps(np.array(found["clip"]).tolist()))
"""


@pytest.mark.parametrize("kind", [{**SETTINGS["cnn_bilstm"], "stack": 2}, SETTINGS["chunks"]])
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_gives_the_same(
    backend: str, kind: dict[str, Any], tmp_path: Path, perturb: Perturb
) -> None:
    pytest.importorskip(backend)
    settings = NetworkSettings.model_validate(kind)
    model = build_network(settings, N_FEATURES, N_CLASSES)
    perturb(model)
    path, data = tmp_path / "network.keras", tmp_path / "data.npz"
    model.save(path)
    frames, mask = padded(20)
    np.savez(data, frames=frames, mask=mask)
    run = subprocess.run(
        [sys.executable, "-c", _OTHER_BACKEND, str(path), str(data), backend],
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    expected = as_array(model([frames, mask], training=False)["clip"])
    np.testing.assert_allclose(json.loads(run.stdout), expected, atol=1e-5)
