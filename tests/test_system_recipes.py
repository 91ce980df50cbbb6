"""The recipes of the systems that the toolkit grew from: what they build, and that they train."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.data.splits.folds import Fold
from bilstm_hmm.data.splits.protocols import default_protocol
from bilstm_hmm.data.synthesis.corpus import synthesise
from bilstm_hmm.features.extraction.extract import extract, n_features
from bilstm_hmm.features.spectral.filterbanks import build_filter_banks

from bilstm_hmm.config.loading import load_recipe
from bilstm_hmm.config.schema import Recipe

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")

from bilstm_hmm.experiments.fold import train_and_test_fold  # noqa: E402
from bilstm_hmm.inference.model import Model  # noqa: E402
from bilstm_hmm.network import build  # noqa: E402
from bilstm_hmm.network.build import build_network  # noqa: E402
from bilstm_hmm.network.onnx_export import network_to_onnx  # noqa: E402
from bilstm_hmm.progress import SilentProgress  # noqa: E402
from bilstm_hmm.training import loop  # noqa: E402
from bilstm_hmm.training.context import TrainingContext  # noqa: E402
from bilstm_hmm.training.examples import Examples  # noqa: E402
from tests.fast_runs import without_steps  # noqa: E402

Shapes = dict[str, tuple[int | None, ...]]

#: What each layer that has weights gives, without the batch.
SHAPES: dict[str, Shapes] = {
    "bilstm_hmm": {
        "frames": (None, 2 * (30 + 20)),
        "stack": (None, 4 * 100),
        "bilstm1": (None, 2 * 128),
        "bilstm2": (None, 2 * 64),
        "frame": (None, 8),
        "pool": (2 * 2 * 64,),
        "clip": (8,),
    },
    "bilstm": {
        "frames": (None, 40 + 12 + 40 + 7),
        "stack": (None, 4 * 99),
        "bilstm1": (None, 2 * 128),
        "bilstm2": (None, 2 * 64),
        "frame": (None, 8),
        "pool": (2 * 2 * 64,),
        "dense": (64,),
        "clip": (8,),
    },
    "cnn_lstm": {
        "frames": (None, 3 * 40),
        "image": (None, 40, 3),
        "conv1": (None, 40, 32),
        "conv1_pool": (None, 20, 32),
        "conv2": (None, 20, 64),
        "conv2_pool": (None, 10, 64),
        "join": (None, 10 * 64),
        "lstm1": (None, 128),
        "lstm2": (None, 64),
        "frame": (None, 6),
        "pool": (2 * 64,),
        "dense": (64,),
        "clip": (6,),
    },
    "cnn_bilstm_attention_mel": {
        "frames": (None, 128),
        "image": (None, 128, 1),
        "chunks": (128, 128, 1),
        "conv1": (128, 128, 16),
        "conv1_pool": (32, 32, 16),
        "conv2": (32, 32, 32),
        "conv2_pool": (8, 8, 32),
        "conv3": (8, 8, 64),
        "conv3_pool": (4, 4, 64),
        "join": (None, 4 * 4 * 64),
        "projection": (None, 256),
        "bilstm1": (None, 2 * 128),
        "frame": (None, 8),
        "pool": (2 * 2 * 128,),
        "clip": (8,),
    },
    "cnn_bilstm_attention": {
        "frames": (None, 40),
        "conv1": (None, 64),
        "conv2": (None, 128),
        "bilstm1": (None, 2 * 128),
        "frame": (None, 8),
        "pool": (2 * 2 * 128,),
        "dense": (64,),
        "clip": (8,),
    },
}
STRIDES = {
    "bilstm_hmm": 4,
    "bilstm": 4,
    "cnn_lstm": 4,
    "cnn_bilstm_attention_mel": 64,
    "cnn_bilstm_attention": 8,
}
CLASSES = ("happy", "sad", "angry")


@dataclass(frozen=True)
class System:
    name: str
    recipe: Recipe
    network: Any


@pytest.fixture(scope="module", params=SHAPES)
def system(request: pytest.FixtureRequest) -> System:
    """A recipe's network, its weights and statistics away from where they begin."""
    recipe = load_recipe(f"{request.param}.yaml")
    keras.utils.set_random_seed(1)
    classes = recipe.data.classes or default_protocol("ravdess").classes
    assert classes is not None
    network = build_network(recipe.network, n_features(recipe.features), len(classes))
    rng = np.random.default_rng(1)
    for weight in network.weights:
        if "moving_variance" in weight.path or "gamma" in weight.path:
            weight.assign(rng.uniform(0.5, 2.0, weight.shape))
        elif len(weight.shape) == 1 and "seed" not in weight.path:
            weight.assign(rng.normal(0.0, 0.2, weight.shape))
    return System(request.param, recipe, network)


