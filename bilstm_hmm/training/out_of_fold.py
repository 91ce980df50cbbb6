"""Fitting the whole system on a training part: networks, HMMs and decision layers.

The HMMs and the decision layers must see the network as a test clip would: so the training part
is split again, in the way that it was split from the test part, a network is trained without each
piece, and its outputs on that piece, the out-of-fold outputs, are what they are fitted on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bilstm_hmm.arrays import Indices
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.config.training_settings import TrainingSettings
from bilstm_hmm.data.splits.inner_folds import InnerFolds, inner_folds, validation_split
from bilstm_hmm.features.spectral.filterbanks import FilterBanks
from bilstm_hmm.hmm.projection import fit_alignment, project
from bilstm_hmm.network.outputs import NetworkOutput, average_outputs
from bilstm_hmm.progress import Progress
from bilstm_hmm.training.backend import BackEnd, OutOfFoldOutputs, fit_back_end
from bilstm_hmm.training.examples import Examples, normalised_frames, warped_frames
from bilstm_hmm.training.loop import (
    LayerWeights,
    TrainedNetwork,
    TrainingTask,
    network_outputs,
    train_network,
)

#: Clips that an alignment is computed on; more change nothing and take memory.
ALIGNMENT_CLIPS = 400


@dataclass(frozen=True, slots=True)
class TrainedSystem:
    """All that was fitted on a training part.

    `inner` are the networks of the inner folds, `rows` the clips that ``heads.unseen`` is about,
    `notes` sentences for the user.
    """

    network: TrainedNetwork
    inner: tuple[TrainedNetwork, ...]
    heads: BackEnd
    rows: Indices
    notes: tuple[str, ...]


def train_system(
    examples: Examples,
    train: Sequence[int],
    recipe: Recipe,
    banks: FilterBanks,
    work: Path,
    progress: Progress,
    callbacks: Callable[[str], Sequence[Any]],
    start: LayerWeights | None = None,
    mixed: bool = False,
) -> TrainedSystem:
    """Fit networks, projection, HMMs and decision on the clips `train`.

    Parameters
    ----------
    work
        Folder of the checkpoints; what is finished there is not done again.
    callbacks
        Gives the Keras callbacks for the network of that name.
    start
        Weights that every network begins with, from `bilstm_hmm.training.pretraining`.
    mixed
        Whether the speakers that will be tested are among those of `train`.
    """
    split = inner_folds(
        examples.clips, train, recipe.hmm.inner_folds, recipe.seed, speaker_dependent=mixed
    )
    notes = []
    if mixed:
        notes.append("Test speakers are in training, so validation holds out clips, not speakers.")
    elif split.grouped_by != "speakers":
        notes.append(
            f"The training part has one speaker, so validation holds out {split.grouped_by}, "
            "not speakers."
        )
    inner, lengths = [], []
    for number, (fit_on, held_out) in enumerate(split.folds, start=1):
        task = TrainingTask(
            name=f"fold {number} of {len(split.folds)}",
            train=np.array(fit_on),
            validation=np.array(held_out if recipe.training.keep == "best" else (), dtype=np.intp),
            epochs=n_epochs(len(fit_on), recipe.training),
            seed=recipe.seed + number,
            state_file=work / f"fold{number}.npz",
        )
        lengths.append(task.epochs)
        inner.append(_train(examples, task, recipe, banks, progress, callbacks, start))
    final_task = _final_task(examples, train, inner, lengths, recipe, work, mixed)
    final = _train(examples, final_task, recipe, banks, progress, callbacks, start)
    progress.say("Fitting the HMMs on the out-of-fold outputs")
    unseen = _out_of_fold(examples, split, inner, final, recipe, banks)
    heads = fit_back_end(unseen, examples.classes, recipe)
    return TrainedSystem(final, tuple(inner), heads, unseen.rows, (*notes, *heads.notes))


def n_epochs(n_clips: int, settings: TrainingSettings) -> int:
    """Return the epochs of a network that learns from `n_clips` clips."""
    if settings.steps is None:
        return settings.epochs
    return max(settings.epochs, -(-settings.steps // -(-n_clips // settings.batch_size)))


def _train(
    examples: Examples,
    task: TrainingTask,
    recipe: Recipe,
    banks: FilterBanks,
    progress: Progress,
    callbacks: Callable[[str], Sequence[Any]],
    start: LayerWeights | None,
) -> TrainedNetwork:
    name = task.state_file.stem
    network = train_network(
        examples,
        task,
        recipe,
        banks,
        lambda row: progress.epoch(task.name, task.epochs, row),
        callbacks(name),
        start,
    )
    progress.say(f"Network {task.name}: kept epoch {network.best_epoch}")
    return network


def _final_task(
    examples: Examples,
    train: Sequence[int],
    inner: Sequence[TrainedNetwork],
    lengths: Sequence[int],
    recipe: Recipe,
    work: Path,
    mixed: bool,
) -> TrainingTask:
    """The final network: all training clips for the epochs found best, or with validation.

    `lengths` are the epochs that each of the `inner` networks had to find its best in.
    """
    settings = recipe.training
    fit_on, validation = list(train), []
    if settings.keep == "best" and not settings.refit:
        split = validation_split(
            examples.clips,
            train,
            settings.validation_fraction,
            recipe.seed,
            speaker_dependent=mixed,
        )
        fit_on, validation = list(split[0]), list(split[1])
    epochs = n_epochs(len(fit_on), settings)
    if settings.keep == "best" and settings.refit:
        # Shares of the way, because a network of fewer clips may have more epochs.
        shares = [n.best_epoch / longest for n, longest in zip(inner, lengths, strict=True)]
        epochs = max(1, round(epochs * float(np.median(shares))))
    return TrainingTask(
        name="final",
        train=np.array(fit_on, dtype=np.intp),
        validation=np.array(validation, dtype=np.intp),
        epochs=epochs,
        seed=recipe.seed,
        state_file=work / "final.npz",
    )


def _out_of_fold(
    examples: Examples,
    split: InnerFolds,
    inner: Sequence[TrainedNetwork],
    final: TrainedNetwork,
    recipe: Recipe,
    banks: FilterBanks,
) -> OutOfFoldOutputs:
    indices: list[int] = []
    folds: list[int] = []
    outputs: list[NetworkOutput] = []
    rng = np.random.default_rng(recipe.seed)
    for number, (network, (fit_on, held_out)) in enumerate(zip(inner, split.folds, strict=True)):
        found = _view_outputs(examples, held_out, network, recipe, banks)
        if recipe.hmm.input != "logits":
            shared = rng.permutation(np.array(fit_on))[:ALIGNMENT_CLIPS]
            aligned = fit_alignment(
                _outputs(examples, shared, network, recipe),
                _outputs(examples, shared, final, recipe),
            )
            found = [replace(o, hidden=project(aligned, o).astype(np.float32)) for o in found]
        indices.extend(held_out)
        folds.extend([number] * len(held_out))
        outputs.extend(found)
    rows, fold = np.array(indices, dtype=np.intp), np.array(folds, dtype=np.intp)
    speakers = np.unique([examples.clips[row].speaker for row in rows], return_inverse=True)[1]
    groups = speakers if speakers.max() > 0 else fold
    return OutOfFoldOutputs(tuple(outputs), rows, examples.labels[rows], fold, groups)


def _view_outputs(
    examples: Examples,
    indices: Sequence[int],
    network: TrainedNetwork,
    recipe: Recipe,
    banks: FilterBanks,
) -> list[NetworkOutput]:
    """Outputs for the clips as prediction has them: the means over their views."""
    views = warped_frames(examples, indices, recipe, banks, network.statistics)
    told = [network_outputs(network, frames, recipe.network.stride) for frames in views]
    return [average_outputs(of_clip) for of_clip in zip(*told, strict=True)]


def _outputs(
    examples: Examples, indices: Sequence[int] | Indices, network: TrainedNetwork, recipe: Recipe
) -> list[NetworkOutput]:
    frames = normalised_frames(examples, indices, recipe, network.statistics)
    return network_outputs(network, frames, recipe.network.stride)
