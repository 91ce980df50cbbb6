"""Which recipe is best, and whether it is better than the one that the search started from.

The best of many trials is partly the luckiest. So the best few and the recipe itself are measured
once more, with the training speakers split otherwise and other random numbers, and a trial is said
to be better only where it is so in that second measurement as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.evaluation.clip_results import read_results, true_indices, write_results
from bilstm_hmm.evaluation.metrics import paired_bootstrap, reported_interval, unweighted_accuracy
from bilstm_hmm.experiments.tuning.measure import Measure
from bilstm_hmm.experiments.tuning.search import (
    CLASSES,
    facts,
    results_path,
    trial_recipe,
    with_clean_work,
)
from bilstm_hmm.experiments.tuning.study import BASE, Search, base_trial, complete
from bilstm_hmm.progress import Progress

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

#: What is added to the seed of the recipe for the second measurement.
SECOND_SEED = 7919
_VALUE = "value"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The best trial, which may be the recipe itself, and how it was found.

    Attributes
    ----------
    best
        Number of the trial.
    base
        Number of the trial of the recipe that the search started from.
    again
        UA of the second measurement, by the number of the trial; empty without one.
    difference
        Of best less base on the same clips, in the last measurement that was made, and its 95 %
        interval over speakers; None for the recipe itself.
    """

    best: int
    base: int
    again: Mapping[int, float]
    difference: tuple[float, list[float] | None] | None

    @property
    def is_better(self) -> bool:
        """Whether a trial is better than the recipe."""
        return self.best != self.base


def measure_again(
    search: Search, base: Recipe, measure: Measure, count: int, progress: Progress
) -> None:
    """Measure the best `count` trials that are above the recipe, and the recipe, once more.

    What an earlier call measured is not measured again.
    """
    trials = search.trials()
    own = base_trial(trials)
    if own is None:
        return
    above = _above(trials, own)[:count]
    for trial in [own, *above] if above else []:
        key = _again_key(trial.number)
        if key in search.study.user_attrs:
            continue
        progress.message(f"Trial {trial.number} is measured again, on another split of speakers")
        recipe = trial_recipe(search, base, trial.params, bool(trial.user_attrs.get(BASE)))
        recipe = recipe.model_copy(update={"seed": recipe.seed + SECOND_SEED})
        again = partial(measure, recipe, f"trial {trial.number} again", _no_report)
        measured = with_clean_work(search, again)
        path = results_path(search.folder, trial.number, again=True)
        write_results(path, measured.results, measured.classes)
        search.study.set_user_attr(key, {_VALUE: measured.value, **facts(measured)})


def _no_report(_step: int, _value: float) -> None:
    """Report nothing: what is measured again is not pruned."""


def _again_key(number: int) -> str:
    return f"again {number}"


def _above(trials: "list[FrozenTrial]", own: "FrozenTrial") -> "list[FrozenTrial]":
    """The complete trials above the recipe's own, the best first."""
    above = [t for t in complete(trials) if t.number != own.number and _value(t) > _value(own)]
    return sorted(above, key=lambda t: (-_value(t), t.number))


def _value(trial: "FrozenTrial") -> float:
    return trial.value if trial.value is not None else float("-inf")


def judge(search: Search, metric: str) -> Verdict:
    """Return the best trial by what was measured, once or twice.

    Raises
    ------
    ToolkitError
        The recipe itself has not been measured, so that there is nothing to compare with.
    """
    trials = search.trials()
    own = base_trial(trials)
    if own is None:
        raise ToolkitError(
            f"{search.folder}: no trial of the recipe itself is finished, so that there is nothing "
            "to compare with; run the same command again."
        )
    again = {
        trial.number: float(stored[_VALUE])
        for trial in complete(trials)
        if (stored := search.study.user_attrs.get(_again_key(trial.number))) is not None
    }
    above = _above(trials, own)
    if own.number in again:
        twice = [t for t in above if again.get(t.number, -1.0) > again[own.number]]
        best = max(twice, key=lambda t: _value(t) + again[t.number], default=own)
    else:
        best = above[0] if above else own
    difference = None
    if best.number != own.number:
        classes = own.user_attrs[CLASSES]
        difference = _difference(
            search.folder, best.number, own.number, metric, classes, own.number in again
        )
    return Verdict(best.number, own.number, again, difference)


def _difference(
    folder: Path, best: int, base: int, metric: str, classes: list[str], again: bool
) -> tuple[float, list[float] | None] | None:
    """Of best less base on the same clips; None where their answers cannot be read."""
    both = [read_results(results_path(folder, number, again), classes) for number in (best, base)]
    if both[0] is None or both[1] is None:
        return None
    by_name: list[dict[str, Any]] = [{r.name: r for r in results} for results in both if results]
    names = sorted(by_name[0].keys() & by_name[1].keys())
    if not names:
        return None
    first, second = ([results[name] for name in names] for results in by_name)
    speakers = [result.speaker for result in first]
    predicted = [
        np.array([int(np.argmax(result.probabilities[metric])) for result in results])
        for results in (first, second)
    ]
    difference, low, high = paired_bootstrap(
        unweighted_accuracy, true_indices(first, classes), predicted[0], predicted[1], speakers
    )
    return difference, reported_interval((low, high), speakers)
