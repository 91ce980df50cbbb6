"""The training that people write: ``Model.fit`` on all clips padded to the longest."""

import time
from functools import partial
from typing import Any

import numpy as np
from bilstm_hmm.features.extraction.normalise import fit_statistics

from bilstm_hmm.arrays import Indices
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.network.packing import pad_batch
from bilstm_hmm.training.batches import Batch, class_weights
from bilstm_hmm.training.examples import Examples, normalised_frames
from bilstm_hmm.training.loop import cosine_decay
from bilstm_hmm.training.step import batch_arguments, compile_network


def fit_padded(
    examples: Examples, train: Indices, recipe: Recipe, epochs: int
) -> list[dict[str, float]]:
    """Train the recipe's network without augmentation, and return a row an epoch.

    The first weights, losses, optimiser, batch size and learning rates are those of the toolkit's
    own loop; the running mean of the weights, which costs time there, has no counterpart here.
    """
    import keras

    from bilstm_hmm.network.build import build_network

    keras.utils.set_random_seed(recipe.seed)
    inputs, targets, weights = _padded(examples, train, recipe)
    network = build_network(recipe.network, inputs[0].shape[2], len(examples.classes))
    settings = recipe.training
    model = compile_network(network, recipe)

    def rate(epoch: int, _rate: float) -> float:
        if settings.schedule != "cosine":
            return settings.learning_rate
        return settings.learning_rate * cosine_decay(epoch, epochs)

    seconds: list[float] = []
    clock = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda _epoch, _logs: seconds.append(time.monotonic()),
        on_epoch_end=lambda _epoch, _logs: seconds.append(time.monotonic() - seconds.pop()),
    )
    history = model.fit(
        inputs,
        targets,
        sample_weight=weights,
        batch_size=settings.batch_size,
        epochs=epochs,
        callbacks=[keras.callbacks.LearningRateScheduler(rate), clock],
        verbose=0,
    ).history
    columns = zip(history["clip_loss"], history["frame_loss"], seconds, strict=True)
    return [
        {"loss": float(clip), "frame_loss": float(frame), "seconds": took}
        for clip, frame, took in columns
    ]


def _padded(examples: Examples, train: Indices, recipe: Recipe) -> tuple[Any, Any, Any]:
    """Return inputs, targets and sample weights of both losses for `Model.fit`."""
    statistics = fit_statistics(examples.frames[int(i)].values for i in train)
    sequences = normalised_frames(examples, train, recipe, statistics)
    classes = len(examples.classes)
    labels = examples.labels[train]
    targets = np.eye(classes, dtype=np.float32)[labels]
    weights = np.ones(len(labels), np.float32)
    if recipe.training.class_weights:
        weights = class_weights(labels, classes)[labels]

    to_the_longest = partial(pad_batch, stride=recipe.network.stride, multiple=1)
    return batch_arguments(Batch(tuple(sequences), targets, weights), to_the_longest)
