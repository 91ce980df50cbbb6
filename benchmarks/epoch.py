"""An epoch of a recipe by the toolkit's loop, against ``Model.fit`` on padded clips."""

import json
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path

from benchmarks.setting import Setting
from benchmarks.table import Rows, Section, cell, comparison
from benchmarks.timing import Cost, measure, run_in_turns, spread
from benchmarks.training import AUGMENTED, CHANCE, KINDS, PADDED, PLAIN, Row
from bilstm_hmm.config.loading import load_recipe

NAMES = {
    PLAIN: "ours, batches of like length",
    CHANCE: "ours, batches by chance",
    PADDED: "Model.fit, padded to the longest",
    AUGMENTED: "ours, as the recipe is",
}


def run(setting: Setting) -> Section:
    """Measure trainings of a few epochs on each corpus, each in a process of its own."""
    recipe = load_recipe(setting.recipe)
    tables: list[Rows] = []
    for corpus in setting.epoch_corpora:
        tables.extend(_measured(setting, corpus))
    return Section(
        f"An epoch of {recipe.name}, fold {recipe.data.fold}",
        f"{_turns(setting)} turns of {setting.epochs} epochs a corpus, each training a process of "
        "its own. Of each turn the median epoch, the first left out; then the median of the turns "
        "(least to most).",
        tuple(tables),
        (
            "The losses are of the clips, median of the turns (least to most), each with a seed of "
            "its own. In a turn all networks start with the same weights; the order of the clips "
            "and the dropout differ.",
            "Without augmentation, but for the recipe as it is.",
            "Waiting is the share of an epoch in which the network had no input.",
        ),
    )


def _measured(setting: Setting, corpus: str) -> tuple[Rows, Rows]:
    arguments: list[str | Path] = [
        setting.recipe,
        setting.corpora,
        corpus,
        str(setting.epochs),
        setting.scratch / "frames",
    ]
    command = [sys.executable, "-m", "benchmarks.training"]
    contestants = {
        NAMES[kind]: _seeded([*command, kind, *arguments], setting.seed) for kind in KINDS
    }
    costs = run_in_turns(contestants, _turns(setting))
    rows = {name: [_rows(cost) for cost in turns] for name, turns in costs.items()}
    return times(corpus, costs, rows), losses(rows)


def _seeded(command: Sequence[str | Path], first: int) -> Callable[[], Cost]:
    """Return what measures the command, with the next seed as its last argument in each turn."""
    seeds = count(first)
    return lambda: measure([*command, str(next(seeds))])


def _turns(setting: Setting) -> int:
    return -(-setting.repeats // 2)


def _rows(cost: Cost) -> list[Row]:
    rows: list[Row] = json.loads(cost.output.splitlines()[-1])
    return rows


def times(
    corpus: str, costs: Mapping[str, Sequence[Cost]], rows: Mapping[str, Sequence[list[Row]]]
) -> Rows:
    """Return the table of the times of an epoch; the first epoch of several does not count."""
    seconds: dict[str, list[float]] = {}
    further: dict[str, dict[str, str]] = {"waiting, %": {}, "peak, MB": {}}
    for name, turns in rows.items():
        counted = [turn[1:] or turn for turn in turns]
        seconds[name] = [statistics.median(row["seconds"] for row in turn) for turn in counted]
        if "waited" in turns[0][0]:
            waits = [100 * row["waited"] / row["seconds"] for turn in counted for row in turn]
            further["waiting, %"][name] = cell(spread(waits))
        further["peak, MB"][name] = cell(spread([cost.megabytes for cost in costs[name]]))
    header, *body = comparison(seconds, unit="an epoch, s", further=further)
    return [[corpus, *header[1:]], *body]


def losses(rows: Mapping[str, Sequence[list[Row]]]) -> Rows:
    """Return the table of the losses of the clips after each epoch."""
    epochs = len(next(iter(rows.values()))[0])
    body = [
        [
            str(epoch + 1),
            *(cell(spread([turn[epoch]["loss"] for turn in turns])) for turns in rows.values()),
        ]
        for epoch in range(epochs)
    ]
    return [["epoch", *(f"{name}: loss" for name in rows)], *body]
