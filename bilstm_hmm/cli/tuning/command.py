"""The command ``tune``: search for the values of a recipe's keys, on its training speakers."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bilstm_hmm.cli.runs import DEFAULT_CONFIG, Config, Overrides, Yes

if TYPE_CHECKING:
    from bilstm_hmm.config.back_end_settings import System
    from bilstm_hmm.config.schema import Recipe
    from bilstm_hmm.data.splits.folds import Fold
    from bilstm_hmm.training.dataset import Dataset

DEFAULT_SPACE = "space.yaml"
_GOES_ON = "Interrupted; every finished trial is kept, the same command goes on."


def tune(
    config: Config = DEFAULT_CONFIG,
    space: Annotated[
        str,
        typer.Option(help="What is searched: a path, or a name among those in configs/spaces/."),
    ] = DEFAULT_SPACE,
    trials: Annotated[
        int, typer.Option(min=1, help="Trials in all, those of earlier runs included.")
    ] = 50,
    metric: Annotated[
        str | None,
        typer.Option(
            help="Whose UA counts: bilstm, hmm or hybrid (default: decision.system of the recipe)."
        ),
    ] = None,
    confirm: Annotated[
        int,
        typer.Option(min=0, help="How many of the best are measured again, on another split."),
    ] = 3,
    no_prune: Annotated[
        bool, typer.Option("--no-prune", help="Let every trial train to its end.")
    ] = False,
    test: Annotated[
        bool,
        typer.Option("--test", help="At the end, test the best recipe and the one given."),
    ] = False,
    overrides: Overrides = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder of the search, new or begun (default: runs/tune-NAME)."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Threads of a trial (default: jobs of the recipe).")
    ] = None,
    yes: Yes = False,
) -> None:
    """Search for better values of a recipe's keys, on its training speakers alone.

    The same command goes on after an interruption, and in another shell takes part.
    """
    from bilstm_hmm.cli.progress import console_progress
    from bilstm_hmm.config.loading import load_recipe
    from bilstm_hmm.experiments.tuning.space import load_space
    from bilstm_hmm.extras import require_extra

    require_extra("tune", "A search")
    require_extra("train", "A search")
    threads = [f"jobs={jobs}"] if jobs is not None else []
    recipe = load_recipe(config, [*(overrides or ()), *threads])
    system = _system(metric or recipe.decision.system)
    found = load_space(space, recipe, system)
    dataset, fold = _data(recipe, test, yes)
    folder = output if output is not None else Path("runs") / f"tune-{recipe.name}"

    from bilstm_hmm.experiments.tuning.measure import SpeakerMeasure
    from bilstm_hmm.experiments.tuning.search import work_folder
    from bilstm_hmm.experiments.tuning.tune import BEST, REPORT, TuneOptions, open_search
    from bilstm_hmm.experiments.tuning.tune import tune as run

    where = _where(dataset, fold, recipe)
    options = TuneOptions(system, trials, confirm, not no_prune, test, where)
    search = open_search(recipe, found, folder, options)
    try:
        with console_progress(folder / "tune.log") as progress:
            measure = SpeakerMeasure(dataset, fold, system, work_folder(search), progress)
            lines = run(search, recipe, measure, options, progress)
    except KeyboardInterrupt:
        print(_GOES_ON, file=sys.stderr)
        raise typer.Exit(130) from None
    for line in lines:
        print(line)
    if (folder / REPORT).is_file():
        print(f"Best recipe: {folder / BEST}")
        print(f"Report: {folder / REPORT}")


def _system(metric: str) -> "System":
    from bilstm_hmm.errors import ToolkitError
    from bilstm_hmm.hmm.fusion import SYSTEMS

    for system in SYSTEMS:
        if system == metric:
            return system
    raise ToolkitError(f"--metric {metric}: choose from {', '.join(SYSTEMS)}.")


def _data(recipe: "Recipe", test: bool, yes: bool) -> "tuple[Dataset, Fold]":
    """Return all clips and the fold; what is wrong with them is said before a folder is made."""
    from bilstm_hmm.cli.encoder_on_demand import with_encoder
    from bilstm_hmm.errors import ToolkitError
    from bilstm_hmm.library.checks import check_training, load_encoders
    from bilstm_hmm.training.dataset import dataset_folds, find_fold, load_dataset

    with_encoder(lambda: load_encoders(recipe), yes)
    check_training(recipe)
    dataset = load_dataset(recipe.data)
    fold = find_fold(dataset_folds(dataset, recipe.seed), recipe.data.fold)
    if test and not fold.test:
        raise ToolkitError(
            f"--test: {dataset.protocol.name} has no test speakers; leave it out, or choose "
            "another data.protocol."
        )
    return dataset, fold


def _where(dataset: "Dataset", fold: "Fold", recipe: "Recipe") -> str:
    """Return on what is measured, as a sentence of the report."""
    from bilstm_hmm.data.splits.inner_folds import inner_folds

    split = inner_folds(
        dataset.clips,
        fold.train,
        recipe.hmm.inner_folds,
        recipe.seed,
        speaker_dependent=fold.is_speaker_dependent(dataset.clips),
        by_corpus=recipe.hmm.inner_split == "corpora",
    )
    speakers = {dataset.clips[i].speaker for i in fold.train}
    return (
        f"Measured on the training part of fold {fold.number} of {dataset.protocol.name}, "
        f"{len(fold.train)} clips of {len(speakers)} speakers: split in {len(split.folds)} parts "
        f"that share no {split.grouped_by}, each labelled by what was trained without it."
    )
