"""`train` and `evaluate` for Python programs: a recipe in, the figures and the bundle out."""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any

from bilstm_hmm.experiments import evaluate as clips
from bilstm_hmm.experiments import train as training
from bilstm_hmm.experiments.evaluate_timelines import evaluate_timelines
from bilstm_hmm.experiments.evaluate_unheard import evaluate_unheard
from bilstm_hmm.experiments.run_folder import open_run
from bilstm_hmm.extras import require_extra
from bilstm_hmm.library.checks import (
    PlannedEvaluation,
    check_evaluation,
    check_training,
    load_encoders,
)
from bilstm_hmm.library.recipes import RecipeLike, Settings, recipe_of
from bilstm_hmm.library.results import EvaluationResult, TrainingResult
from bilstm_hmm.output.lock import output_lock
from bilstm_hmm.progress import Progress, SilentProgress

DEFAULT_RECIPE = "config.yaml"


def train(
    recipe: RecipeLike = DEFAULT_RECIPE,
    settings: Settings | None = None,
    output: str | os.PathLike[str] | None = None,
    resume: bool = False,
    verbose: bool = False,
) -> TrainingResult:
    """Train on one fold of a corpus and test on its test speakers, as ``bilstm-hmm train`` does.

    Parameters
    ----------
    recipe
        A path, the name of a recipe that ships, what a recipe's YAML holds as a mapping, or a
        `Recipe`.
    settings
        Values of its keys, as ``--set`` has them: ``{"data.root": "corpora/ravdess"}``.
    output
        The folder of the run, which must not hold another one; None for a new one in ``runs/``.
    resume
        Whether to go on with the run in that folder; the result of one that is finished is
        returned.
    verbose
        Whether to show progress on standard error, and log it in the folder.

    Raises
    ------
    ToolkitError, DataError, AudioError, EncoderError
        What the user can mend, in one sentence.
    """
    require_extra("train", "Training")
    resolved = recipe_of(recipe, settings)
    load_encoders(resolved)
    check_training(resolved)
    folder = open_run(resolved, None if output is None else Path(output), resume)
    with output_lock(folder), _progress(verbose, folder / "train.log") as progress:
        return TrainingResult(folder, resolved, training.train(resolved, folder, progress))


def evaluate(
    recipe: RecipeLike = DEFAULT_RECIPE,
    settings: Settings | None = None,
    output: str | os.PathLike[str] | None = None,
    folds: Sequence[int] | None = None,
    models: str | os.PathLike[str] | None = None,
    resume: bool = False,
    verbose: bool = False,
) -> EvaluationResult:
    """Train and test on every fold of a protocol, as ``bilstm-hmm evaluate`` does.

    The protocol is ``data.protocol`` of the recipe, or the corpus's own.

    Parameters
    ----------
    folds
        The numbers of those to run; None for all.
    models
        For timelines: an earlier evaluation whose models are used, or a model.

    All others, and what is raised, as in `train`.
    """
    require_extra("train", "Evaluating")
    resolved = recipe_of(recipe, settings)
    load_encoders(resolved)
    trained = None if models is None else Path(models)
    plan = check_evaluation(resolved, folds, trained)
    folder = open_run(resolved, None if output is None else Path(output), resume)
    with evaluation_lock(plan, folder), _progress(verbose, folder / "evaluate.log") as progress:
        metrics = run_evaluation(plan, folder, progress, trained)
    return EvaluationResult(folder, resolved, metrics, plan.numbers)


def run_evaluation(
    plan: PlannedEvaluation, folder: Path, progress: Progress, models: Path | None
) -> dict[str, Any]:
    """Evaluate by whatever the protocol is of, and return the metrics."""
    if plan.by_corpus:
        return evaluate_unheard(plan.recipe, plan.numbers, folder, progress)
    if plan.of_timelines:
        return evaluate_timelines(plan.recipe, plan.numbers, folder, progress, models)
    return clips.evaluate(plan.recipe, plan.numbers, folder, progress)


@contextmanager
def evaluation_lock(plan: PlannedEvaluation, folder: Path) -> Iterator[None]:
    """Keep other processes from the outputs of an evaluation: from its folds, or all of it."""
    parts = [folder / f"fold{number}" for number in plan.numbers] if plan.by_corpus else [folder]
    with ExitStack() as stack:
        for part in parts:
            stack.enter_context(output_lock(part))
        yield


def _progress(verbose: bool, log: Path) -> AbstractContextManager[Progress]:
    if not verbose:
        return nullcontext(SilentProgress())
    # By its name: it stands higher in the chain of imports.
    console: AbstractContextManager[Progress] = import_module(
        "bilstm_hmm.cli.progress"
    ).console_progress(log)
    return console
