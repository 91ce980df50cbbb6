"""How good a recipe is, by the training speakers of a fold alone: what a trial measures.

The fold's test clips are left out before anything is decoded. The training speakers are split as in
a training (`hmm.inner_folds`), a network is trained without each part, and what is measured are its
answers for that part, and those of HMMs and a fusion that were fitted without it.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from bilstm_hmm.arrays import FloatMatrix
from bilstm_hmm.config.back_end_settings import System
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.data.splits.folds import Fold
from bilstm_hmm.data.splits.inner_folds import InnerFolds, inner_folds
from bilstm_hmm.evaluation.clip_results import ClipResult, clip_result
from bilstm_hmm.evaluation.metrics import unweighted_accuracy
from bilstm_hmm.experiments.corpus import DecodedCorpus, decode_dataset
from bilstm_hmm.features.settings.augmentation import AugmentationSettings
from bilstm_hmm.network.keras_setup import prepare_keras
from bilstm_hmm.numerics import log_softmax
from bilstm_hmm.progress import Progress
from bilstm_hmm.training.backend import fit_back_end
from bilstm_hmm.training.context import TrainingContext
from bilstm_hmm.training.dataset import Dataset
from bilstm_hmm.training.loop import TrainedNetwork, train_network
from bilstm_hmm.training.out_of_fold import inner_tasks, out_of_fold_outputs
from bilstm_hmm.training.pretraining import pretrained_weights, pretraining_clips

#: Steps that the training of an inner fold has for a pruner, whatever its epochs.
STEPS_PER_FOLD = 10
#: Given a step, counted on over the inner folds, and the UA so far; raises to end the trial.
Report = Callable[[int, float], None]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a trial found.

    Attributes
    ----------
    value
        UA in percent of the system that the search is about.
    by_system
        UA of every system that was fitted.
    best_epochs
        The epoch that was kept in each inner fold.
    results
        The answers for each training clip.
    """

    value: float
    by_system: dict[str, float]
    best_epochs: tuple[int, ...]
    seconds: float
    classes: tuple[str, ...]
    results: tuple[ClipResult, ...]


class Measure(Protocol):
    """Measures a recipe; `SpeakerMeasure` does, and in tests a stand-in that trains nothing."""

    def __call__(self, recipe: Recipe, name: str, report: Report) -> Measured:
        """Measure a recipe.

        Parameters
        ----------
        name
            Of the trial, for the user.
        report
            Is given the UA of the network as it learns.
        """


class SpeakerMeasure:
    """Measures recipes on the training speakers of one fold.

    Parameters
    ----------
    dataset
        All clips; those of ``fold.train`` are used, and no others.
    metric
        The system whose UA counts. For ``bilstm`` no HMMs are fitted.
    work
        Folder for the state of networks, emptied by the caller.
    """

    def __init__(
        self, dataset: Dataset, fold: Fold, metric: System, work: Path, progress: Progress
    ) -> None:
        self._dataset = replace(dataset, clips=tuple(dataset.clips[i] for i in fold.train))
        self._speakers = {clip.speaker for clip in dataset.clips}
        self._speaker_dependent = fold.is_speaker_dependent(dataset.clips)
        self._metric, self._work, self._progress = metric, work, progress
        self._decoded: tuple[str, DecodedCorpus] | None = None

    def __call__(self, recipe: Recipe, name: str, report: Report) -> Measured:
        """Train the networks of the inner folds and measure them; see `Measure`."""
        started = time.monotonic()
        prepare_keras(recipe.seed)
        context = self._context(recipe)
        split = inner_folds(
            context.examples.clips,
            range(len(context.examples.clips)),
            recipe.hmm.inner_folds,
            recipe.seed,
            speaker_dependent=self._speaker_dependent,
            by_corpus=recipe.hmm.inner_split == "corpora",
        )
        networks = _train_networks(context, split, name, report)
        results = _results(context, split, networks, self._metric)
        classes = context.examples.classes
        by_system = {system: _ua(results, system, classes) for system in results[0].probabilities}
        _forget_networks()
        return Measured(
            by_system[self._metric],
            by_system,
            tuple(network.best_epoch for network in networks),
            time.monotonic() - started,
            classes,
            results,
        )

    def _context(self, recipe: Recipe) -> TrainingContext:
        corpus = self._corpus(recipe)
        # Anew: its caches of augmented clips are of another augmentation, and grow.
        examples = replace(corpus.examples)
        corpus = replace(corpus, examples=examples)
        context = corpus.training_context(recipe, self._work, self._progress)
        # Not a voice that is tested on, which the examples no longer have.
        clips = pretraining_clips(recipe, self._speakers)
        return replace(context, initial_weights=pretrained_weights(context, clips) if clips else {})

    def _corpus(self, recipe: Recipe) -> DecodedCorpus:
        """The clips with frames by this recipe; the last ones are kept."""
        key = recipe.features.model_dump_json()
        if self._decoded is None or self._decoded[0] != key:
            self._decoded = None
            self._decoded = (key, decode_dataset(self._dataset, recipe, self._progress))
        return self._decoded[1]


