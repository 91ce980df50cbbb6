"""The loop of a search: begin a trial, measure it, tell the study; until there are enough."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.evaluation.clip_results import write_results
from bilstm_hmm.experiments.tuning.measure import Measure, Measured
from bilstm_hmm.experiments.tuning.space import recipe_with
from bilstm_hmm.experiments.tuning.study import (
    BASE,
    ERROR,
    Search,
    begin_trial,
    complete,
    finished,
)
from bilstm_hmm.progress import Progress

if TYPE_CHECKING:
    from optuna.trial import Trial

TRIALS = "trials"
WORK = "work"

# Attributes of a finished trial: UA by system, the epochs that were kept, and what it took.
SYSTEMS, EPOCHS, SECONDS, CLASSES = "systems", "best_epochs", "seconds", "classes"


def work_folder(search: Search) -> Path:
    """Return where this process keeps the state of networks."""
    return search.folder / WORK / search.worker


def results_path(folder: Path, number: int, again: bool = False) -> Path:
    """Return where the answers of a trial lie."""
    return folder / TRIALS / f"trial{number}{'-again' if again else ''}.csv"


def trial_recipe(search: Search, base: Recipe, params: Mapping[str, Any], is_base: bool) -> Recipe:
    """Return the recipe of a trial, the base's own as it is.

    Raises
    ------
    ToolkitError
        The values of the trial do not go together.
    """
    if is_base:
        return base
    return recipe_with(base, search.space.values(params), "the values of this trial")


def run_trials(
    search: Search, base: Recipe, measure: Measure, total: int, progress: Progress
) -> None:
    """Run trials until `total` are finished or under way in any process."""
    while (trial := begin_trial(search, total)) is not None:
        done = len(finished(search.trials()))
        said = params_text(trial.params)
        origin = "the recipe as it is" if trial.user_attrs.get(BASE) else said
        progress.message(f"Trial {trial.number} ({done} of {total} finished): {origin}")
        _run(search, base, measure, trial, progress)


def _run(
    search: Search, base: Recipe, measure: Measure, trial: "Trial", progress: Progress
) -> None:
    import optuna

    failed = optuna.trial.TrialState.FAIL
    is_base = bool(trial.user_attrs.get(BASE))
    may_be_pruned = search.prune and not is_base

    def report(step: int, value: float) -> None:
        trial.report(value, step)
        if may_be_pruned and trial.should_prune():
            raise optuna.TrialPruned

    try:
        recipe = trial_recipe(search, base, trial.params, is_base)
    except ToolkitError as error:
        # A combination that no recipe can have: it is not tried again.
        trial.set_user_attr(ERROR, str(error))
        search.study.tell(trial, state=failed)
        progress.message(f"Trial {trial.number}: left out, {error}")
        return
    try:
        measured = with_clean_work(search, lambda: measure(recipe, f"trial {trial.number}", report))
    except optuna.TrialPruned:
        search.study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        progress.message(f"Trial {trial.number}: pruned, behind the median of the others")
        return
    # The value last: it is what says that the trial is finished.
    write_results(results_path(search.folder, trial.number), measured.results, measured.classes)
    for name, value in facts(measured).items():
        trial.set_user_attr(name, value)
    before = max((t.value or 0.0 for t in complete(search.trials())), default=None)
    search.study.tell(trial, measured.value)
    best = before is None or measured.value > before
    note = ", the best so far" if best else f" (best so far {before:.2f})"
    progress.message(f"Trial {trial.number}: UA {measured.value:.2f}{note}")


def facts(measured: Measured) -> dict[str, Any]:
    """Return what is stored of a measurement beside its value."""
    return {
        SYSTEMS: {name: round(ua, 3) for name, ua in measured.by_system.items()},
        EPOCHS: list(measured.best_epochs),
        SECONDS: round(measured.seconds, 1),
        CLASSES: list(measured.classes),
    }


def with_clean_work(search: Search, measure: Callable[[], Measured]) -> Measured:
    """Measure where no state of another trial's networks lies, and leave none."""
    work = work_folder(search)
    shutil.rmtree(work, ignore_errors=True)
    try:
        return measure()
    finally:
        shutil.rmtree(work, ignore_errors=True)


def params_text(params: Mapping[str, Any]) -> str:
    """Return the values of a trial as they are shown to the user."""
    return ", ".join(f"{key} {value_text(value)}" for key, value in params.items())


def value_text(value: Any) -> str:
    """Return one of them."""
    if isinstance(value, str):
        return value
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value)