def test_the_network_is_what_the_recipe_describes(system: System) -> None:
    shapes = SHAPES[system.name]
    assert {name: system.network.get_layer(name).output.shape[1:] for name in shapes} == shapes
    weighty = {layer.name for layer in system.network.layers if layer.count_params()}
    assert {name for name in weighty if not name.endswith("_norm")} <= set(shapes)
    assert system.recipe.network.stride == STRIDES[system.name]


def test_the_network_has_fewer_than_a_million_weights(system: System) -> None:
    assert system.network.count_params() < 1_000_000


def test_the_cnn_lstm_sees_a_hundred_frames_of_thirty_milliseconds() -> None:
    recipe = load_recipe("cnn_lstm.yaml")
    rate = recipe.features.rate / recipe.features.hop_length
    assert recipe.training.max_seconds * rate == pytest.approx(100)


def test_onnx_agrees_on_clips_of_any_length(system: System) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(
        network_to_onnx(system.network, system.recipe.network), providers=["CPUExecutionProvider"]
    )
    lengths, stride = (100, 1, 65, 131), system.recipe.network.stride
    rng = np.random.default_rng(2)
    frames = rng.normal(size=(4, 140, n_features(system.recipe.features))).astype(np.float32)
    mask = np.arange(140)[None] < np.array(lengths)[:, None]
    told = {
        name: np.array(keras.ops.convert_to_numpy(value))
        for name, value in system.network([frames, mask], training=False).items()
    }
    for batch in (range(4), *([row] for row in range(4))):
        longest = max(lengths[row] for row in batch)
        names = ["hidden", "frame", "clip"]
        inputs = {
            "frames": frames[list(batch), :longest],
            "lengths": np.array([lengths[row] for row in batch], np.int32),
        }
        found = dict(zip(names, session.run(names, inputs), strict=True))
        for place, row in enumerate(batch):
            np.testing.assert_allclose(found["clip"][place], told["clip"][row], atol=1e-5)
            steps = -(-lengths[row] // stride)
            for name in ("hidden", "frame"):
                np.testing.assert_allclose(
                    found[name][place, :steps], told[name][row, :steps], atol=1e-5
                )
    assert np.ptp(told["clip"], axis=0).min() > 1e-3


@cache
def voice(emotion: str, speaker: int) -> Any:
    return synthesise(emotion, speaker, speaker)


def examples_for(recipe: Recipe) -> Examples:
    """Three emotions of five speakers, each clip longer than one step of the network."""
    longest = recipe.features.hop_length * (recipe.network.stride + 50)
    banks = build_filter_banks(recipe.features)
    clips, labels, samples = [], [], []
    for speaker in range(5):
        for label, emotion in enumerate(CLASSES):
            name = f"{emotion}/{speaker}.wav"
            clips.append(Clip(Path(name), name, emotion, f"toy-{speaker}", "toy"))
            labels.append(label)
            samples.append(voice(emotion, speaker)[: longest + 200 * speaker])
    frames = [extract(clip, recipe.features, banks) for clip in samples]
    return Examples(tuple(clips), CLASSES, np.array(labels), tuple(samples), tuple(frames))


class Listener(SilentProgress):
    """Makes sure that no epoch goes astray."""

    def epoch(self, name: str, total: int, row: Mapping[str, float]) -> None:
        assert all(np.isfinite(value) for value in row.values())


@pytest.mark.parametrize("name", SHAPES)
def test_the_recipe_trains_to_a_model_that_labels(
    name: str, eager_module: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began: list[Any] = []

    def built(*arguments: Any) -> Any:
        network = build_network(*arguments)
        began.append([np.array(weight) for weight in network.trainable_weights])
        return network

    train_on = loop._train_on

    def train(batches: Any, training: Any) -> Any:
        return (train_on if training.task.name == "final" else without_steps)(batches, training)

    monkeypatch.setattr(build, "build_network", built)
    # Those of the inner folds are built as this one is, and are of no other interest here.
    monkeypatch.setattr(loop, "_train_on", train)
    small = ["training.epochs=1", "jobs=1", "hmm.inner_folds=2", "hmm.iterations=2"]
    recipe = load_recipe(f"{name}.yaml", small)
    examples = examples_for(recipe)
    banks = build_filter_banks(recipe.features)
    fold = Fold(1, tuple(range(12)), (12, 13, 14))
    run = train_and_test_fold(TrainingContext(examples, recipe, banks, tmp_path, Listener()), fold)
    assert len(run.results) == 3
    trained = run.system.network.network
    assert len(began) == 3
    for before, after in zip(began[-1], trained.trainable_weights, strict=True):
        assert np.abs(before - np.array(after)).max() > 0, after.path
    told = Model(run.bundle).predict(np.concatenate(examples.samples), recipe.features.rate)
    assert told.emotion in CLASSES
    assert told.segments[-1].end == pytest.approx(told.duration, abs=0.1)
