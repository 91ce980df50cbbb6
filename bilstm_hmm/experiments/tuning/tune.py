"""A search, from recipe and space to the best recipe and its report."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from bilstm_hmm.atomic_files import atomic_write
from bilstm_hmm.config.back_end_settings import System
from bilstm_hmm.config.loading import dump_recipe
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.experiments.run_folder import CONFIG, open_run
from bilstm_hmm.experiments.tuning.best import Verdict, judge, measure_again
from bilstm_hmm.experiments.tuning.held_out import read_tested, train_and_test
from bilstm_hmm.experiments.tuning.importances import importances
from bilstm_hmm.experiments.tuning.measure import Measure
from bilstm_hmm.experiments.tuning.plots import write_history, write_importances, write_values
from bilstm_hmm.experiments.tuning.report import (
    HISTORY,
    IMPORTANCES,
    VALUES,
    Found,
    search_report,
    verdict_lines,
)
from bilstm_hmm.experiments.tuning.search import WORK, run_trials, trial_recipe
from bilstm_hmm.experiments.tuning.space import Space
from bilstm_hmm.experiments.tuning.study import (
    Search,
    at_work,
    claiming,
    complete,
    open_study,
)
from bilstm_hmm.output.lock import output_lock
from bilstm_hmm.progress import Progress

SPACE = "space.yaml"
BEST = "best.yaml"
REPORT = "report.md"
_END = "end"


@dataclass(frozen=True, slots=True)
class TuneOptions:
    """How long a search goes on, and what comes at its end.

    Attributes
    ----------
    trials
        In all, those of earlier and of other processes included.
    confirm
        How many of the best are measured again; 0 for none.
    test
        Whether the test fold is looked at, in the end.
    where
        On what is measured, as a sentence for the report.
    """

    metric: System
    trials: int
    confirm: int
    prune: bool
    test: bool
    where: str


def open_search(recipe: Recipe, space: Space, folder: Path, options: TuneOptions) -> Search:
    """Open the search of a folder, or begin one there.

    Raises
    ------
    ToolkitError
        The folder is in use by something else, or by a search of another recipe or space.
    """
    with claiming(folder):
        resume = (folder / CONFIG).is_file()
        if resume and not (folder / SPACE).is_file() and len(list(folder.iterdir())) > 1:
            raise ToolkitError(
                f"--output {folder}: it holds a run that is no search; choose another folder."
            )
        open_run(recipe, folder, resume)
        if not (folder / SPACE).is_file():
            atomic_write(folder / SPACE, yaml.safe_dump(dict(space.tree), sort_keys=False))
        study = open_study(folder, {"--space": dict(space.tree), "--metric": options.metric})
    params = space.params_of(recipe)
    return Search(study, folder, space, recipe.seed, params, options.prune)


def tune(
    search: Search, recipe: Recipe, measure: Measure, options: TuneOptions, progress: Progress
) -> list[str]:
    """Run the trials that are left, and write best recipe and report; returns what came of it.

    Where trials still run in other processes, that is left to the last of them.

    Raises
    ------
    ToolkitError
        No trial of the recipe itself could be finished, or a file cannot be written.
    """
    with at_work(search):
        outside = [d.key for d in search.space.dimensions if d.key not in search.base_params]
        if outside:
            progress.message(f"The recipe's own values are not in the space: {', '.join(outside)}")
        run_trials(search, recipe, measure, options.trials, progress)
        running = [str(t.number) for t in search.trials() if t.state.name == "RUNNING"]
        if running:
            numbers = f"trial{'s' if len(running) > 1 else ''} {', '.join(running)}"
            return [f"Another process still has {numbers}; the last one writes the report."]
        with _alone(search.folder) as is_alone:
            if not is_alone:
                return ["Another process writes the report."]
            return _conclude(search, recipe, measure, options, progress)


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Say whether no other process is at the end of the search, and keep others from it."""
    with ExitStack() as stack:
        try:
            stack.enter_context(output_lock(folder / _END))
        except ToolkitError:
            yield False
            return
        yield True


def _conclude(
    search: Search, recipe: Recipe, measure: Measure, options: TuneOptions, progress: Progress
) -> list[str]:
    """Measure the best again, judge, test where that is wanted, and write everything."""
    folder = search.folder
    measure_again(search, recipe, measure, options.confirm, progress)
    verdict = judge(search, options.metric)
    best = _recipe_of(search, recipe, verdict)
    atomic_write(folder / BEST, dump_recipe(best))
    if options.test:
        train_and_test({verdict.base: recipe, verdict.best: best}, folder, progress)
    shares = importances(search)
    tested = read_tested(verdict, folder)
    found = Found(options.metric, options.where, verdict, shares, tested)
    trials = search.trials()
    write_history(trials, folder / HISTORY)
    write_values(trials, search.space, folder / VALUES)
    if shares:
        write_importances(shares, folder / IMPORTANCES)
    atomic_write(folder / REPORT, search_report(search, found))
    shutil.rmtree(folder / WORK, ignore_errors=True)
    return verdict_lines(search, found)


def _recipe_of(search: Search, recipe: Recipe, verdict: Verdict) -> Recipe:
    (trial,) = (t for t in complete(search.trials()) if t.number == verdict.best)
    return trial_recipe(search, recipe, trial.params, not verdict.is_better)
