"""How to add a network family: docs/development/how-to/add-a-network-family.md shows this code."""

import os
from types import MappingProxyType

import numpy as np
import pytest

from bilstm_hmm.config import network_settings
from bilstm_hmm.config.network_settings import FAMILIES, Family, NetworkSettings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# --8<-- [start:entry]
ENTRY = {"lstm": Family(convolutional=False, bidirectional=False)}
# --8<-- [end:entry]


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> NetworkSettings:
    """Settings of the new family, which its key would name if it stood in the source."""
    monkeypatch.setattr(network_settings, "FAMILIES", MappingProxyType({**FAMILIES, **ENTRY}))
    return NetworkSettings(units=(6, 5)).model_copy(update={"family": "lstm"})


def test_every_family_may_be_named_in_a_recipe() -> None:
    for name in FAMILIES:
        assert NetworkSettings.model_validate({"family": name}).family == name
    with pytest.raises(ValueError, match="family"):
        NetworkSettings.model_validate({"family": "lstm"})


def test_keras_and_onnx_agree(settings: NetworkSettings) -> None:
    # --8<-- [start:agree]
    import onnxruntime

    from bilstm_hmm.network.build import build_network
    from bilstm_hmm.network.onnx_export import network_to_onnx

    network = build_network(settings, n_features=4, n_classes=3)
    rng = np.random.default_rng(1)
    for weight in network.weights:
        weight.assign(rng.normal(0.0, 0.5, weight.shape))
    session = onnxruntime.InferenceSession(network_to_onnx(network, settings))

    frames = rng.normal(size=(2, 30, 4)).astype(np.float32)
    expected = network([frames, np.ones((2, 30), bool)], training=False)
    lengths = np.full(2, 30, np.int32)
    for name, values in zip(
        ("hidden", "frame", "clip"),
        session.run(["hidden", "frame", "clip"], {"frames": frames, "lengths": lengths}),
        strict=True,
    ):
        np.testing.assert_allclose(values, np.array(expected[name]), atol=1e-5)
    # --8<-- [end:agree]
    assert network.output["hidden"].shape[-1] == 5


def test_the_past_alone_decides(settings: NetworkSettings) -> None:
    """What sets this family apart from `bilstm`: later frames change nothing of earlier ones."""
    from bilstm_hmm.network.build import build_network

    network = build_network(settings, n_features=4, n_classes=3)
    frames = np.random.default_rng(2).normal(size=(1, 20, 4)).astype(np.float32)
    changed = frames.copy()
    changed[:, 12:] += 1.0
    mask = np.ones((1, 20), bool)
    before, after = (
        np.array(network([values, mask], training=False)["hidden"]) for values in (frames, changed)
    )
    np.testing.assert_array_equal(before[:, :12], after[:, :12])
    assert np.abs(before - after)[:, 12:].max() > 0.0
