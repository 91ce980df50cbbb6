"""Training one network: the epochs, the validation, the best weights, and how to go on later.

The loop is the project's own, not ``Model.fit``, so that a run that was cut off continues with
the same batches, learning rate and patience as if it had not been.
"""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bilstm_hmm.arrays import FloatArray, Indices, Weights
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.config.training_settings import TrainingSettings
from bilstm_hmm.evaluation.metrics import unweighted_accuracy, weighted_accuracy
from bilstm_hmm.features.extraction.normalise import FeatureStatistics, fit_statistics
from bilstm_hmm.network.outputs import NetworkOutput, unpad_outputs
from bilstm_hmm.network.packing import pad
from bilstm_hmm.network.weights import get_weights, set_weights, to_half_precision
from bilstm_hmm.numerics import log_softmax
from bilstm_hmm.ordered_map import ordered_map
from bilstm_hmm.training.augmented_batches import AugmentedDataset, training_dataset
from bilstm_hmm.training.batches import (
    bucket_batches,
    random_batches,
    sample_clips,
)
from bilstm_hmm.training.checkpoint import TrainingState, load_state, save_state
from bilstm_hmm.training.context import TrainingContext, TrainingTask
from bilstm_hmm.training.examples import normalised_frames
from bilstm_hmm.training.step import TrainableNetwork, batch_arguments, make_trainable

#: What Keras reports of a step, and a row of the history has the mean of.
_LOSSES = ("clip_loss", "frame_loss", "clip_accuracy")


@dataclass(frozen=True, slots=True)
class TrainedNetwork:
    """A network with the statistics its inputs are normalised by, and how it was trained."""

    network: Any
    statistics: FeatureStatistics
    best_epoch: int
    history: tuple[dict[str, float], ...]


@dataclass(frozen=True, slots=True)
class _Training:
    """A training under way: the network, its batches, its task, and where it stands."""

    network: TrainableNetwork
    dataset: AugmentedDataset
    task: TrainingTask
    state: TrainingState

    @property
    def recipe(self) -> Recipe:
        return self.dataset.recipe

    @property
    def settings(self) -> TrainingSettings:
        return self.dataset.recipe.training


def train_network(context: TrainingContext, task: TrainingTask) -> TrainedNetwork:
    """Train a network on ``task.train`` and return it with its best weights, in half precision.

    Statistics of the normalisation come from ``task.train`` alone. After each epoch its row of
    the history goes to ``context.progress`` and to the Keras callbacks of the network.
    """
    from threadpoolctl import threadpool_limits

    training = _begin(context, task)
    model, state = training.network.training_model, training.state
    state_file = task.state_file(context.work)
    callbacks = context.callbacks(task.key)
    for callback in callbacks:
        callback.set_model(model)
        callback.on_train_begin()
    while not _should_stop(training):
        # The batches are made in threads of their own; BLAS threads would only fight them.
        with threadpool_limits(1, user_api="blas"):
            row, candidate = _epoch(training)
        _update_best(training, row, candidate)
        state.optimizer = get_weights(model.optimizer.variables)
        save_state(state_file, state)
        context.progress.epoch(task.name, task.epochs, row)
        for callback in callbacks:
            callback.on_epoch_end(state.epoch - 1, dict(row))
    for callback in callbacks:
        callback.on_train_end()
    set_weights(model.variables, [to_half_precision(array) for array in state.best])
    return TrainedNetwork(
        training.network.network,
        training.dataset.statistics,
        state.best_epoch,
        tuple(state.history),
    )


def _begin(context: TrainingContext, task: TrainingTask) -> _Training:
    """Build the network, or take it up where an earlier training was cut off."""
    import keras

    from bilstm_hmm.network.build import build_network

    examples, recipe = context.examples, context.recipe
    keras.utils.set_random_seed(task.seed)
    statistics = fit_statistics(examples.frames[int(i)].values for i in task.train)
    n_features, n_classes = examples.frames[0].values.shape[1], len(examples.classes)
    network = build_network(recipe.network, n_features, n_classes)
    for layer in network.layers:
        if layer.name in context.initial_weights:
            layer.set_weights(list(context.initial_weights[layer.name]))
    trainable = make_trainable(network, recipe)
    dataset = training_dataset(context, task, statistics)
    stored = load_state(task.state_file(context.work))
    return _Training(
        trainable, dataset, task, _resume(trainable.training_model, stored, recipe.training)
    )


def _resume(model: Any, stored: TrainingState | None, settings: TrainingSettings) -> TrainingState:
    """Return the stored state, its weights in the model; a new one where it does not fit."""
    fresh = TrainingState(learning_rate=settings.learning_rate)
    if stored is None:
        return fresh
    for variables, arrays in (
        (model.variables, stored.model),
        (model.variables, stored.best),
        (model.trainable_variables, stored.average),
        (model.optimizer.variables, stored.optimizer),
    ):
        if [tuple(v.shape) for v in variables] != [array.shape for array in arrays]:
            return fresh
    set_weights(model.variables, stored.model)
    set_weights(model.optimizer.variables, stored.optimizer)
    return stored


def _epoch(training: _Training) -> tuple[dict[str, float], Weights]:
    """Train for one epoch and validate; returns its row of the history and its weights.

    The weights are those to keep: the running mean, where there is one.
    """
    started = time.monotonic()
    settings, state, model = training.settings, training.state, training.network.training_model
    if settings.schedule == "cosine":
        state.learning_rate = settings.learning_rate * cosine_decay(
            state.epoch, training.task.epochs
        )
    model.optimizer.learning_rate = state.learning_rate
    row = {
        "epoch": float(state.epoch + 1),
        **_train_on(_epoch_batches(training), training),
        "learning_rate": state.learning_rate,
    }
    state.model = get_weights(model.variables)
    set_weights(model.trainable_variables, state.average)
    candidate = get_weights(model.variables)
    if len(training.task.validation):
        row |= _validate(training)
    set_weights(model.variables, state.model)
    row["seconds"] = time.monotonic() - started
    return row, candidate


