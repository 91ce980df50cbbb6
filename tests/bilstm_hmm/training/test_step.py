"""An optimisation step: its loss, and that rows which clips share change nothing about it."""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")

from bilstm_hmm.config.schema import Recipe  # noqa: E402
from bilstm_hmm.network.build import build_network, build_packed_network  # noqa: E402
from bilstm_hmm.network.packing import pad_batch  # noqa: E402
from bilstm_hmm.network.weights import get_weights  # noqa: E402
from bilstm_hmm.training.batches import Batch  # noqa: E402
from bilstm_hmm.training.step import (  # noqa: E402
    ENCODER,
    TrainableNetwork,
    batch_arguments,
    compile_network,
    make_trainable,
)
from tests.fast_runs import without_graphs  # noqa: E402

MakeRecipe = Callable[..., Recipe]
Perturb = Callable[[Any], None]
N_FEATURES, N_CLASSES = 5, 3

NETWORKS: dict[str, dict[str, Any]] = {
    "bilstm": {"family": "bilstm", "units": [5, 3], "attention": True},
    "stacked": {"family": "bilstm", "units": [4], "stack": 3, "attention": False, "dense": 6},
    "skip": {"family": "bilstm", "units": [4], "stack": 2, "skip": True},
    "cnn_bilstm": {
        "family": "cnn_bilstm",
        "units": [6, 4],
        "attention": True,
        "skip": True,
        "convolutions": [{"filters": 6, "kernel": 5, "stride": 2}, {"filters": 4, "kernel": 7}],
    },
    "cnn_lstm": {
        "family": "cnn_lstm",
        "stack": 2,
        "units": [5],
        "convolutions": [{"filters": 4, "kernel": 9, "stride": 2}],
    },
}


def drawn(seed: int, lengths: tuple[int, ...] = (20, 3, 11, 1, 14, 6, 9)) -> Batch:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, N_CLASSES, len(lengths))
    return Batch(
        tuple(rng.normal(0.5, 2.0, (n, N_FEATURES)).astype(np.float32) for n in lengths),
        np.eye(N_CLASSES, dtype=np.float32)[labels],
        rng.uniform(0.5, 2.0, len(lengths)).astype(np.float32),
    )


def weights_of(network: Any) -> dict[str, np.ndarray]:
    paths = [weight.path for weight in network.weights]
    return dict(zip(paths, get_weights(network.weights), strict=True))


def test_the_loss_is_over_frames_and_clips_that_are_there(quick_recipe: MakeRecipe) -> None:
    """Both losses by hand: padding counts for nothing, each clip by its weight."""
    recipe = quick_recipe(
        network={"dropout": 0.0, "stack": 3},
        training={"label_smoothing": 0.0, "frame_loss_weight": 0.5},
    )
    model = build_network(recipe.network, N_FEATURES, N_CLASSES)
    trainer, batch = make_trainable(model, recipe), drawn(0)
    inputs, truth, shares = batch_arguments(batch, trainer.pack)
    total = trainer.training_model.test_on_batch(inputs, truth, shares, return_dict=True)["loss"]
    out = {k: keras.ops.convert_to_numpy(v) for k, v in model(inputs, training=False).items()}

    def entropies(logits: np.ndarray) -> np.ndarray:
        wide = logits.astype(np.float64)
        told = np.einsum("b...c,bc->b...", wide, batch.targets)
        return np.log(np.exp(wide).sum(axis=-1)) - told

    clip = (batch.weights * entropies(out["clip"])).mean()
    there = inputs[1][:, ::3]
    per_frame = batch.weights[:, None] * entropies(out["frame"])
    frame = per_frame[there].sum() / there.sum()
    assert float(total) == pytest.approx(clip + 0.5 * frame, rel=1e-4)


