"""A training run: one fold of a corpus from audio files to a bundle and its report."""

import csv
import io
import json
import logging
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bilstm_hmm.atomic_files import atomic_write
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.experiments.model_card import model_card
from bilstm_hmm.inference.bundle_files import CARD, METRICS, write_bundle
from bilstm_hmm.progress import Progress
from bilstm_hmm.training.dataset import (
    Dataset,
    corpora_of,
    dataset_folds,
    find_fold,
    load_dataset,
    target_classes,
)
from bilstm_hmm.training.tensorboard import EventLog

if TYPE_CHECKING:
    from bilstm_hmm.data.splits.folds import Fold
    from bilstm_hmm.experiments.fold import FoldResult
    from bilstm_hmm.features.spectral.filterbanks import FilterBanks
    from bilstm_hmm.training.examples import Examples

HISTORY = "history.csv"
BUNDLE = "bundle"
WORK = "work"


@dataclass(frozen=True, slots=True)
class Corpus:
    """A recipe's corpora decoded: the selection as far as it could be read, and its examples."""

    selection: Dataset
    examples: "Examples"
    banks: "FilterBanks"


def prepare_backend(seed: int) -> None:
    """Import Keras quietly, seeded, and with operations whose results repeat."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _quiet_stderr():
        import keras

    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        with _quiet_stderr():
            import tensorflow as tf

        # Its advice about retracing is for us, not for the user.
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
        tf.config.experimental.enable_op_determinism()


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Drop what native code writes to standard error: TensorFlow greets there at import."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def read_corpus(recipe: Recipe, progress: Progress) -> Corpus:
    """Scan and decode the recipe's corpora.

    Raises
    ------
    ToolkitError, DataError, AudioError
        What `load_dataset` and `dataset_folds` raise, and a class of which no clip can be read.
    """
    from bilstm_hmm.features.spectral.filterbanks import build_filter_banks
    from bilstm_hmm.training.load_examples import load_examples

    selection = load_dataset(recipe.data)
    # A wrong split is told before any audio is decoded.
    dataset_folds(selection, recipe.seed)
    for note in selection.notes:
        progress.say(note)
    banks = build_filter_banks(recipe.features)
    total = len(selection.clips)
    examples = load_examples(
        selection.clips,
        selection.classes,
        recipe,
        banks,
        lambda done: progress.move("Reading clips", done, total),
    )
    read = Counter(clip.corpus for clip in examples.clips)
    for name, count in Counter(clip.corpus for clip in selection.clips).items():
        if read[name] < count:
            unread = count - read[name]
            progress.say(f"{name}: {unread} of {count} clips cannot be read; see the log")
    left = target_classes(examples.clips, selection.protocol)
    lost = [name for name in selection.classes if name not in left]
    if lost:
        whose = "" if selection.test_corpus is None else " in one of the corpora"
        raise ToolkitError(
            f"data.root: no clip of {', '.join(lost)} can be read{whose}; mend the files or "
            "leave the class out with data.classes."
        )
    return Corpus(replace(selection, clips=examples.clips), examples, banks)


def train(recipe: Recipe, folder: Path, progress: Progress) -> dict[str, Any]:
    """Train on the recipe's fold, write everything into `folder`, and return the metrics.

    Where an earlier run has finished in `folder`, nothing is trained and its metrics are returned.

    Raises
    ------
    ToolkitError, DataError, AudioError
        What the user can mend, in one sentence.
    """
    from bilstm_hmm.experiments.fold import train_and_test_fold
    from bilstm_hmm.training.pretraining import starting_layers

    finished = folder / BUNDLE / METRICS
    if finished.is_file():
        progress.say(f"{folder}: this run is finished; its results are shown again")
        return dict(json.loads(finished.read_text(encoding="utf-8")))
    corpus = read_corpus(recipe, progress)
    selection = corpus.selection
    fold = find_fold(dataset_folds(selection, recipe.seed), recipe.data.fold)
    progress.say(
        f"{selection.protocol.name}, fold {fold.number}: {len(fold.train)} clips to train on, "
        f"{len(fold.test)} to test on, {len(selection.classes)} classes"
    )
    prepare_backend(recipe.seed)
    work = folder / WORK
    run = train_and_test_fold(
        corpus.examples,
        fold,
        recipe,
        corpus.banks,
        work,
        progress,
        lambda name: [EventLog(folder / "tensorboard" / name)],
        starting_layers(recipe, corpus.examples, corpus.banks, work, progress),
    )
    for note in run.system.notes:
        progress.say(note)
    metrics = _report(run, selection, fold.number, folder)
    write_bundle(
        folder / BUNDLE,
        run.bundle,
        save_keras=run.system.network.model.save,
        extra={
            METRICS: json.dumps(metrics, indent=2) + "\n",
            CARD: model_card(
                run.bundle,
                _trained_on(selection, fold, recipe),
                corpora_of(selection.clips, fold.test or fold.train),
                metrics,
                fold.number,
            ),
        },
    )
    # The checkpoints have done their work once the bundle is there.
    shutil.rmtree(work, ignore_errors=True)
    return metrics


def _trained_on(selection: Dataset, fold: "Fold", recipe: Recipe) -> tuple[str, ...]:
    """The corpora of the training part, then those of the pre-training."""
    own = corpora_of(selection.clips, fold.train)
    return tuple(dict.fromkeys((*own, *recipe.pretraining.corpora)))


def _report(run: "FoldResult", selection: Dataset, number: int, folder: Path) -> dict[str, Any]:
    from bilstm_hmm.evaluation.plots import write_curves
    from bilstm_hmm.evaluation.report import write_evaluation

    networks = [*run.system.inner, run.system.network]
    names = [f"fold{n}" for n in range(1, len(networks))] + ["final"]
    rows = [
        {"network": name, **row}
        for name, network in zip(names, networks, strict=True)
        for row in network.history
    ]
    write_history(folder / HISTORY, rows)
    for name, network in zip(names, networks, strict=True):
        write_curves(network.history, folder / f"curves_{name}.png")
    return write_evaluation(
        folder,
        selection.protocol.name,
        selection.protocol.speaker_independent,
        selection.classes,
        run.results,
        [number] * len(run.results),
    )


def write_history(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write the history of every network, a row an epoch."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    atomic_write(path, buffer.getvalue())
