"""The files of folds in an evaluation's folder: written when a fold is done, read ever after."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from bilstm_hmm.atomic_files import atomic_write
from bilstm_hmm.data.splits.folds import Fold
from bilstm_hmm.delimited_text import table_rows
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference.bundle import Bundle, trained_corpora
from bilstm_hmm.inference.bundle_files import MANIFEST, read_bundle, write_bundle
from bilstm_hmm.inference.shipped import named_model_path, shipped_models
from bilstm_hmm.training.dataset import Dataset, dataset_protocol
from bilstm_hmm.training.tracking.tracker import Tracker

Results = TypeVar("Results")


@dataclass(frozen=True, slots=True)
class FoldFiles:
    """Where the files of the fold `number` lie in the folder of an evaluation."""

    folder: Path
    number: int

    @property
    def results(self) -> Path:
        """The results; they are there once the fold is finished, and only then."""
        return self.folder / f"fold{self.number}.csv"

    @property
    def summary(self) -> Path:
        """What else is known of the fold's training and model."""
        return self.folder / f"fold{self.number}.json"

    @property
    def bundle(self) -> Path:
        """The model."""
        return self.folder / f"fold{self.number}"

    @property
    def work(self) -> Path:
        """The checkpoints, while the fold trains."""
        return self.folder / f"work{self.number}"


@dataclass(frozen=True, slots=True)
class FoldOutcome(Generic[Results]):
    """What is stored of a fold; `bundle` is None where its model was not trained for it.

    `scores` are of the fold alone, for who tracks the run; the report has its own.
    """

    results: Results
    summary: Mapping[str, Any]
    bundle: Bundle | None = None
    scores: Mapping[str, Any] = field(default_factory=dict)


def run_or_read(
    folder: Path,
    fold: Fold,
    read: Callable[[Path], Results | None],
    run: Callable[[Fold, Tracker], FoldOutcome[Results]],
    write: Callable[[Path, Results], None],
    tracker: Tracker,
) -> Results:
    """Return the results of a fold: those stored where it is finished, else run it and store them.

    Parameters
    ----------
    folder
        Of the evaluation.
    read
        Reads results; None where there are none, or none that are whole.
    run
        Runs the fold, tracked by what it is given.
    write
        Writes results so that `read` finds them.
    tracker
        Of the evaluation.
    """
    files = FoldFiles(folder, fold.number)
    stored = read(files.results)
    if stored is not None:
        return stored
    with tracker.fold(fold.number) as fold_tracker:
        outcome = run(fold, fold_tracker)
        if outcome.bundle is not None:
            write_bundle(files.bundle, outcome.bundle)
        atomic_write(files.summary, json.dumps(outcome.summary, indent=2) + "\n")
        # The results last: they are what says that the fold is finished.
        write(files.results, outcome.results)
        fold_tracker.figures({**outcome.summary, **outcome.scores})
        fold_tracker.files([files.summary, files.results])
        if outcome.bundle is not None:
            fold_tracker.bundle(files.bundle)
    shutil.rmtree(files.work, ignore_errors=True)
    return outcome.results


def read_summary(files: FoldFiles) -> dict[str, Any]:
    """Return the summary of a fold; empty where the file is not whole."""
    try:
        summary = json.loads(files.summary.read_bytes())
    except (OSError, ValueError):
        return {}
    return summary if isinstance(summary, dict) else {}


def check_models(models: Path, folds: Sequence[Fold], dataset: Dataset) -> None:
    """Make sure that an earlier evaluation has a model for each of these folds.

    Raises
    ------
    ToolkitError
        What `fold_bundle` raises, and for a protocol that tests no timelines.
    """
    if dataset.protocol.clip_protocol is None:
        raise ToolkitError(
            f"--models {models}: {dataset.protocol.name} trains its own models; leave it out, "
            "or evaluate timelines."
        )
    for fold in folds:
        fold_bundle(models, fold, dataset)


def fold_bundle(models: Path, fold: Fold, dataset: Dataset) -> Bundle:
    """Read the model of a fold from an earlier evaluation that tested the same speakers.

    One model, by its folder or name, is that of every fold; it may know nothing of the corpus.

    Raises
    ------
    ToolkitError
        It is not there, its fold tested other speakers or let speakers be on both sides, or it was
        trained on the corpus, so that it may know those that are to be unseen; or it has other
        classes.
    """
    bundle = _one_model(models, dataset) or _tested_model(models, fold, dataset)
    if set(bundle.classes) != set(dataset.classes):
        raise ToolkitError(
            f"--models {models}: its models tell {', '.join(bundle.classes)} apart, but the clips "
            f"are {', '.join(dataset.classes)}; use the same data.label_map and data.classes."
        )
    return bundle


def _one_model(models: Path, dataset: Dataset) -> Bundle | None:
    """Return the model of this name or folder, None where it is none."""
    if not models.exists() and str(models) in shipped_models():
        models = named_model_path(models)
    if not (models / MANIFEST).is_file():
        return None
    bundle = read_bundle(models)
    known = set(trained_corpora(bundle.recipe)) & {clip.corpus for clip in dataset.clips}
    if known:
        raise ToolkitError(
            f"--models {models}: it was trained on {', '.join(sorted(known))}, and may know the "
            "speakers that are to be unseen; give a model that was not, or an evaluation."
        )
    return bundle


def _tested_model(models: Path, fold: Fold, dataset: Dataset) -> Bundle:
    number, files = fold.number, FoldFiles(models, fold.number)
    try:
        header, *rows = table_rows(files.results.read_bytes().decode("utf-8"))
        column = header.index("speaker")
        tested = {row[column] for row in rows}
    except (OSError, ValueError, IndexError):
        raise ToolkitError(
            f"--models {models}: fold{number}.csv is missing or cannot be read; evaluate fold "
            f"{number} there first, or leave --models out."
        ) from None
    wanted = {dataset.clips[i].speaker for i in fold.test}
    if tested != wanted:
        other = min(tested ^ wanted)
        raise ToolkitError(
            f"--models {models}: fold {number} there was not tested on exactly the speakers of "
            f"fold {number} here ({other} is in one of them only); give an evaluation by "
            f"{dataset.protocol.clip_protocol} with the same clips, or leave --models out."
        )
    bundle = read_bundle(files.bundle)
    if not dataset_protocol(bundle.recipe.data).speaker_independent:
        raise ToolkitError(
            f"--models {models}: its models were trained on clips of all speakers; give a "
            "speaker-independent evaluation, or leave --models out."
        )
    return bundle
