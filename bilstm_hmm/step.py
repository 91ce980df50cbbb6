"""One optimisation step: the compiled network, and a batch as the arrays it is given."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bilstm_hmm.batches import Batch
from bilstm_hmm.config import Recipe
from bilstm_hmm.layout import LayOut, can_pack, packed, packing_gap, padded


@dataclass(frozen=True, slots=True)
class Trainer:
    """A network, the Keras model that trains its weights, and how that wants clips to lie."""

    network: Any
    model: Any
    lay_out: LayOut


def trainer_of(network: Any, recipe: Recipe) -> Trainer:
    """Return what trains `network`: on rows of several clips, or on one padded row a clip.

    Clips drawn by chance differ in length, so that half of a padded batch may be padding; where
    they are of like length there is little to save. A backend that compiles anew for each shape
    is given padded rows, which have few.
    """
    import keras

    settings = recipe.network
    by_chance = not recipe.training.bucketed
    if by_chance and can_pack(settings) and keras.backend.backend() != "jax":
        from bilstm_hmm.network import on_rows

        rows = compiled(on_rows(network, settings), recipe)
        lay_out = partial(packed, stride=settings.stride, gap=packing_gap(settings))
        return Trainer(network, rows, lay_out)
    return Trainer(network, compiled(network, recipe), partial(padded, stride=settings.stride))


def compiled(model: Any, recipe: Recipe) -> Any:
    """Return a model that shares the network's weights and is compiled with both losses."""
    import keras

    settings = recipe.training
    trainer = keras.Model(
        model.inputs, {"clip": model.output["clip"], "frame": model.output["frame"]}
    )
    loss = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=settings.label_smoothing
    )
    trainer.compile(
        keras.optimizers.AdamW(
            settings.learning_rate,
            weight_decay=settings.weight_decay,
            clipnorm=settings.gradient_clip,
        ),
        loss={"clip": loss, "frame": loss},
        loss_weights={"clip": 1.0, "frame": settings.frame_loss_weight},
        weighted_metrics={"clip": [keras.metrics.CategoricalAccuracy(name="accuracy")]},
    )
    trainer.optimizer.build(trainer.trainable_variables)
    return trainer


def arguments(batch: Batch, lay_out: LayOut) -> tuple[Any, Any, Any]:
    """Return inputs, targets and sample weights of both losses; each frame has its clip's weight.

    Keras leaves masked frames out of the mean by itself: the mask comes with the logits.
    """
    layout = lay_out(batch.frames)
    targets = np.repeat(batch.targets[:, None], layout.steps.shape[1], axis=1)
    weights = (batch.weights[:, None] * layout.steps).astype(np.float32)
    return (
        list(layout.inputs),
        {"clip": batch.targets, "frame": targets},
        {"clip": batch.weights, "frame": weights},
    )
