"""Evaluating timelines on recordings joined of test speakers' clips, fold by fold."""

import json
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bilstm_hmm.atomic_files import atomic_write
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.data.errors import DataError
from bilstm_hmm.data.splits.folds import Fold
from bilstm_hmm.data.synthesis.concatenated import concatenate_clips
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.evaluation.timeline_report import write_timeline_evaluation
from bilstm_hmm.evaluation.timeline_results import TimelineResult, read_timelines, write_timelines
from bilstm_hmm.evaluation.timeline_systems import timelines
from bilstm_hmm.experiments.evaluate import PRETRAINING, read_cost
from bilstm_hmm.experiments.fold_store import fold_bundle
from bilstm_hmm.experiments.train import Corpus, prepare_backend, read_corpus
from bilstm_hmm.features.audio.reading import read_audio
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.features.frames import FloatArray
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.bundle_files import write_bundle
from bilstm_hmm.inference.model import Model
from bilstm_hmm.progress import Progress
from bilstm_hmm.training.dataset import Dataset, dataset_folds, find_fold, load_dataset

if TYPE_CHECKING:
    from bilstm_hmm.training.loop import LayerWeights

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the model and the test clips of a fold come from.

    `selection` holds all clips, and `model` gives the bundle of a fold, `samples` those of some
    of its clips, by name.
    """

    selection: Dataset
    model: Callable[[Fold], Bundle]
    samples: Callable[[Sequence[int], int], Mapping[str, FloatArray]]


def evaluate_timelines(
    recipe: Recipe,
    numbers: Sequence[int],
    folder: Path,
    progress: Progress,
    models: Path | None = None,
) -> dict[str, Any]:
    """Compare timelines on recordings of unseen speakers; return the document of the scores.

    Parameters
    ----------
    numbers
        The folds.
    folder
        ``fold<number>.csv`` has what is finished of an interrupted run, which is not done again;
        the bundle ``fold<number>`` is the model, where it was trained here.
    models
        The folder of an earlier evaluation, whose bundles ``fold<number>`` are used instead of
        training new ones; see `bilstm_hmm.experiments.fold_store`.

    Raises
    ------
    ToolkitError, DataError, AudioError
        What the user can mend, in one sentence.
    """
    source = _training(recipe, folder, progress) if models is None else _stored(recipe, models)
    selection = source.selection
    found = dataset_folds(selection, recipe.seed)
    folds = [find_fold(found, number) for number in numbers]
    results: dict[int, Sequence[TimelineResult]] = {}
    for fold in folds:
        stored = folder / f"fold{fold.number}.csv"
        outcome = read_timelines(stored)
        if outcome is None:
            progress.say(f"Fold {fold.number} of {len(found)}")
            bundle = source.model(fold)
            samples = source.samples(fold.test, bundle.recipe.features.rate)
            outcome = fold_timelines(Model(bundle), selection, fold, samples, progress)
            fitted = None if bundle.timeline is None else bundle.timeline.to_dict()
            told = {"model": bundle.identity, "fitted": fitted}
            # The results last: they are what says that the fold is finished.
            atomic_write(stored.with_suffix(".json"), json.dumps(told, indent=2) + "\n")
            write_timelines(stored, outcome)
        results[fold.number] = outcome
    shutil.rmtree(folder / PRETRAINING, ignore_errors=True)
    return write_timeline_evaluation(
        folder,
        selection.protocol.name,
        selection.protocol.speaker_independent,
        selection.classes,
        results,
        [read_cost(folder / f"fold{number}.json") for number in results],
    )


def fold_timelines(
    model: Model,
    selection: Dataset,
    fold: Fold,
    samples: Mapping[str, FloatArray],
    progress: Progress,
) -> tuple[TimelineResult, ...]:
    """Return what every system finds in the recordings joined of a fold's test clips.

    Parameters
    ----------
    samples
        Of each test clip that could be read, by its name.

    Raises
    ------
    ToolkitError
        No test speaker has the clips that a recording is joined of.
    """
    clips_of: dict[str, list[Clip]] = {}
    for clip in (selection.clips[i] for i in fold.test):
        if clip.name in samples:
            clips_of.setdefault(clip.speaker, []).append(clip)
    results: list[TimelineResult] = []
    for done, (speaker, clips) in enumerate(sorted(clips_of.items()), start=1):
        rate = model.bundle.recipe.features.rate
        try:
            recordings = concatenate_clips(clips, lambda clip: samples[clip.name], rate)
        except DataError as error:
            progress.say(f"Left out: {error}")
            continue
        for recording in recordings:
            found = timelines(model, recording.samples)
            results.append(TimelineResult(recording.name, speaker, recording.truth, found))
        progress.move("Timelines of test speakers", done, len(clips_of))
    if not results:
        raise ToolkitError(
            f"Fold {fold.number}: no test speaker has neutral clips and others, so that no "
            "recording can be joined; keep the class neutral in data.classes."
        )
    return tuple(results)


def _training(recipe: Recipe, folder: Path, progress: Progress) -> _Source:
    corpus = read_corpus(recipe, progress)
    prepare_backend(recipe.seed)
    start: list[LayerWeights | None] = []

    def model(fold: Fold) -> Bundle:
        from bilstm_hmm.training.pretraining import starting_layers

        stored = folder / f"fold{fold.number}"
        if not start:
            # Once for all folds: decoding the other corpora takes its time.
            work = folder / PRETRAINING
            start.append(starting_layers(recipe, corpus.examples, corpus.banks, work, progress))
        bundle = trained_bundle(
            corpus, fold, recipe, folder / f"work{fold.number}", progress, start[0]
        )
        write_bundle(stored, bundle)
        shutil.rmtree(folder / f"work{fold.number}", ignore_errors=True)
        return bundle

    def samples(indices: Sequence[int], _rate: int) -> Mapping[str, FloatArray]:
        examples = corpus.examples
        return {examples.clips[i].name: examples.samples[i] for i in indices}

    return _Source(corpus.selection, model, samples)


def trained_bundle(
    corpus: Corpus,
    fold: Fold,
    recipe: Recipe,
    work: Path,
    progress: Progress,
    start: "LayerWeights | None" = None,
) -> Bundle:
    """Return the model fitted on ``fold.train``; the test clips are not even handed over.

    `work` and `start` are those of `train_and_test_fold`.
    """
    from bilstm_hmm.experiments.fold import train_and_test_fold

    blind = replace(fold, test=())
    run = train_and_test_fold(
        corpus.examples, blind, recipe, corpus.banks, work, progress, start=start
    )
    for note in run.system.notes:
        progress.say(note)
    return run.bundle


def _stored(recipe: Recipe, models: Path) -> _Source:
    selection = load_dataset(recipe.data)

    def samples(indices: Sequence[int], rate: int) -> Mapping[str, FloatArray]:
        return _read(selection, indices, rate)

    return _Source(selection, lambda fold: fold_bundle(models, fold, selection), samples)


def _read(selection: Dataset, indices: Sequence[int], rate: int) -> dict[str, FloatArray]:
    """Read test clips; those that cannot be read are left out, as in training."""
    samples = {}
    for clip in (selection.clips[i] for i in indices):
        try:
            samples[clip.name] = read_audio(clip.path, rate).samples
        except AudioError as error:
            _LOG.warning("Left out: %s", error)
    return samples