def _train_networks(
    context: TrainingContext, split: InnerFolds, name: str, report: Report
) -> tuple[TrainedNetwork, ...]:
    networks: list[TrainedNetwork] = []
    done: list[float] = []
    for number, task in enumerate(inner_tasks(context, split)):
        watch = _EpochReport(report, number, task.epochs, tuple(done))
        watched = replace(context, callbacks=watch.for_network)
        networks.append(train_network(watched, replace(task, name=f"{name}, {task.name}")))
        done.append(watch.best)
    return tuple(networks)


class _EpochReport:
    """Reports the UA on held-out speakers to a pruner, as the training loop calls callbacks.

    Networks of more epochs than others report as often, so that they can be compared.
    """

    def __init__(self, report: Report, fold: int, epochs: int, done: Sequence[float]) -> None:
        self._report, self._fold, self._epochs, self._done = report, fold, epochs, done
        self._step = 0
        self.best = 0.0

    def for_network(self, _key: str) -> "list[_EpochReport]":
        """Return the callbacks of the network: this one."""
        return [self]

    def set_model(self, _model: Any) -> None:
        """Take no note."""

    def on_train_begin(self) -> None:
        """Take no note."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Report where a tenth of the epochs is done; the first epoch is 0."""
        if "val_ua" not in logs:
            return
        self.best = max(self.best, logs["val_ua"])
        step = STEPS_PER_FOLD * (epoch + 1) // self._epochs
        if step > self._step:
            self._step = step
            so_far = float(np.mean([*self._done, self.best]))
            self._report(STEPS_PER_FOLD * self._fold + step, so_far)

    def on_train_end(self) -> None:
        """Take no note."""


def _results(
    context: TrainingContext,
    split: InnerFolds,
    networks: Sequence[TrainedNetwork],
    metric: System,
) -> tuple[ClipResult, ...]:
    """What each system says of each clip, by networks and HMMs that were fitted without it."""
    # The clips as they are, not as training spoils them.
    recipe = context.recipe.model_copy(update={"augmentation": AugmentationSettings()})
    # There is no final network here: hidden states are aligned with those of the first.
    outputs, _ = out_of_fold_outputs(replace(context, recipe=recipe), split, networks, networks[0])
    by_system: dict[str, FloatMatrix]
    if metric == "bilstm":
        logits = np.stack([o.clip_logits for o in outputs.outputs]).astype(np.float64)
        by_system = {metric: np.exp(log_softmax(logits))}
    else:
        back_end = fit_back_end(outputs, context.examples.classes, recipe)
        by_system = dict(back_end.out_of_fold_probabilities.items())
    clips = context.examples.clips
    return tuple(
        clip_result(clips[int(clip)], {name: p[row] for name, p in by_system.items()})
        for row, clip in enumerate(outputs.clips)
    )


def _ua(results: Sequence[ClipResult], system: str, classes: Sequence[str]) -> float:
    truth = [classes.index(result.truth) for result in results]
    predicted = [int(np.argmax(result.probabilities[system])) for result in results]
    return unweighted_accuracy(truth, predicted)


def _forget_networks() -> None:
    """Free what Keras keeps of networks: a search makes hundreds of them in one process."""
    import gc

    import keras

    keras.backend.clear_session()
    gc.collect()
