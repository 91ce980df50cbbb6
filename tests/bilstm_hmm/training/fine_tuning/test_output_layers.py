"""The output layers of a network are read, left out and replaced without touching the rest."""

from pathlib import Path

import numpy as np
import pytest

from bilstm_hmm.inference.session import open_session, run_network
from bilstm_hmm.network.onnx_export import network_to_onnx
from bilstm_hmm.training.fine_tuning.output_layers import (
    DenseLayer,
    OutputLayers,
    read_output_layers,
    without_clip_layer,
)
from tests.oracle import oracle_bundle, oracle_recipe, save_oracle_network

STRIDE = 4


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=(length, 48)).astype(np.float32) for length in (40, 61)]


def outputs(network: bytes, frames: list[np.ndarray]) -> list:
    return run_network(open_session(network, "test"), frames, STRIDE)


def test_clip_and_frame_logits_are_those_of_the_layers(frames) -> None:
    network = oracle_bundle().network
    layers = read_output_layers(network)
    whole, cut = outputs(network, frames), outputs(without_clip_layer(network), frames)
    for before, pooled in zip(whole, cut, strict=True):
        logits = layers.clip.logits(pooled.clip_logits)
        np.testing.assert_allclose(logits, before.clip_logits, atol=1e-5)
        np.testing.assert_allclose(
            layers.frame.logits(before.hidden), before.frame_logits, atol=1e-5
        )
        np.testing.assert_array_equal(before.hidden, pooled.hidden)


def test_a_saved_network_has_other_output_layers_and_all_else_as_it_was(
    tmp_path: Path, frames
) -> None:
    from bilstm_hmm.training.fine_tuning.saved import with_output_layers

    path, recipe = tmp_path / "network.keras", oracle_recipe()
    save_oracle_network(path)
    rng = np.random.default_rng(1)
    # Three classes in the place of five.
    layers = OutputLayers(
        *(DenseLayer(rng.normal(size=(n, 3)), rng.normal(size=3)) for n in (48, 24))
    )
    network = with_output_layers(path.read_bytes(), recipe.network, layers)
    written = network_to_onnx(network, recipe.network)
    read = read_output_layers(written)
    for one, other in ((read.clip, layers.clip), (read.frame, layers.frame)):
        np.testing.assert_allclose(one.matrix, other.matrix, rtol=1e-6)
        np.testing.assert_allclose(one.bias, other.bias, rtol=1e-6)
    whole = outputs(oracle_bundle().network, frames)
    for before, after in zip(whole, outputs(written, frames), strict=True):
        np.testing.assert_allclose(before.hidden, after.hidden, atol=1e-5)
        assert after.clip_logits.shape == (3,)
