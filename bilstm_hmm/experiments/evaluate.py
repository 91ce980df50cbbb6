"""Evaluating a recipe by a protocol, fold by fold, and going on after an interruption."""

import json
import shutil
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bilstm_hmm.atomic_files import atomic_write
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.delimited_text import table_rows, table_text
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.evaluation.clip_results import SEXES, ClipResult
from bilstm_hmm.experiments.train import prepare_backend, read_corpus
from bilstm_hmm.inference.bundle_files import write_bundle
from bilstm_hmm.progress import Progress
from bilstm_hmm.training.dataset import dataset_folds, find_fold

if TYPE_CHECKING:
    from bilstm_hmm.data.splits.folds import Fold
    from bilstm_hmm.experiments.fold import FoldResult
    from bilstm_hmm.training.loop import LayerWeights

PRETRAINING = "pretraining"
_COLUMNS = ["name", "speaker", "sex", "truth"]


def fold_numbers(text: str | None, found: Sequence["Fold"]) -> list[int]:
    """Read ``1,2`` as fold numbers; None means all.

    Raises
    ------
    ToolkitError
        Something else than whole numbers with commas between them.
    """
    if text is None:
        return [fold.number for fold in found]
    try:
        numbers = sorted({int(part) for part in text.split(",")})
    except ValueError:
        raise ToolkitError(f"--folds {text}: expected numbers as in 1,2.") from None
    return numbers


def evaluate(
    recipe: Recipe, numbers: Sequence[int], folder: Path, progress: Progress
) -> dict[str, Any]:
    """Train and test on each fold, write the report into `folder`, and return the metrics.

    A fold that an earlier, interrupted run finished is read from its files, not run again:
    ``fold<number>.csv`` has its results, ``fold<number>.json`` what its training took; its model
    is the bundle ``fold<number>``. The metrics have the network's ``parameters`` and
    ``train_seconds_per_fold`` besides the scores, None where that was not stored.
    """
    from bilstm_hmm.evaluation.report import write_evaluation
    from bilstm_hmm.experiments.fold import train_and_test_fold
    from bilstm_hmm.training.pretraining import starting_layers

    corpus = read_corpus(recipe, progress)
    selection = corpus.selection
    found = dataset_folds(selection, recipe.seed)
    prepare_backend(recipe.seed)
    examples, banks = corpus.examples, corpus.banks

    @cache
    def start() -> "LayerWeights | None":
        # Once for all folds, and not at all for none: decoding the other corpora takes its time.
        return starting_layers(recipe, examples, banks, folder / PRETRAINING, progress)

    results: list[ClipResult] = []
    fold_of: list[int] = []
    costs: list[Mapping[str, float]] = []
    for number in numbers:
        fold = find_fold(found, number)
        stored = folder / f"fold{number}.csv"
        outcome = read_results(stored, selection.classes)
        if outcome is None:
            progress.say(f"Fold {number} of {len(found)}")
            work = folder / f"work{number}"
            run = train_and_test_fold(examples, fold, recipe, banks, work, progress, start=start())
            for note in run.system.notes:
                progress.say(note)
            _keep(run, stored, selection.classes)
            outcome = run.results
            shutil.rmtree(work, ignore_errors=True)
        costs.append(read_cost(stored.with_suffix(".json")))
        results.extend(outcome)
        fold_of.extend([number] * len(outcome))
    shutil.rmtree(folder / PRETRAINING, ignore_errors=True)
    return write_evaluation(
        folder,
        selection.protocol.name,
        selection.protocol.speaker_independent,
        selection.classes,
        results,
        fold_of,
        {
            "parameters": next((c["parameters"] for c in costs if "parameters" in c), None),
            "train_seconds_per_fold": [cost.get("train_seconds") for cost in costs],
        },
    )


def _keep(run: "FoldResult", stored: Path, classes: Sequence[str]) -> None:
    """Write a fold's model and cost; its results last, which say that it is finished."""
    cost = {"parameters": run.parameters, "train_seconds": round(run.seconds, 1)}
    write_bundle(stored.with_suffix(""), run.bundle)
    atomic_write(stored.with_suffix(".json"), json.dumps(cost, indent=2) + "\n")
    write_results(stored, run.results, classes)


def write_results(path: Path, results: Sequence[ClipResult], classes: Sequence[str]) -> None:
    """Write what every system says of a fold's clips, in full precision."""
    systems = tuple(results[0].probabilities)
    rows = [_header(systems, classes)]
    for result in results:
        shares = [repr(float(p)) for s in systems for p in result.probabilities[s]]
        rows.append([result.name, result.speaker, result.sex or "", result.truth, *shares])
    atomic_write(path, table_text(rows))


def read_results(path: Path, classes: Sequence[str]) -> tuple[ClipResult, ...] | None:
    """Read what `write_results` wrote; None where there is nothing whole that fits."""
    if not path.is_file():
        return None
    results = []
    try:
        header, *rows = table_rows(path.read_bytes().decode("utf-8"))
        told_of = tuple(dict.fromkeys(name.partition(":")[0] for name in header[len(_COLUMNS) :]))
        if header != _header(told_of, classes):
            return None
        for name, speaker, told, truth, *shares in rows:
            by_system = np.array(shares, dtype=np.float64).reshape(len(told_of), len(classes))
            sex = next((known for known in SEXES if known == told), None)
            probabilities = dict(zip(told_of, by_system, strict=True))
            results.append(ClipResult(name, speaker, truth, probabilities, sex))
    except ValueError:
        return None
    return tuple(results) or None


def read_cost(path: Path) -> dict[str, float]:
    """Return a fold's ``parameters`` and ``train_seconds``; empty where the file is not whole."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _header(systems: Sequence[str], classes: Sequence[str]) -> list[str]:
    return [*_COLUMNS, *(f"{system}:{label}" for system in systems for label in classes)]
