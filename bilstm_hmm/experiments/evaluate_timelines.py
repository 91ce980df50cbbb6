"""Evaluating timelines on recordings joined of test speakers' clips, fold by fold."""

import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.data.errors import DataError
from bilstm_hmm.data.splits.folds import Fold
from bilstm_hmm.data.synthesis.concatenated import concatenate_clips
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.evaluation.timeline_report import write_timeline_evaluation
from bilstm_hmm.evaluation.timeline_results import TimelineResult, read_timelines, write_timelines
from bilstm_hmm.evaluation.timeline_systems import timelines
from bilstm_hmm.experiments.corpus import read_corpus
from bilstm_hmm.experiments.fold import PRETRAINING, FoldContexts, train_fold
from bilstm_hmm.experiments.fold_store import (
    FoldFiles,
    FoldOutcome,
    fold_bundle,
    read_summary,
    run_or_read,
)
from bilstm_hmm.features.audio.reading import read_audio
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.features.frames import FloatArray
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.model import Model
from bilstm_hmm.network.keras_setup import prepare_keras
from bilstm_hmm.progress import Progress
from bilstm_hmm.training.dataset import Dataset, dataset_folds, find_fold, load_dataset
from bilstm_hmm.training.tracking.choice import open_tracker
from bilstm_hmm.training.tracking.figures import track_results
from bilstm_hmm.training.tracking.tracker import Tracker

_LOG = logging.getLogger(__name__)

#: Samples of clips, float32 ``[n]``, by the clip's name.
Samples = Mapping[str, FloatArray]


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the model and the test clips of a fold come from.

    Attributes
    ----------
    bundle
        Gives the model of a fold; where it is trained, the tracker follows it.
    samples
        Gives the samples of the clips of these indices, at that rate in Hz.
    """

    dataset: Dataset
    bundle: Callable[[Fold, Tracker], Bundle]
    samples: Callable[[Sequence[int], int], Samples]


def evaluate_timelines(
    recipe: Recipe,
    numbers: Sequence[int],
    folder: Path,
    progress: Progress,
    models: Path | None = None,
) -> dict[str, Any]:
    """Compare timelines on recordings of unseen speakers; return the metrics.

    A fold that an earlier, interrupted run finished is read from its files, not run again, see
    `bilstm_hmm.experiments.fold_store`.

    Parameters
    ----------
    numbers
        The folds.
    folder
        Of the evaluation.
    models
        The folder of an earlier evaluation, whose bundles are used instead of training new ones.

    Raises
    ------
    ToolkitError, DataError, AudioError
        What the user can mend, in one sentence.
    """
    source = _trained(recipe, folder, progress) if models is None else _stored(recipe, models)
    dataset = source.dataset
    folds = dataset_folds(dataset, recipe.seed)

    def run(fold: Fold, tracker: Tracker) -> FoldOutcome[tuple[TimelineResult, ...]]:
        progress.fold(numbers.index(fold.number), len(numbers))
        progress.message(f"Fold {fold.number} of {len(folds)}")
        bundle = source.bundle(fold, tracker)
        samples = source.samples(fold.test, bundle.recipe.features.rate)
        results = fold_timelines(Model(bundle), dataset, fold, samples, progress)
        summary = {"model": bundle.model_id}
        return FoldOutcome(results, summary, bundle if models is None else None)

    with open_tracker(recipe, folder, "evaluate", progress) as tracker:
        results = {
            fold.number: run_or_read(folder, fold, read_timelines, run, write_timelines, tracker)
            for fold in [find_fold(folds, number) for number in numbers]
        }
        shutil.rmtree(folder / PRETRAINING, ignore_errors=True)
        metrics = write_timeline_evaluation(
            folder,
            dataset.protocol.name,
            dataset.protocol.speaker_independent,
            dataset.classes,
            results,
            [read_summary(FoldFiles(folder, number)) for number in results],
        )
        track_results(tracker, folder, metrics)
    return metrics


def fold_timelines(
    model: Model, dataset: Dataset, fold: Fold, samples: Samples, progress: Progress
) -> tuple[TimelineResult, ...]:
    """Return the timelines of every system for recordings joined of a fold's test clips.

    Parameters
    ----------
    samples
        Of each test clip that could be read.

    Raises
    ------
    ToolkitError
        No test speaker has the clips that a recording is joined of.
    """
    rate = model.bundle.recipe.features.rate
    clips_by_speaker: dict[str, list[Clip]] = {}
    for clip in (dataset.clips[i] for i in fold.test):
        if clip.name in samples:
            clips_by_speaker.setdefault(clip.speaker, []).append(clip)
    results: list[TimelineResult] = []
    for done, (speaker, clips) in enumerate(sorted(clips_by_speaker.items()), start=1):
        try:
            recordings = concatenate_clips(clips, lambda clip: samples[clip.name], rate)
        except DataError as error:
            progress.message(f"Left out: {error}")
            continue
        for recording in recordings:
            predicted = timelines(model, recording.samples)
            results.append(TimelineResult(recording.name, speaker, recording.truth, predicted))
        progress.update("Timelines of test speakers", done, len(clips_by_speaker))
    if not results:
        raise ToolkitError(
            f"Fold {fold.number}: no test speaker has neutral clips and others, so that no "
            "recording can be joined; keep the class neutral in data.classes."
        )
    return tuple(results)


def _trained(recipe: Recipe, folder: Path, progress: Progress) -> _Source:
    corpus = read_corpus(recipe, progress)
    prepare_keras(recipe.seed)
    training = FoldContexts(corpus, recipe, folder, progress)
    examples = corpus.examples

    def bundle(fold: Fold, tracker: Tracker) -> Bundle:
        return train_fold(training.context(fold, tracker), fold).bundle

    def samples(indices: Sequence[int], _rate: int) -> Samples:
        return {examples.clips[i].name: examples.samples[i] for i in indices}

    return _Source(corpus.dataset, bundle, samples)


def _stored(recipe: Recipe, models: Path) -> _Source:
    dataset = load_dataset(recipe.data)

    def bundle(fold: Fold, _tracker: Tracker) -> Bundle:
        return fold_bundle(models, fold, dataset)

    def samples(indices: Sequence[int], rate: int) -> Samples:
        return _read_samples([dataset.clips[i] for i in indices], rate)

    return _Source(dataset, bundle, samples)


def _read_samples(clips: Sequence[Clip], rate: int) -> Samples:
    """Read test clips; those that cannot be read are left out, as in training."""
    samples = {}
    for clip in clips:
        try:
            samples[clip.name] = read_audio(clip.path, rate).samples
        except AudioError as error:
            _LOG.warning("Left out: %s", error)
    return samples