def test_the_encoder_is_learned_where_there_are_steps(
    quick_recipe: MakeRecipe, perturb: Perturb
) -> None:
    """Its loss by hand, from what a layer makes of the hidden states; the network has no such."""
    encoder = {"width": 4, "taps": ["a"], "input": "waveform", "frame_rate": 25.0}
    recipe = quick_recipe(
        network={"dropout": 0.0, "stack": 3},
        training={"frame_loss_weight": 0.5, "bucketed": False},
        distillation={"encoder": encoder, "components": 2, "weight": 0.25},
    )
    model = build_network(recipe.network, N_FEATURES, N_CLASSES)
    perturb(model)
    trainer, drawn_batch = make_trainable(model, recipe), drawn(0)
    rng = np.random.default_rng(1)
    given = tuple(
        rng.normal(size=(-(-len(f) // 3), 2)).astype(np.float32) for f in drawn_batch.frames
    )
    inputs, truth, shares = batch_arguments(replace(drawn_batch, encoder=given), trainer.pack)
    found = trainer.training_model.test_on_batch(inputs, truth, shares, return_dict=True)
    layer = trainer.training_model.get_layer(ENCODER)
    assert ENCODER not in [each.name for each in model.layers]
    squares = []
    for frames, values in zip(drawn_batch.frames, given, strict=True):
        hidden = model([frames[None], np.ones((1, len(frames)), bool)], training=False)["hidden"]
        squares.append(np.square(np.asarray(layer(hidden))[0] - values).mean(axis=1))
    loss = np.concatenate(squares).mean()
    assert float(found["encoder_loss"]) == pytest.approx(loss, rel=1e-4)
    parts = found["clip_loss"] + 0.5 * found["frame_loss"] + 0.25 * found["encoder_loss"]
    assert float(found["loss"]) == pytest.approx(float(parts), rel=1e-4)


@pytest.mark.parametrize("kind", NETWORKS)
def test_rows_give_the_outputs_of_each_clip_alone(
    kind: str, quick_recipe: MakeRecipe, perturb: Perturb
) -> None:
    recipe = quick_recipe(network=NETWORKS[kind], training={"bucketed": False})
    model = build_network(recipe.network, N_FEATURES, N_CLASSES)
    perturb(model)
    trainer, batch = make_trainable(model, recipe), drawn(4)
    inputs, *_ = batch_arguments(batch, trainer.pack)
    assert len(inputs[0]) < len(batch.frames)
    found = trainer.training_model(inputs, training=False)
    for clip, frames in enumerate(batch.frames):
        # Rows run as they do in training, what they are compared with runs as it is quickest.
        with without_graphs():
            alone = model([frames[None], np.ones((1, len(frames)), bool)], training=False)
        steps = int(inputs[3][clip].sum())
        np.testing.assert_allclose(found["clip"][clip], alone["clip"][0], atol=2e-5)
        np.testing.assert_allclose(found["frame"][clip, :steps], alone["frame"][0], atol=2e-5)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("kind", NETWORKS)
def test_a_step_on_rows_is_the_step_on_padded_clips(
    kind: str, quick_recipe: MakeRecipe, perturb: Perturb
) -> None:
    """Losses, gradients and the statistics of the normalisation: every weight moves alike."""
    recipe = quick_recipe(network={**NETWORKS[kind], "dropout": 0.0}, training={"bucketed": False})
    keras.utils.set_random_seed(1)
    one, other = (build_network(recipe.network, N_FEATURES, N_CLASSES) for _ in range(2))
    perturb(one)
    other.set_weights(one.get_weights())
    pack = partial(pad_batch, stride=recipe.network.stride)
    trainers = (
        TrainableNetwork(one, compile_network(one, recipe), pack),
        make_trainable(other, recipe),
    )
    for trainer in trainers:
        # A step is as long as its gradient, not one of Adam's, which would hide its size.
        descent = keras.optimizers.SGD(0.5)
        weights = {"clip": 1.0, "frame": 0.3}
        trainer.training_model.compile(
            descent, loss=trainer.training_model.loss, loss_weights=weights
        )
    before = weights_of(one)
    for seed in range(2):
        told = [
            trainer.training_model.train_on_batch(
                *batch_arguments(drawn(seed), trainer.pack), return_dict=True
            )
            for trainer in trainers
        ]
        assert told[1] == pytest.approx(told[0], rel=1e-4)
    after, found = weights_of(one), weights_of(other)
    for path in (path for path in before if "seed" not in path):
        moved = after[path] - before[path]
        assert np.abs(moved).max() > 1e-4, path
        np.testing.assert_allclose(
            found[path] - before[path], moved, rtol=1e-3, atol=5e-6, err_msg=path
        )


@pytest.mark.parametrize("kind", NETWORKS)
def test_rows_train_the_weights_of_the_network(kind: str, quick_recipe: MakeRecipe) -> None:
    """All of them and no others, in one order, so that an older training goes on with rows."""
    recipe = quick_recipe(network=NETWORKS[kind], training={"bucketed": False})
    network = build_network(recipe.network, N_FEATURES, N_CLASSES)
    of_network = compile_network(network, recipe)
    rows = make_trainable(network, recipe).training_model
    for name in ("variables", "trainable_variables"):
        pairs = zip(getattr(of_network, name), getattr(rows, name), strict=True)
        assert all(one is other for one, other in pairs)
    shapes = [[v.shape for v in m.optimizer.variables] for m in (of_network, rows)]
    assert shapes[0] == shapes[1]


IMAGE = {
    "family": "cnn_lstm",
    "image": {"channels": 1},
    "convolutions": [{"filters": 3, "kernel": 3, "pool": [2, 2]}],
    "units": [3],
}


def test_only_clips_drawn_by_chance_share_rows(
    quick_recipe: MakeRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shares_rows(network: dict[str, Any], **training: Any) -> bool:
        recipe = quick_recipe(network=network, training=training)
        model = build_network(recipe.network, N_FEATURES, N_CLASSES)
        return len(make_trainable(model, recipe).training_model.inputs) == 4

    assert shares_rows(NETWORKS["bilstm"], bucketed=False)
    assert not shares_rows(NETWORKS["bilstm"], bucketed=True)
    assert not shares_rows(IMAGE, bucketed=False)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert not shares_rows(NETWORKS["bilstm"], bucketed=False)


def test_a_network_that_sees_images_has_no_rows(quick_recipe: MakeRecipe) -> None:
    settings = quick_recipe(network=IMAGE).network
    with pytest.raises(ValueError, match="images"):
        build_packed_network(build_network(settings, N_FEATURES, N_CLASSES), settings)
