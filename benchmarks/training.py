"""One training by the toolkit's loop or by ``Model.fit``, as a process, told as JSON.

``python -m benchmarks.training KIND RECIPE HOME CORPORA EPOCHS SCRATCH SEED``, where CORPORA are
names joined by ``+`` of corpora that lie in HOME.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from bilstm_hmm.features.settings.augmentation import AugmentationSettings
from bilstm_hmm.features.spectral.filterbanks import FilterBanks, build_filter_banks

from benchmarks.peers.padded_fit import fit_padded
from bilstm_hmm.config.loading import load_recipe
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.ordered_map import ordered_map
from bilstm_hmm.training.context import TrainingContext, TrainingTask
from bilstm_hmm.training.dataset import dataset_folds, find_fold, load_dataset
from bilstm_hmm.training.examples import Examples, load_examples

PLAIN, CHANCE, AUGMENTED, PADDED = "plain", "by-chance", "augmented", "padded"
KINDS = (PLAIN, CHANCE, PADDED, AUGMENTED)
BUCKETED = {PLAIN: "true", CHANCE: "false"}

Row = dict[str, float]


def main() -> None:
    """Train, and print a row an epoch: its losses, its seconds, and those spent on waiting."""
    kind, name, home, corpora, epochs, scratch, seed = sys.argv[1:]
    recipe = load_recipe(name, [*overrides(kind, Path(home), corpora), f"cache={scratch}"])
    if kind != AUGMENTED:
        recipe = recipe.model_copy(update={"augmentation": AugmentationSettings.none()})
    selection = load_dataset(recipe.data)
    banks = build_filter_banks(recipe.features)
    examples = load_examples(selection.clips, selection.classes, recipe, banks, lambda _done: None)
    fold = find_fold(dataset_folds(selection, recipe.seed), recipe.data.fold)
    train = np.array(fold.train, dtype=np.intp)
    # The fold is that of the recipe's own seed, whatever else chance decides.
    recipe = recipe.model_copy(update={"seed": int(seed)})
    if kind == PADDED:
        rows = fit_padded(examples, train, recipe, int(epochs))
    else:
        rows = train_epochs(examples, train, recipe, banks, int(epochs))
    print(json.dumps(rows))


def overrides(kind: str, home: Path, corpora: str) -> list[str]:
    """Return what a kind of training sets of its recipe, on corpora joined by ``+``."""
    first, *others = corpora.split("+")
    settings = [
        f"data.corpus={first}",
        f"data.root={home / first}",
        f"data.also=[{','.join(others)}]",
        f"data.home={home}",
    ]
    if kind in BUCKETED:
        settings.append(f"training.bucketed={BUCKETED[kind]}")
    if kind != AUGMENTED:
        # ``Model.fit`` sees every clip in every epoch.
        settings.append("training.clips_per_speaker=null")
    return settings


def train_epochs(
    examples: Examples, train: Any, recipe: Recipe, banks: FilterBanks, epochs: int
) -> list[Row]:
    """Train by the toolkit's loop, as ``train.py`` does."""
    from bilstm_hmm.network.keras_setup import prepare_keras
    from bilstm_hmm.training import loop

    prepare_keras(recipe.seed)
    waited: list[float] = []
    counted = patch.object(loop, "ordered_map", count_waiting(ordered_map, waited))
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder, counted:
        task = TrainingTask(
            name="benchmark",
            key="benchmark",
            train=train,
            validation=np.array([], dtype=np.intp),
            epochs=epochs,
            seed=recipe.seed,
        )
        network = loop.train_network(TrainingContext(examples, recipe, banks, Path(folder)), task)
    return [
        {
            "loss": row["loss"],
            "frame_loss": row["frame_loss"],
            "seconds": row["seconds"],
            "waited": seconds,
        }
        for row, seconds in zip(network.history, waited, strict=True)
    ]


def count_waiting(
    make_batches: Callable[..., Iterator[Any]], waited: list[float]
) -> Callable[..., Iterator[Any]]:
    """Return `make_batches`, which also appends how long its reader had to wait, in seconds."""

    def counted(*arguments: Any, **named: Any) -> Iterator[Any]:
        total = 0.0
        batches = make_batches(*arguments, **named)
        while True:
            started = time.perf_counter()
            batch = next(batches, None)
            total += time.perf_counter() - started
            if batch is None:
                break
            yield batch
        waited.append(total)

    return counted


if __name__ == "__main__":
    main()
