"""The network in Keras is the one that follows recordings, and its training repeats."""

from pathlib import Path

import numpy as np
import pytest
from bilstm_hmm.features.vad import network
from bilstm_hmm.features.vad.network import SpeechProbabilities, build_network

from bilstm_hmm.arrays import FloatArray
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.experiments.vad.material import RATE, made_voices
from bilstm_hmm.experiments.vad.measure import read_weights
from bilstm_hmm.experiments.vad.scenes import HOP, SCENE
from bilstm_hmm.experiments.vad.train import (
    Examples,
    build_trainable,
    inputs_of,
    make_examples,
    train_network,
    weights_of,
    write_weights,
)
from bilstm_hmm.network.keras_setup import prepare_keras
from tests.fast_runs import without_graphs

SPEECH = made_voices(2)
NOISES = [np.random.default_rng(0).normal(0.0, 0.1, RATE).astype(np.float32)]


def randomly_weighted() -> object:
    """Biases as well, which Keras begins with zeros, so that a place that is not silent shows."""
    prepare_keras(3)
    trainable, rng = build_trainable(), np.random.default_rng(4)
    trainable.set_weights([w + rng.normal(0.0, 0.1, w.shape) for w in trainable.get_weights()])
    return trainable


def followed(samples: FloatArray, weights: Path) -> FloatArray:
    """What a recording that comes in blocks gives."""
    follower = SpeechProbabilities(RATE, read_weights(weights)[1])
    found = [follower.push(block) for block in np.array_split(samples, 7)]
    known = sum(map(len, found))
    return np.concatenate([*found, follower.flush(len(samples) // HOP - known)])


def test_keras_gives_what_following_a_recording_gives(tmp_path: Path) -> None:
    """Layers, padding, and which probability belongs to which samples of a scene."""
    trainable = randomly_weighted()
    write_weights(tmp_path / "weights.npz", weights_of(trainable))
    voice = np.concatenate([SPEECH[0].samples, SPEECH[1].samples])[: 90 * HOP]
    logits = np.asarray(trainable(inputs_of(voice)[None]))[0, :, 0]  # type: ignore[operator]
    assert len(logits) == 90
    assert np.ptp(logits) > 0.1
    np.testing.assert_allclose(
        followed(voice, tmp_path / "weights.npz"), 1.0 / (1.0 + np.exp(-logits)), atol=2e-5
    )


def test_examples_have_a_label_for_each_probability_however_many_make_them() -> None:
    examples = make_examples(SPEECH, NOISES, 3, seed=1)
    width = SCENE // HOP * network.STRIDE + network.INPUTS_PAST + network.INPUTS_AHEAD
    assert examples.inputs.shape == (3, width, network.N_MELS + 1)
    assert examples.is_speech.shape == (3, SCENE // HOP)
    spread = make_examples(SPEECH, NOISES, 3, seed=1, jobs=2)
    np.testing.assert_array_equal(spread.inputs, examples.inputs)
    np.testing.assert_array_equal(spread.is_speech, examples.is_speech)
    assert not np.array_equal(make_examples(SPEECH, NOISES, 3, seed=2).inputs, examples.inputs)


# Its input pipeline says that it is a graph all the same.
@pytest.mark.filterwarnings("ignore:Even though the `tf.config:UserWarning")
def test_a_training_repeats_and_reports_each_epoch() -> None:
    rng = np.random.default_rng(0)
    width = 4 * network.STRIDE + network.INPUTS_PAST + network.INPUTS_AHEAD
    examples = Examples(
        rng.normal(size=(12, width, network.N_MELS + 1)).astype(np.float16),
        rng.random((12, 4)) < 0.5,
    )
    said: list[str] = []
    with without_graphs():
        first, again = (train_network(examples, 1, 5, said.append) for _ in range(2))
        other = train_network(examples, 1, 6, lambda _: None)
    assert [line.partition(":")[0] for line in said] == ["epoch 1 of 1"] * 2
    assert first.keys() == again.keys()
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["kernel0"], other["kernel0"])
    assert len(build_network(first).layers) == len(network.KERNELS) + 1


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", None])
def test_a_file_without_weights_is_named(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    if content is None:
        np.savez(path, other=np.zeros(3))
    else:
        path.write_bytes(content)
    with pytest.raises(ToolkitError, match=r"weights\.npz holds no weights"):
        read_weights(path)
