"""Networks saved by earlier versions load, and give what their ONNX twins give."""

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")

# The layers of saved networks are known once their modules are imported.
import bilstm_hmm.network.conv2d_layers  # noqa: E402
import bilstm_hmm.network.layers  # noqa: E402, F401
from bilstm_hmm.config.network_settings import NetworkSettings  # noqa: E402
from bilstm_hmm.inference.bundle_files import KERAS, read_bundle  # noqa: E402
from bilstm_hmm.inference.session import open_session, run_network  # noqa: E402
from bilstm_hmm.network.build import build_network  # noqa: E402

MODELS = Path(__file__).parents[3] / "models"

# Keras's own, when it turns its variables into arrays.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)


@pytest.mark.parametrize("name", ["accurate", "default", "open", "open-accurate"])
def test_a_shipped_network_is_its_onnx_twin(name: str) -> None:
    bundle = read_bundle(MODELS / name)
    network = keras.saving.load_model(MODELS / name / KERAS, compile=False)
    width = network.inputs[0].shape[-1]
    rng = np.random.default_rng(0)
    clips = [rng.normal(size=(length, width)).astype(np.float32) for length in (130, 57)]
    session = open_session(bundle.network, name)
    for clip, expected in zip(
        clips, run_network(session, clips, bundle.recipe.network.stride), strict=True
    ):
        mask = np.ones((1, len(clip)), bool)
        outputs = network([clip[None], mask], training=False)
        for key, array in (
            ("hidden", expected.hidden),
            ("frame", expected.frame_logits),
            ("clip", expected.clip_logits),
        ):
            output = np.array(keras.ops.convert_to_numpy(outputs[key]))[0]
            np.testing.assert_allclose(output, array, atol=2e-4)


def registered_names(path: Path) -> set[str]:
    """The toolkit's own layers in a saved network."""
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
    names = {layer["registered_name"] or "" for layer in config["config"]["layers"]}
    return {name for name in names if name.startswith("bilstm_hmm>")}


def test_layers_are_saved_by_the_names_that_they_have_always_had(tmp_path: Path) -> None:
    image = {"channels": 2, "chunk": 8}
    convolution = {"filters": 2, "kernel": 3, "pool": (2, 2)}
    keys = {"family": "cnn_bilstm", "units": (3,)}
    for number, more in enumerate(
        ({"image": image, "convolutions": (convolution,) * 2}, {"stack": 2})
    ):
        settings = NetworkSettings.model_validate({**keys, **more})
        build_network(settings, 12, 2).save(tmp_path / f"{number}.keras")
        assert keras.saving.load_model(tmp_path / f"{number}.keras").layers
    assert registered_names(tmp_path / "0.keras") | registered_names(tmp_path / "1.keras") == {
        f"bilstm_hmm>{name}"
        for name in (
            "AsImage",
            "AttentiveStatistics",
            "BandMask",
            "Chunks",
            "JoinChunks",
            "PoolMask",
            "StackFrames",
            "StrideMask",
            "ZeroMasked",
        )
    }
