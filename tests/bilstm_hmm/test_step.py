"""An optimisation step: its loss, and that rows which clips share change nothing about it."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")

from bilstm_hmm.batches import Batch  # noqa: E402
from bilstm_hmm.config import Recipe  # noqa: E402
from bilstm_hmm.layout import padded  # noqa: E402
from bilstm_hmm.network import build_network  # noqa: E402
from bilstm_hmm.step import Trainer, arguments, compiled, trainer_of  # noqa: E402

# Keras's own, when it turns its variables into arrays.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)

MakeRecipe = Callable[..., Recipe]
N_FEATURES, N_CLASSES = 5, 3

NETWORKS: dict[str, dict[str, Any]] = {
    "bilstm": {"family": "bilstm", "units": [5, 3]},
    "stacked": {"family": "bilstm", "units": [4], "stack": 3, "attention": False, "dense": 6},
    "cnn_bilstm": {
        "family": "cnn_bilstm",
        "units": [6, 4],
        "convolutions": [{"filters": 6, "kernel": 5, "stride": 2}, {"filters": 4, "kernel": 7}],
    },
    "cnn_lstm": {
        "family": "cnn_lstm",
        "stack": 2,
        "units": [5],
        "convolutions": [{"filters": 4, "kernel": 9, "stride": 2}],
    },
}


def drawn(seed: int, lengths: tuple[int, ...] = (60, 7, 31, 1, 44, 18, 25)) -> Batch:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, N_CLASSES, len(lengths))
    return Batch(
        tuple(rng.normal(0.5, 2.0, (n, N_FEATURES)).astype(np.float32) for n in lengths),
        np.eye(N_CLASSES, dtype=np.float32)[labels],
        rng.uniform(0.5, 2.0, len(lengths)).astype(np.float32),
    )


def weights_of(network: Any) -> dict[str, np.ndarray]:
    return {v.path: np.array(keras.ops.convert_to_numpy(v)) for v in network.weights}


def two_of(recipe: Recipe) -> tuple[Trainer, Trainer]:
    """Two networks that begin alike: one that is given padded clips, one that is given rows."""
    keras.utils.set_random_seed(1)
    one, other = (build_network(recipe.network, N_FEATURES, N_CLASSES) for _ in range(2))
    other.set_weights(one.get_weights())
    lay_out = partial(padded, stride=recipe.network.stride)
    return Trainer(one, compiled(one, recipe), lay_out), trainer_of(other, recipe)


def test_the_loss_is_over_frames_and_clips_that_are_there(quick_recipe: MakeRecipe) -> None:
    """Both losses by hand: padding counts for nothing, each clip by its weight."""
    recipe = quick_recipe(
        network={"dropout": 0.0, "stack": 3},
        training={"label_smoothing": 0.0, "frame_loss_weight": 0.5},
    )
    model = build_network(recipe.network, N_FEATURES, N_CLASSES)
    trainer, batch = trainer_of(model, recipe), drawn(0)
    inputs, truth, shares = arguments(batch, trainer.lay_out)
    total = trainer.model.test_on_batch(inputs, truth, shares, return_dict=True)["loss"]
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


@pytest.mark.parametrize("kind", NETWORKS)
def test_rows_give_the_outputs_of_each_clip_alone(kind: str, quick_recipe: MakeRecipe) -> None:
    recipe = quick_recipe(network=NETWORKS[kind], training={"bucketed": False})
    model = build_network(recipe.network, N_FEATURES, N_CLASSES)
    rng = np.random.default_rng(3)
    model.set_weights([w + rng.normal(0, 0.3, w.shape) ** 2 for w in model.get_weights()])
    trainer, batch = trainer_of(model, recipe), drawn(4)
    inputs, *_ = arguments(batch, trainer.lay_out)
    assert len(inputs[0]) < len(batch.frames)
    found = trainer.model(inputs, training=False)
    for clip, frames in enumerate(batch.frames):
        alone = model([frames[None], np.ones((1, len(frames)), bool)], training=False)
        steps = int(inputs[3][clip].sum())
        np.testing.assert_allclose(found["clip"][clip], alone["clip"][0], atol=2e-5)
        np.testing.assert_allclose(found["frame"][clip, :steps], alone["frame"][0], atol=2e-5)


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_step_on_rows_is_the_step_on_padded_clips(kind: str, quick_recipe: MakeRecipe) -> None:
    """Losses, gradients and the statistics of the normalisation: the weights stay the same."""
    recipe = quick_recipe(
        network={**NETWORKS[kind], "dropout": 0.0},
        # A step is as long as its gradient, not one of Adam's, which would hide its size.
        training={"bucketed": False, "gradient_clip": 100.0},
    )
    on_padded, on_rows = two_of(recipe)
    for trainer in (on_padded, on_rows):
        descent = keras.optimizers.SGD(0.5)
        trainer.model.compile(
            descent, loss=trainer.model.loss, loss_weights={"clip": 1.0, "frame": 0.3}
        )
    before = weights_of(on_padded.network)
    for seed in range(3):
        told = [
            trainer.model.train_on_batch(*arguments(drawn(seed), trainer.lay_out), return_dict=True)
            for trainer in (on_padded, on_rows)
        ]
        assert told[1] == pytest.approx(told[0], rel=1e-4)
    one, other = weights_of(on_padded.network), weights_of(on_rows.network)
    for path, array in one.items():
        if "seed" not in path:
            assert np.abs(array - before[path]).max() > 1e-6, path
            np.testing.assert_allclose(other[path], array, atol=2e-5, err_msg=path)


def test_the_variables_of_both_trainers_come_in_one_order(quick_recipe: MakeRecipe) -> None:
    """A training that was interrupted on padded clips goes on with rows."""
    recipe = quick_recipe(network=NETWORKS["cnn_bilstm"], training={"bucketed": False})
    on_padded, on_rows = two_of(recipe)

    def kinds(trainer: Trainer) -> list[str]:
        return [v.path.split("/", 1)[-1] for v in trainer.model.variables]

    assert kinds(on_padded) == kinds(on_rows)


def test_only_clips_drawn_by_chance_share_rows(
    quick_recipe: MakeRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = {
        "family": "cnn_lstm",
        "image": {"channels": 1},
        "convolutions": [{"filters": 3, "kernel": 3, "pool": [2, 2]}],
        "units": [3],
    }

    def shares_rows(network: dict[str, Any], **training: Any) -> bool:
        recipe = quick_recipe(network=network, training=training)
        model = build_network(recipe.network, N_FEATURES, N_CLASSES)
        return len(trainer_of(model, recipe).model.inputs) == 4

    assert shares_rows(NETWORKS["bilstm"], bucketed=False)
    assert not shares_rows(NETWORKS["bilstm"], bucketed=True)
    assert not shares_rows(image, bucketed=False)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert not shares_rows(NETWORKS["bilstm"], bucketed=False)