def _epoch_batches(training: _Training) -> list[Indices]:
    """Return the clips of each batch of the epoch that comes next."""
    settings, task, examples = training.settings, training.task, training.dataset.examples
    rng = np.random.default_rng([task.seed, training.state.epoch])
    clips = sample_clips(examples, task.train, settings.clips_per_speaker, rng)
    if settings.bucketed:
        batches = bucket_batches(examples.lengths[clips].tolist(), settings.batch_size, rng)
    else:
        batches = random_batches(len(clips), settings.batch_size, rng)
    return [clips[batch] for batch in batches]


def _train_on(batches: Sequence[Indices], training: _Training) -> dict[str, float]:
    """Take a step on each batch; returns losses and accuracy (percent), means over the clips.

    ``loss`` is that of the clips alone, to be set beside that of the validation clips.
    """
    dataset, network, state = training.dataset, training.network, training.state
    epoch = state.epoch

    def make_arguments(indices: Indices) -> tuple[Any, Any, Any]:
        return batch_arguments(dataset.batch(indices, epoch), network.pack)

    keys = _LOSSES if dataset.encoder is None else (*_LOSSES, "encoder_loss")
    totals = np.zeros(len(keys) + 1)
    for inputs, targets, weights in ordered_map(make_arguments, batches, training.recipe.jobs):
        logs = network.training_model.train_on_batch(inputs, targets, weights, return_dict=True)
        network.training_model.reset_metrics()
        _average(state, network.training_model, training.settings.weight_average)
        totals += len(weights["clip"]) * np.array([*(float(logs[key]) for key in keys), 1.0])
    means = dict(zip(keys, totals[:-1] / totals[-1], strict=True))
    row = {"loss": means.pop("clip_loss"), "accuracy": 100 * means.pop("clip_accuracy")}
    return {**row, **means}


def _average(state: TrainingState, model: Any, momentum: float) -> None:
    """Move the running mean of the weights on by a step (Polyak and Juditsky, 1992).

    While there are few steps the momentum is small, so that the mean forgets the first weights.
    """
    state.steps += 1
    current = get_weights(model.trainable_variables)
    if not state.average:
        state.average = current
        return
    momentum = min(momentum, state.steps / (state.steps + 10.0))
    for running, value in zip(state.average, current, strict=True):
        running[...] += (1.0 - momentum) * (value - running)


def _validate(training: _Training) -> dict[str, float]:
    """Return loss, WA and UA of the validation clips."""
    dataset, clips = training.dataset, training.task.validation
    frames = normalised_frames(dataset.examples, clips, dataset.recipe, dataset.statistics)
    logits = np.zeros((len(frames), len(dataset.examples.classes)))
    for batch, outputs in _predict_batches(training.network.network, frames):
        logits[batch] = outputs["clip"]
    truth, predicted = dataset.examples.labels[clips], logits.argmax(axis=1)
    return {
        "val_loss": float(-log_softmax(logits)[np.arange(len(truth)), truth].mean()),
        "val_accuracy": weighted_accuracy(truth, predicted),
        "val_ua": unweighted_accuracy(truth, predicted),
    }


def cosine_decay(epoch: int, epochs: int) -> float:
    """Return half a cosine from 1 to 0.02 (Loshchilov and Hutter, 2017)."""
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * epoch / epochs))


def _update_best(training: _Training, row: dict[str, float], candidate: Weights) -> None:
    """Take stock of an epoch: best weights, patience and learning rate."""
    state, settings = training.state, training.settings
    state.epoch += 1
    state.history.append(row)
    # Without validation clips each epoch counts as the best, so the last one stays.
    score = row.get("val_ua", float(state.epoch))
    if score > state.best_score:
        state.best_score, state.best_epoch = score, state.epoch
        state.best = candidate
    if row.get("val_loss", 0.0) < state.best_loss or not len(training.task.validation):
        state.best_loss, state.waited = row.get("val_loss", 0.0), 0
        return
    state.waited += 1
    if settings.schedule == "plateau" and state.waited % settings.reduce_patience == 0:
        state.learning_rate *= settings.reduce_factor


def _should_stop(training: _Training) -> bool:
    state = training.state
    waited = state.epoch - state.best_epoch
    return state.epoch >= training.task.epochs or waited >= training.settings.stop_patience


def network_outputs(
    network: TrainedNetwork,
    frames: Sequence[FloatArray],
    stride: int,
    batch_size: int = 64,
) -> list[NetworkOutput]:
    """Run the network on normalised sequences; outputs in their order, without padding."""
    results: list[NetworkOutput | None] = [None] * len(frames)
    for batch, outputs in _predict_batches(network.network, frames, batch_size):
        lengths = [len(frames[int(index)]) for index in batch]
        of_batch = unpad_outputs(
            outputs["hidden"], outputs["frame"], outputs["clip"], lengths, stride
        )
        for index, output in zip(batch, of_batch, strict=True):
            results[int(index)] = output
    return [result for result in results if result is not None]


def _predict_batches(
    network: Any, frames: Sequence[FloatArray], batch_size: int = 64
) -> Iterator[tuple[Indices, dict[str, Any]]]:
    """Yield which sequences are in a batch, and the outputs of the network for it."""
    for batch in bucket_batches([len(f) for f in frames], batch_size):
        yield batch, network.predict_on_batch(list(pad([frames[int(i)] for i in batch])))
