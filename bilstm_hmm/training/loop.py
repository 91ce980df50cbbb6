"""Training one network: the epochs, the validation, the best weights, and how to go on later.

The loop is the project's own, not ``Model.fit``, so that a run that was cut off continues with
the same batches, learning rate and patience as if it had not been.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bilstm_hmm.arrays import Indices, Weights
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.evaluation.metrics import unweighted_accuracy, weighted_accuracy
from bilstm_hmm.features.extraction.normalise import FeatureStatistics, fit_statistics
from bilstm_hmm.features.frames import FloatArray
from bilstm_hmm.features.spectral.filterbanks import FilterBanks
from bilstm_hmm.network.outputs import NetworkOutput, unpad_outputs
from bilstm_hmm.network.packing import pad
from bilstm_hmm.network.weights import arrays_of, assign, to_half_precision
from bilstm_hmm.training.batches import bucket_batches, class_weights, prefetch, random_batches
from bilstm_hmm.training.checkpoint import TrainingState, load_state, save_state
from bilstm_hmm.training.examples import (
    AugmentedDataset,
    Examples,
    normalised_frames,
    sample_clips,
)
from bilstm_hmm.training.step import TrainableNetwork, batch_arguments, make_trainable

EpochCallback = Callable[[dict[str, float]], None]
LayerWeights = Mapping[str, Sequence[FloatArray]]


@dataclass(frozen=True, slots=True)
class TrainedNetwork:
    """A network with the statistics its inputs are normalised by, and how it was trained."""

    model: Any
    statistics: FeatureStatistics
    best_epoch: int
    history: tuple[dict[str, float], ...]


@dataclass(frozen=True, slots=True)
class TrainingTask:
    """One network to train: which clips, which of them validate, and for how long.

    Without `validation`, the last epoch is kept. `state_file` is where an interrupted
    training is taken up again.
    """

    name: str
    train: Indices
    validation: Indices
    epochs: int
    seed: int
    state_file: Path


def train_network(
    examples: Examples,
    task: TrainingTask,
    recipe: Recipe,
    banks: FilterBanks,
    report: EpochCallback,
    callbacks: Sequence[Any] = (),
    start: LayerWeights | None = None,
) -> TrainedNetwork:
    """Train a network on ``task.train`` and return it with its best weights, in half precision.

    Statistics of the normalisation come from ``task.train`` alone. `report` is called with
    each epoch's row of the history; `callbacks` are Keras callbacks told of each epoch's end.
    Layers named in `start` begin with those weights, all others with random ones.
    """
    import keras
    from threadpoolctl import threadpool_limits

    from bilstm_hmm.network.build import build_network

    keras.utils.set_random_seed(task.seed)
    statistics = fit_statistics(examples.frames[int(i)].values for i in task.train)
    classes = len(examples.classes)
    n_features = examples.frames[0].values.shape[1]
    network = build_network(recipe.network, n_features, classes)
    for layer in network.layers:
        if start is not None and layer.name in start:
            layer.set_weights(list(start[layer.name]))
    trainer = make_trainable(network, recipe)
    weights = class_weights(examples.labels[task.train], classes)
    if not recipe.training.class_weights:
        weights = np.ones_like(weights)
    view = AugmentedDataset(examples, recipe, banks, statistics, weights)
    state = _resume(trainer.model, load_state(task.state_file), recipe)
    for callback in callbacks:
        callback.set_model(trainer.model)
        callback.on_train_begin()
    while not _should_stop(state, task, recipe):
        # The batches are made in threads of their own; BLAS threads would only fight them.
        with threadpool_limits(1, user_api="blas"):
            row, candidate = _epoch(trainer, view, task, recipe, state)
        _update_best(state, row, candidate, task, recipe)
        state.optimizer = arrays_of(trainer.model.optimizer.variables)
        save_state(task.state_file, state)
        report(row)
        for callback in callbacks:
            callback.on_epoch_end(state.epoch - 1, dict(row))
    for callback in callbacks:
        callback.on_train_end()
    assign(trainer.model.variables, [to_half_precision(array) for array in state.best])
    return TrainedNetwork(network, statistics, state.best_epoch, tuple(state.history))


def network_outputs(
    network: TrainedNetwork,
    frames: Sequence[FloatArray],
    stride: int,
    batch_size: int = 64,
) -> list[NetworkOutput]:
    """Run the network on normalised sequences; outputs in their order, without padding."""
    results: list[NetworkOutput | None] = [None] * len(frames)
    for group, answer in _predict_batches(network.model, frames, batch_size):
        lengths = [len(frames[int(index)]) for index in group]
        outputs = unpad_outputs(answer["hidden"], answer["frame"], answer["clip"], lengths, stride)
        for index, output in zip(group, outputs, strict=True):
            results[int(index)] = output
    return [result for result in results if result is not None]


def _predict_batches(
    network: Any, frames: Sequence[FloatArray], batch_size: int = 64
) -> Iterator[tuple[Indices, dict[str, Any]]]:
    """Yield which sequences are in a batch, and what the network says of them."""
    for group in bucket_batches([len(f) for f in frames], batch_size):
        yield group, network.predict_on_batch(list(pad([frames[int(i)] for i in group])))


def _epoch(
    trainer: TrainableNetwork,
    view: AugmentedDataset,
    task: TrainingTask,
    recipe: Recipe,
    state: TrainingState,
) -> tuple[dict[str, float], Weights]:
    """Train for one epoch and validate; returns its row of the history and its weights.

    The weights are those to keep: the running mean, where there is one.
    """
    started = time.monotonic()
    settings = recipe.training
    if settings.schedule == "cosine":
        state.learning_rate = settings.learning_rate * cosine(state.epoch, task.epochs)
    model = trainer.model
    model.optimizer.learning_rate = state.learning_rate
    rng = np.random.default_rng([task.seed, state.epoch])
    chosen = sample_clips(view.examples, task.train, settings.clips_per_speaker, rng)
    if settings.bucketed:
        batches = bucket_batches(view.examples.lengths[chosen].tolist(), settings.batch_size, rng)
    else:
        batches = random_batches(len(chosen), settings.batch_size, rng)
    groups = [chosen[batch] for batch in batches]
    epoch = state.epoch

    def given(group: Indices) -> tuple[Any, Any, Any]:
        return batch_arguments(view.batch(group, epoch), trainer.arrange)

    totals = np.zeros(4)
    for inputs, targets, weights in prefetch(given, groups, recipe.jobs):
        logs = model.train_on_batch(inputs, targets, weights, return_dict=True)
        model.reset_metrics()
        _average(state, model, settings.weight_average)
        told = [float(logs[key]) for key in ("clip_loss", "frame_loss", "clip_accuracy")]
        totals += len(weights["clip"]) * np.array([*told, 1.0])
    row = {
        "epoch": float(epoch + 1),
        # The loss of the clips alone, to be set beside that of the validation clips.
        "loss": totals[0] / totals[3],
        "frame_loss": totals[1] / totals[3],
        "accuracy": 100 * totals[2] / totals[3],
        "learning_rate": state.learning_rate,
    }
    state.model = arrays_of(model.variables)
    assign(model.trainable_variables, state.average)
    candidate = arrays_of(model.variables)
    if len(task.validation):
        row |= _validate(trainer.network, view, task, recipe)
    assign(model.variables, state.model)
    row["seconds"] = time.monotonic() - started
    return row, candidate


def _average(state: TrainingState, model: Any, momentum: float) -> None:
    """Move the running mean of the weights on by a step (Polyak and Juditsky, 1992).

    While there are few steps the momentum is small, so that the mean forgets the first weights.
    """
    state.steps += 1
    current = arrays_of(model.trainable_variables)
    if not state.average:
        state.average = current
        return
    kept = min(momentum, state.steps / (state.steps + 10.0))
    for running, value in zip(state.average, current, strict=True):
        running[...] += (1.0 - kept) * (value - running)


def _validate(
    network: Any, view: AugmentedDataset, task: TrainingTask, recipe: Recipe
) -> dict[str, float]:
    frames = normalised_frames(view.examples, task.validation, recipe, view.statistics)
    logits = np.zeros((len(frames), len(view.examples.classes)))
    for group, answer in _predict_batches(network, frames):
        logits[group] = answer["clip"]
    truth = view.examples.labels[task.validation]
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_posteriors = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    predicted = logits.argmax(axis=1)
    return {
        "val_loss": float(-log_posteriors[np.arange(len(truth)), truth].mean()),
        "val_accuracy": weighted_accuracy(truth, predicted),
        "val_ua": unweighted_accuracy(truth, predicted),
    }


def cosine(epoch: int, epochs: int) -> float:
    """Return half a cosine from 1 to 0.02 (Loshchilov and Hutter, 2017)."""
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * epoch / epochs))


def _update_best(
    state: TrainingState,
    row: dict[str, float],
    candidate: Weights,
    task: TrainingTask,
    recipe: Recipe,
) -> None:
    """Take stock of an epoch: best weights, patience and learning rate."""
    settings = recipe.training
    state.epoch += 1
    state.history.append(row)
    # Without validation clips each epoch counts as the best, so the last one stays.
    score = row.get("val_ua", float(state.epoch))
    if score > state.best_score:
        state.best_score, state.best_epoch = score, state.epoch
        state.best = candidate
    if row.get("val_loss", 0.0) < state.best_loss or not len(task.validation):
        state.best_loss, state.waited = row.get("val_loss", 0.0), 0
        return
    state.waited += 1
    if settings.schedule == "plateau" and state.waited % settings.reduce_patience == 0:
        state.learning_rate *= settings.reduce_factor


def _should_stop(state: TrainingState, task: TrainingTask, recipe: Recipe) -> bool:
    waited = state.epoch - state.best_epoch
    return state.epoch >= task.epochs or waited >= recipe.training.stop_patience


def _resume(model: Any, stored: TrainingState | None, recipe: Recipe) -> TrainingState:
    fresh = TrainingState(learning_rate=recipe.training.learning_rate)
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
    assign(model.variables, stored.model)
    assign(model.optimizer.variables, stored.optimizer)
    return stored
