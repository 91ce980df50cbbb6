"""Evaluating on corpora that took no part in the training, each left out in turn."""

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.data.splits.folds import Fold
from bilstm_hmm.evaluation.unheard.measure import measure_known_voices
from bilstm_hmm.evaluation.unheard.metrics import LeftOutCorpus, known_metrics
from bilstm_hmm.evaluation.unheard.report import write_unheard_evaluation
from bilstm_hmm.evaluation.unheard.results import (
    KnownResults,
    read_known_results,
    write_known_results,
)
from bilstm_hmm.experiments.corpus import read_corpus
from bilstm_hmm.experiments.fold import PRETRAINING, FoldContexts, train_fold
from bilstm_hmm.experiments.fold_store import FoldFiles, FoldOutcome, read_summary, run_or_read
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.scoring import Features
from bilstm_hmm.network.keras_setup import prepare_keras
from bilstm_hmm.progress import Progress
from bilstm_hmm.training.context import TrainingContext
from bilstm_hmm.training.dataset import (
    Dataset,
    corpora_of,
    dataset_folds,
    find_fold,
    sort_emotions,
)
from bilstm_hmm.training.examples import Examples
from bilstm_hmm.training.tracking.choice import open_tracker
from bilstm_hmm.training.tracking.figures import track_results
from bilstm_hmm.training.tracking.tracker import Tracker


def evaluate_unheard(
    recipe: Recipe, numbers: Sequence[int], folder: Path, progress: Progress
) -> dict[str, Any]:
    """Train without each corpus and test on it, write the report, and return the metrics.

    Folds are stored and gone on with as by `bilstm_hmm.experiments.fold_store`; the report is of
    all those that are finished in `folder`, by this process or another.

    Raises
    ------
    ToolkitError, DataError, AudioError
        What the user can mend, in one sentence.
    """
    corpus = read_corpus(recipe, progress)
    dataset, examples = corpus.dataset, corpus.examples
    folds = dataset_folds(dataset, recipe.seed)
    prepare_keras(recipe.seed)
    training = FoldContexts(corpus, recipe, folder, progress)

    def run(fold: Fold, tracker: Tracker) -> FoldOutcome[KnownResults]:
        left_out = tested_corpus(dataset, fold)
        progress.fold(numbers.index(fold.number), len(numbers))
        progress.message(f"Fold {fold.number} of {len(folds)}: without {left_out}")
        context = without_corpus(training.context(fold, tracker), fold)
        result = train_fold(context, Fold(fold.number, tuple(range(len(fold.train))), ()))
        model = Model(result.bundle)
        results = _test(model, examples, left_out, len(fold.test), recipe, progress)
        cost = {
            "model": result.bundle.model_id,
            "parameters": result.parameters,
            "train_seconds": round(result.seconds, 1),
        }
        # No system decides here: that would take an interval, which resamples.
        scores = {"known": known_metrics(results, model.classes, decision_system="")}
        return FoldOutcome(results, cost, result.bundle, scores)

    with open_tracker(recipe, folder, "evaluate", progress) as tracker:
        for fold in [find_fold(folds, number) for number in numbers]:
            classes = trained_classes(dataset.clips, fold)
            read = partial(read_known_results, classes=classes)
            write = partial(write_known_results, classes=classes)
            run_or_read(folder, fold, read, run, write, tracker)
        finished = [one for fold in folds if (one := _finished(folder, dataset, fold)) is not None]
        if len(finished) == len(folds):
            shutil.rmtree(folder / PRETRAINING, ignore_errors=True)
        metrics = write_unheard_evaluation(
            folder, dataset.protocol.name, recipe.decision.system, finished
        )
        track_results(tracker, folder, metrics)
    return metrics


def tested_corpus(dataset: Dataset, fold: Fold) -> str:
    """Return the corpus that a fold leaves out."""
    return dataset.clips[fold.test[0]].corpus


def trained_classes(clips: Sequence[Clip], fold: Fold) -> tuple[str, ...]:
    """Return the emotions that a fold trains: the left-out corpus may have others."""
    return sort_emotions({clips[i].emotion for i in fold.train})


def without_corpus(context: TrainingContext, fold: Fold) -> TrainingContext:
    """Return a context that has the training clips of a fold alone, and their emotions.

    Nothing of the left-out corpus is even handed over, and its name is not in the recipe.
    """
    whole, recipe = context.examples, context.recipe
    classes = trained_classes(whole.clips, fold)
    clips = tuple(whole.clips[i] for i in fold.train)
    examples = Examples(
        clips,
        classes,
        np.array([classes.index(clip.emotion) for clip in clips], dtype=np.intp),
        tuple(whole.samples[i] for i in fold.train),
        tuple(whole.frames[i] for i in fold.train),
    )
    first, *others = corpora_of(clips, range(len(clips)))
    data = recipe.data.model_copy(update={"corpus": first, "also": tuple(others)})
    return replace(context, examples=examples, recipe=recipe.model_copy(update={"data": data}))


def _test(
    model: Model,
    examples: Examples,
    left_out: str,
    n_tested: int,
    recipe: Recipe,
    progress: Progress,
) -> KnownResults:
    """Test a model on the corpus that its training did without."""
    indices = [i for i, clip in enumerate(examples.clips) if clip.corpus == left_out]
    label = f"Testing on {left_out}"

    def features(position: int) -> Features:
        index = indices[position]
        if recipe.decision.warps == (1.0,):  # what the training has of every clip, too
            frames = examples.frames[index]
            return Features(frames.values[None], frames.start)
        return model.scorer.extract_features(examples.samples[index])

    progress.update(label, 0, n_tested)
    return measure_known_voices(
        model,
        [examples.clips[i] for i in indices],
        features,
        seed=recipe.seed,
        jobs=recipe.jobs,
        on_clip=lambda done: progress.update(label, done, n_tested),
    )


def _finished(folder: Path, dataset: Dataset, fold: Fold) -> LeftOutCorpus | None:
    """Return what is stored of a fold; None where it is not finished."""
    files, classes = FoldFiles(folder, fold.number), trained_classes(dataset.clips, fold)
    results = read_known_results(files.results, classes)
    if results is None:
        return None
    name = tested_corpus(dataset, fold)
    own = Counter(clip.emotion for clip in dataset.clips if clip.corpus == name)
    return LeftOutCorpus(
        name=name,
        fold=fold.number,
        trained_on=corpora_of(dataset.clips, fold.train),
        classes=classes,
        left_out={label: count for label, count in own.items() if label not in classes},
        results=results,
        cost=read_summary(files),
    )
