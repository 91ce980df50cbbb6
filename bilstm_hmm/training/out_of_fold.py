"""Training the whole system on a training part: networks, HMMs and the fusion of their scores.

HMMs and fusion must see the network as a test clip would: so the training part is split again, in
the way that it was split from the test part, a network is trained without each piece, and its
outputs on that piece, the out-of-fold outputs, are what they are fitted on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bilstm_hmm.arrays import Indices
from bilstm_hmm.config.training_settings import TrainingSettings
from bilstm_hmm.data.splits.inner_folds import InnerFolds, inner_folds, validation_split
from bilstm_hmm.features.extraction.normalise import normalise
from bilstm_hmm.features.extraction.voice_statistics import clip_moments
from bilstm_hmm.hmm.projection import Projection, fit_alignment, project
from bilstm_hmm.network.outputs import NetworkOutput, average_outputs
from bilstm_hmm.training.backend import (
    BackEnd,
    DegradedOutputs,
    OutOfFoldOutputs,
    fit_back_end,
    merge_degraded,
)
from bilstm_hmm.training.batching.degraded_examples import degraded_examples, is_degraded
from bilstm_hmm.training.batching.known_voices import voices_by_speaker
from bilstm_hmm.training.context import TrainingContext, TrainingTask
from bilstm_hmm.training.examples import frame_views, normalised_frames
from bilstm_hmm.training.loop import TrainedNetwork, network_outputs, train_network

#: Clips that an alignment is computed on; more change nothing and take memory.
ALIGNMENT_CLIPS = 400
#: Clips that are degraded to fit how sure to be of such ones; more change little.
DEGRADED_CLIPS = 1500
#: The name and the key of the network of all training clips.
FINAL = "final"


@dataclass(frozen=True, slots=True)
class TrainedSystem:
    """All that was fitted on a training part.

    Attributes
    ----------
    network
        The final one, of all training clips.
    inner_networks
        Those of the inner folds.
    clips
        Indices of the training clips, in the order of ``back_end.out_of_fold_probabilities``.
    notes
        Sentences for the user.
    """

    network: TrainedNetwork
    inner_networks: tuple[TrainedNetwork, ...]
    back_end: BackEnd
    clips: Indices
    notes: tuple[str, ...]

    @property
    def networks(self) -> dict[str, TrainedNetwork]:
        """All networks in the order of their training, by the key of their task."""
        inner = {f"fold{n}": network for n, network in enumerate(self.inner_networks, start=1)}
        return {**inner, FINAL: self.network}


def train_system(
    context: TrainingContext, train: Sequence[int], speaker_dependent: bool = False
) -> TrainedSystem:
    """Train the networks on the clips `train`, and fit projection, HMMs and fusion.

    Parameters
    ----------
    speaker_dependent
        Whether the speakers that will be tested are among those of `train`.
    """
    recipe = context.recipe
    split = inner_folds(
        context.examples.clips,
        train,
        recipe.hmm.inner_folds,
        recipe.seed,
        speaker_dependent=speaker_dependent,
        by_corpus=recipe.hmm.inner_split == "corpora",
    )
    tasks = inner_tasks(context, split)
    context.progress.networks(_work(tasks, len(train), recipe.training))
    inner_networks = tuple(_train(context, task) for task in tasks)
    epochs = [
        network.best_epoch / task.epochs
        for network, task in zip(inner_networks, tasks, strict=True)
    ]
    final = _train(context, _final_task(context, train, epochs, speaker_dependent))
    context.progress.message("Fitting the HMMs on the out-of-fold outputs")
    outputs, degraded = out_of_fold_outputs(context, split, inner_networks, final)
    back_end = fit_back_end(outputs, context.examples.classes, recipe, degraded)
    notes = (*_split_notes(split, speaker_dependent), *back_end.notes)
    return TrainedSystem(final, inner_networks, back_end, outputs.clips, notes)


def _work(
    tasks: Sequence[TrainingTask], n_clips: int, settings: TrainingSettings
) -> dict[str, float]:
    """Return how many clips each network is trained on, in all its epochs, at most."""
    work = {task.name: float(len(task.train) * task.epochs) for task in tasks}
    return {**work, FINAL: float(n_clips * n_epochs(n_clips, settings))}


def _split_notes(split: InnerFolds, speaker_dependent: bool) -> list[str]:
    if speaker_dependent:
        return ["Test speakers are in training, so validation holds out clips, not speakers."]
    if split.grouped_by not in ("speakers", "corpora"):
        return [
            f"The training part has one speaker, so validation holds out {split.grouped_by}, "
            "not speakers."
        ]
    return []


def n_epochs(n_clips: int, settings: TrainingSettings) -> int:
    """Return how many epochs a network of so many clips is trained for."""
    if settings.steps is None:
        return settings.epochs
    return max(settings.epochs, -(-settings.steps // -(-n_clips // settings.batch_size)))


def _train(context: TrainingContext, task: TrainingTask) -> TrainedNetwork:
    network = train_network(context, task)
    context.progress.message(f"Network {task.name}: kept epoch {network.best_epoch}")
    return network


def inner_tasks(context: TrainingContext, split: InnerFolds) -> list[TrainingTask]:
    """The networks of the inner folds, each validated on the clips that it is trained without."""
    recipe = context.recipe
    validates = recipe.training.keep == "best"
    return [
        TrainingTask(
            name=f"fold {number} of {len(split.folds)}",
            key=f"fold{number}",
            train=np.array(fit_on),
            validation=np.array(held_out if validates else (), dtype=np.intp),
            epochs=n_epochs(len(fit_on), recipe.training),
            seed=recipe.seed + number,
        )
        for number, (fit_on, held_out) in enumerate(split.folds, start=1)
    ]


def _final_task(
    context: TrainingContext,
    train: Sequence[int],
    best_epochs: Sequence[float],
    speaker_dependent: bool,
) -> TrainingTask:
    """The final network: all training clips for the epochs that were best, or with validation.

    Parameters
    ----------
    best_epochs
        Of each inner network, as a fraction of the epochs that it had: a network of fewer clips
        may have more of them.
    """
    recipe, settings = context.recipe, context.recipe.training
    fit_on: Sequence[int] = train
    validation: Sequence[int] = ()
    if settings.keep == "best" and not settings.refit:
        fit_on, validation = validation_split(
            context.examples.clips,
            train,
            settings.validation_fraction,
            recipe.seed,
            speaker_dependent=speaker_dependent,
        )
    epochs = n_epochs(len(fit_on), settings)
    if settings.keep == "best" and settings.refit:
        epochs = max(1, round(epochs * float(np.median(best_epochs))))
    return TrainingTask(
        name=FINAL,
        key=FINAL,
        train=np.array(fit_on, dtype=np.intp),
        validation=np.array(validation, dtype=np.intp),
        epochs=epochs,
        seed=recipe.seed,
    )


def out_of_fold_outputs(
    context: TrainingContext,
    split: InnerFolds,
    inner_networks: Sequence[TrainedNetwork],
    final: TrainedNetwork,
) -> tuple[OutOfFoldOutputs, DegradedOutputs | None]:
    """Outputs of each training clip by the network that was trained without it.

    Hidden states are aligned with those of the final network, unless the HMMs take the logits.
    Where training degrades clips, some of them come degraded as well.
    """
    clips: list[int] = []
    folds: list[int] = []
    outputs: list[NetworkOutput] = []
    degraded: list[DegradedOutputs] = []
    rng = np.random.default_rng(context.recipe.seed)
    pairs = zip(inner_networks, split.folds, strict=True)
    for number, (network, (fit_on, held_out)) in enumerate(pairs):
        of_fold = _averaged_outputs(context, network, held_out)
        alignment = None
        if context.recipe.hmm.input != "logits":
            alignment_clips = rng.permutation(np.array(fit_on))[:ALIGNMENT_CLIPS]
            alignment = _alignment(context, alignment_clips, network, final)
        clips.extend(held_out)
        folds.extend([number] * len(held_out))
        outputs.extend(_aligned(of_fold, alignment))
        if is_degraded(context.recipe):
            count = DEGRADED_CLIPS // len(split.folds)
            chosen = np.random.default_rng(number).permutation(np.array(held_out))[:count]
            degraded.append(_degraded_outputs(context, chosen, network, alignment, number))
    indices, inner_fold = np.array(clips, dtype=np.intp), np.array(folds, dtype=np.intp)
    names = [context.examples.clips[clip].speaker for clip in clips]
    speakers = np.unique(names, return_inverse=True)[1]
    by_speaker = speakers.max() > 0 and split.grouped_by != "corpora"
    groups = speakers if by_speaker else inner_fold
    labels = context.examples.labels[indices]
    clean = OutOfFoldOutputs(tuple(outputs), indices, labels, inner_fold, groups)
    return clean, merge_degraded(degraded)


def _degraded_outputs(
    context: TrainingContext,
    clips: Indices,
    network: TrainedNetwork,
    alignment: Projection | None,
    fold: int,
) -> DegradedOutputs:
    """Outputs of degraded clips, nothing known of their voices, by a network without them."""
    recipe = context.recipe
    examples, qualities = degraded_examples(context.examples, clips, recipe, context.filter_banks)
    if recipe.voice.known_clips:
        voice = recipe.voice.model_copy(update={"known_clips": (0,)})
        recipe = recipe.model_copy(update={"voice": voice})
    degraded = replace(context, examples=examples, recipe=recipe)
    outputs = _averaged_outputs(degraded, network, range(len(clips)))
    folds = np.full(len(clips), fold, dtype=np.intp)
    return DegradedOutputs(_aligned(outputs, alignment), examples.labels, folds, qualities)


def _alignment(
    context: TrainingContext,
    clips: Indices,
    network: TrainedNetwork,
    final: TrainedNetwork,
) -> Projection:
    """What maps the hidden states of `network` onto those of `final`, by the same clips."""
    return fit_alignment(_outputs(context, network, clips), _outputs(context, final, clips))


def _aligned(
    outputs: Sequence[NetworkOutput], alignment: Projection | None
) -> tuple[NetworkOutput, ...]:
    if alignment is None:
        return tuple(outputs)
    return tuple(replace(o, hidden=project(alignment, o).astype(np.float32)) for o in outputs)


def _averaged_outputs(
    context: TrainingContext, network: TrainedNetwork, clips: Sequence[int]
) -> list[NetworkOutput]:
    """Outputs for the clips as prediction has them: the means over ``decision.warps``.

    Of the voices of these clips as much is known as in training.
    """
    recipe = context.recipe
    views = frame_views(context.examples, clips, recipe, context.filter_banks)
    statistics = [(network.statistics,) * len(recipe.decision.warps)] * len(clips)
    if recipe.voice.known_clips:
        voices = voices_by_speaker(context.examples.clips, clips, recipe.voice)
        moments = dict(zip(clips, map(clip_moments, views), strict=True))
        rng = np.random.default_rng(recipe.seed)
        statistics = [
            voices.statistics(clip, network.statistics, moments.__getitem__, rng) for clip in clips
        ]
    outputs = []
    for view in range(len(recipe.decision.warps)):
        frames = [
            normalise(of_clip[view], recipe.features.normalisation, by_view[view])
            for of_clip, by_view in zip(views, statistics, strict=True)
        ]
        outputs.append(network_outputs(network, frames, recipe.network.stride))
    return [average_outputs(of_clip) for of_clip in zip(*outputs, strict=True)]


def _outputs(
    context: TrainingContext, network: TrainedNetwork, clips: Indices
) -> list[NetworkOutput]:
    frames = normalised_frames(context.examples, clips, context.recipe, network.statistics)
    return network_outputs(network, frames, context.recipe.network.stride)
