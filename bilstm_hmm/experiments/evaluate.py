"""Evaluating a recipe by a protocol, fold by fold, and going on after an interruption."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.data.splits.folds import Fold
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.evaluation.clip_metrics import accuracies
from bilstm_hmm.evaluation.clip_results import ClipResult, read_results, write_results
from bilstm_hmm.evaluation.report import write_evaluation
from bilstm_hmm.experiments.corpus import read_corpus
from bilstm_hmm.experiments.fold import PRETRAINING, FoldContexts, train_and_test_fold
from bilstm_hmm.experiments.fold_store import FoldFiles, FoldOutcome, read_summary, run_or_read
from bilstm_hmm.network.keras_setup import prepare_keras
from bilstm_hmm.progress import Progress
from bilstm_hmm.training.dataset import dataset_folds, find_fold
from bilstm_hmm.training.tracking.choice import open_tracker
from bilstm_hmm.training.tracking.figures import track_results
from bilstm_hmm.training.tracking.tracker import Tracker


def fold_numbers(text: str | None, folds: Sequence[Fold]) -> list[int]:
    """Read ``1,2`` as fold numbers; None means all.

    Raises
    ------
    ToolkitError
        Something else than whole numbers with commas between them.
    """
    if text is None:
        return [fold.number for fold in folds]
    try:
        return sorted({int(part) for part in text.split(",")})
    except ValueError:
        raise ToolkitError(f"--folds {text}: expected numbers as in 1,2.") from None


def evaluate(
    recipe: Recipe, numbers: Sequence[int], folder: Path, progress: Progress
) -> dict[str, Any]:
    """Train and test on each fold, write the report into `folder`, and return the metrics.

    A fold that an earlier, interrupted run finished is read from its files, not run again, see
    `bilstm_hmm.experiments.fold_store`. The metrics have the network's ``parameters`` and
    ``train_seconds_per_fold`` besides the scores, None where that was not stored.
    """
    corpus = read_corpus(recipe, progress)
    dataset = corpus.dataset
    folds = dataset_folds(dataset, recipe.seed)
    prepare_keras(recipe.seed)
    training = FoldContexts(corpus, recipe, folder, progress)

    def read(path: Path) -> tuple[ClipResult, ...] | None:
        return read_results(path, dataset.classes)

    def write(path: Path, results: tuple[ClipResult, ...]) -> None:
        write_results(path, results, dataset.classes)

    def run(fold: Fold, tracker: Tracker) -> FoldOutcome[tuple[ClipResult, ...]]:
        progress.fold(numbers.index(fold.number), len(numbers))
        progress.message(f"Fold {fold.number} of {len(folds)}")
        result = train_and_test_fold(training.context(fold, tracker), fold)
        cost = {"parameters": result.parameters, "train_seconds": round(result.seconds, 1)}
        scores = accuracies(result.results, dataset.classes)
        return FoldOutcome(result.results, cost, result.bundle, {"systems": scores})

    with open_tracker(recipe, folder, "evaluate", progress) as tracker:
        results: list[ClipResult] = []
        fold_of_clip: list[int] = []
        for number in numbers:
            fold = find_fold(folds, number)
            of_fold = run_or_read(folder, fold, read, run, write, tracker)
            results.extend(of_fold)
            fold_of_clip.extend([number] * len(of_fold))
        shutil.rmtree(folder / PRETRAINING, ignore_errors=True)
        costs = [read_summary(FoldFiles(folder, number)) for number in numbers]
        metrics = write_evaluation(
            folder,
            dataset.protocol.name,
            dataset.protocol.speaker_independent,
            dataset.classes,
            results,
            fold_of_clip,
            {
                "parameters": next((c["parameters"] for c in costs if "parameters" in c), None),
                "train_seconds_per_fold": [cost.get("train_seconds") for cost in costs],
            },
        )
        track_results(tracker, folder, metrics)
    return metrics
