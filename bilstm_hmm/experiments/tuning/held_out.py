"""The test fold, looked at once and at the end: the best recipe and the one begun with."""

import json
from pathlib import Path
from typing import Any

from bilstm_hmm.atomic_files import atomic_write
from bilstm_hmm.config.loading import dump_recipe
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.experiments.run_folder import CONFIG
from bilstm_hmm.experiments.train import train
from bilstm_hmm.experiments.tuning.best import Verdict
from bilstm_hmm.inference.bundle_files import METRICS
from bilstm_hmm.progress import Progress

TEST = "test"


def run_folder(folder: Path, number: int) -> Path:
    """Return where the training of a trial's recipe on the whole training part lies."""
    return folder / TEST / f"trial{number}"


def train_and_test(
    recipes: dict[int, Recipe], folder: Path, progress: Progress
) -> dict[int, dict[str, Any]]:
    """Train each recipe on all training speakers, and return its metrics on the test fold.

    A training that an earlier call finished is not done again.

    Parameters
    ----------
    recipes
        By the number of their trial.
    """
    metrics = {}
    for number, recipe in recipes.items():
        progress.message(f"Trial {number} is trained on all training speakers, and tested")
        own = run_folder(folder, number)
        atomic_write(own / CONFIG, dump_recipe(recipe))
        metrics[number] = train(recipe, own, progress)
    return metrics


def read_tested(verdict: Verdict, folder: Path) -> dict[int, dict[str, Any]]:
    """Return the metrics of the two that were tested before, by the number of the trial."""
    found = {}
    for number in {verdict.base: None, verdict.best: None}:
        path = run_folder(folder, number) / "bundle" / METRICS
        if path.is_file():
            found[number] = json.loads(path.read_text(encoding="utf-8"))
    return found
