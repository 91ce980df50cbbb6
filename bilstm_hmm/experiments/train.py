"""A training run: one fold of a corpus from audio files to a bundle and its report."""

import csv
import io
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bilstm_hmm.atomic_files import atomic_write
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.data.splits.folds import Fold
from bilstm_hmm.evaluation.clip_metrics import scores_by_corpus
from bilstm_hmm.evaluation.plots import write_learning_curves
from bilstm_hmm.evaluation.report import write_evaluation
from bilstm_hmm.experiments.corpus import read_corpus
from bilstm_hmm.experiments.fold import FoldResult, train_and_test_fold
from bilstm_hmm.experiments.model_card import model_card
from bilstm_hmm.inference.bundle_files import CARD, METRICS, write_bundle
from bilstm_hmm.network.keras_setup import prepare_keras
from bilstm_hmm.progress import Progress
from bilstm_hmm.training.dataset import Dataset, corpora_of, dataset_folds, find_fold
from bilstm_hmm.training.pretraining import initial_weights
from bilstm_hmm.training.tracking.choice import open_tracker
from bilstm_hmm.training.tracking.figures import track_results

HISTORY = "history.csv"
BUNDLE = "bundle"
WORK = "work"


def train(recipe: Recipe, folder: Path, progress: Progress) -> dict[str, Any]:
    """Train on the recipe's fold, write everything into `folder`, and return the metrics.

    Where an earlier run has finished in `folder`, nothing is trained and its metrics are returned.

    Raises
    ------
    ToolkitError, DataError, AudioError
        What the user can mend, in one sentence.
    """
    finished = folder / BUNDLE / METRICS
    if finished.is_file():
        progress.message(f"{folder}: this run is finished; its results are shown again")
        return dict(json.loads(finished.read_text(encoding="utf-8")))
    corpus = read_corpus(recipe, progress)
    dataset = corpus.dataset
    fold = find_fold(dataset_folds(dataset, recipe.seed), recipe.data.fold)
    progress.message(
        f"{dataset.protocol.name}, fold {fold.number}: {len(fold.train)} clips to train on, "
        f"{len(fold.test)} to test on, {len(dataset.classes)} classes"
    )
    prepare_keras(recipe.seed)
    context = corpus.training_context(recipe, folder / WORK, progress)
    with open_tracker(recipe, folder, "train", progress) as tracker:
        context = replace(context, callbacks=tracker.callbacks)
        context = replace(context, initial_weights=initial_weights(context))
        result = train_and_test_fold(context, fold)
        metrics = _write_report(result, dataset, fold, recipe, folder)
        _write_model(result, dataset, fold, metrics, folder)
        track_results(tracker, folder, metrics)
        tracker.bundle(folder / BUNDLE)
    # The checkpoints have done their work once the bundle is there.
    shutil.rmtree(context.work, ignore_errors=True)
    return metrics


def _write_report(
    result: FoldResult, dataset: Dataset, fold: Fold, recipe: Recipe, folder: Path
) -> dict[str, Any]:
    networks = result.system.networks
    rows = [
        {"network": name, **row} for name, network in networks.items() for row in network.history
    ]
    write_history(folder / HISTORY, rows)
    for name, network in networks.items():
        write_learning_curves(network.history, folder / f"curves_{name}.png")
    return write_evaluation(
        folder,
        dataset.protocol.name,
        dataset.protocol.speaker_independent,
        dataset.classes,
        result.results,
        [fold.number] * len(result.results),
        {} if fold.test else _out_of_fold_facts(result, dataset, recipe),
    )


def _out_of_fold_facts(result: FoldResult, dataset: Dataset, recipe: Recipe) -> dict[str, Any]:
    """What an out-of-fold report says beside the scores of all clips."""
    corpora = [dataset.clips[int(clip)].corpus for clip in result.system.clips]
    return {
        "inner_split": recipe.hmm.inner_split,
        "by_corpus": scores_by_corpus(dataset.classes, result.results, corpora),
    }


def write_history(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write the history of every network, a row an epoch."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    atomic_write(path, buffer.getvalue())


def _write_model(
    result: FoldResult, dataset: Dataset, fold: Fold, metrics: dict[str, Any], folder: Path
) -> None:
    """Write the bundle, with the Keras network, the metrics and the model card."""
    recipe = result.bundle.recipe
    trained_on = (*corpora_of(dataset.clips, fold.train), *recipe.pretraining.corpora)
    card = model_card(
        result.bundle,
        tuple(dict.fromkeys(trained_on)),
        corpora_of(dataset.clips, fold.test or fold.train),
        metrics,
        fold.number,
    )
    write_bundle(
        folder / BUNDLE,
        result.bundle,
        save_keras=result.system.network.network.save,
        extra={METRICS: json.dumps(metrics, indent=2) + "\n", CARD: card},
    )
