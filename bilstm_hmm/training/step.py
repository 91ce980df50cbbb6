"""One optimisation step: the compiled network, and a batch as the arrays it is given."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.config.training_settings import TrainingSettings
from bilstm_hmm.network.packing import Packing, can_pack, pack_batch, packing_gap, pad_batch
from bilstm_hmm.training.batches import Batch

#: The output, the loss and its weight of what an encoder gives (`encoder_targets`).
ENCODER = "encoder"


@dataclass(frozen=True, slots=True)
class TrainableNetwork:
    """A network, the Keras model that trains its weights, and how that wants clips packed."""

    network: Any
    training_model: Any
    pack: Packing


def make_trainable(network: Any, recipe: Recipe) -> TrainableNetwork:
    """Return what trains `network`: on rows of several clips, or on one padded row a clip.

    Clips drawn by chance differ in length, so that half of a padded batch may be padding; where
    they are of like length there is little to save. Rows are for TensorFlow alone: they come in
    many shapes, for each of which JAX would compile anew.
    """
    import keras

    settings = recipe.network
    shares_rows = not recipe.training.bucketed and can_pack(settings)
    if shares_rows and keras.backend.backend() == "tensorflow":
        from bilstm_hmm.network.build import build_packed_network

        model = compile_network(build_packed_network(network, settings), recipe)
        pack = partial(pack_batch, stride=settings.stride, gap=packing_gap(settings))
        return TrainableNetwork(network, model, pack)
    return TrainableNetwork(
        network, compile_network(network, recipe), partial(pad_batch, stride=settings.stride)
    )


def compile_network(network: Any, recipe: Recipe) -> Any:
    """Return a model that shares the weights of `network` and is compiled with both losses."""
    import keras

    settings = recipe.training
    outputs = {name: network.output[name] for name in ("clip", "frame")}
    if recipe.distillation.encoder is not None:
        # Beside the network, which is to be rid of it.
        head = keras.layers.Dense(recipe.distillation.components, name=ENCODER)
        outputs[ENCODER] = head(network.output["hidden"])
    model = keras.Model(network.inputs, outputs)
    loss, accuracy = _loss_and_accuracy(settings)
    losses, loss_weights = {"clip": loss, "frame": loss}, {"clip": 1.0}
    loss_weights["frame"] = settings.frame_loss_weight
    if recipe.distillation.encoder is not None:
        losses[ENCODER], loss_weights[ENCODER] = "mse", recipe.distillation.weight
    model.compile(
        keras.optimizers.AdamW(
            settings.learning_rate,
            weight_decay=settings.weight_decay,
            clipnorm=settings.gradient_clip,
        ),
        loss=losses,
        loss_weights=loss_weights,
        weighted_metrics={"clip": [accuracy]},
    )
    model.optimizer.build(model.trainable_variables)
    return model


def _loss_and_accuracy(settings: TrainingSettings) -> tuple[Any, Any]:
    """The cross-entropy and the metric of the targets that `batch_arguments` gives."""
    import keras

    smoothing = settings.label_smoothing
    if not settings.mask_classes:
        loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
        return loss, keras.metrics.CategoricalAccuracy(name="accuracy")
    from bilstm_hmm.training.batching.masked_loss import MaskedCrossEntropy, masked_accuracy

    accuracy = keras.metrics.MeanMetricWrapper(masked_accuracy, name="accuracy")
    return MaskedCrossEntropy(smoothing), accuracy


def batch_arguments(batch: Batch, pack: Packing) -> tuple[Any, Any, Any]:
    """Return inputs, targets and sample weights of both losses; each frame has its clip's weight.

    Keras leaves masked frames out of the mean by itself: the mask comes with the logits.
    """
    packed = pack(batch.frames)
    of_clips = batch.targets
    if batch.masks is not None:
        of_clips = np.concatenate([batch.targets, batch.masks], axis=1)
    targets = np.repeat(of_clips[:, None], packed.step_mask.shape[1], axis=1)
    weights = (batch.weights[:, None] * packed.step_mask).astype(np.float32)
    of_outputs = {"clip": of_clips, "frame": targets}
    weight_of = {"clip": batch.weights, "frame": weights}
    if batch.encoder is not None:
        of_outputs[ENCODER] = np.zeros((*weights.shape, batch.encoder[0].shape[1]), np.float32)
        for row, values in zip(of_outputs[ENCODER], batch.encoder, strict=True):
            row[: len(values)] = values
        weight_of[ENCODER] = packed.step_mask.astype(np.float32)
    return list(packed.inputs), of_outputs, weight_of
