"""The commands that leave a run's folder: ``train`` and ``evaluate``."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from bilstm_hmm.config.schema import Recipe
    from bilstm_hmm.data.splits.protocols import Protocol

#: What those who train without an encoder should know of; figures of docs/results.
ENCODER_HINT = (
    "More accurate, and no slower: --config encoder_bilstm_hmm.yaml, which fetches an encoder of "
    "8.7 MB. On Emo-DB, tested on each speaker in turn, its UA is 90.5; the best on MFCC has 78.0."
)

DEFAULT_CONFIG = "config.yaml"

Config = Annotated[
    str, typer.Option("--config", help="A recipe: a path, or a name among those in configs/.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key, as in training.epochs=5."),
]
Output = Annotated[
    Path | None, typer.Option("--output", help="Folder of the run (default: under runs/).")
]
Yes = Annotated[
    bool, typer.Option("--yes", help="Fetch the encoder of a recipe without a question.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")]


def train(
    config: Config = DEFAULT_CONFIG,
    overrides: Overrides = None,
    output: Output = None,
    resume: Resume = False,
    yes: Yes = False,
) -> None:
    """Train on one fold and report on its test speakers."""
    from bilstm_hmm.cli.encoder_on_demand import with_encoder
    from bilstm_hmm.cli.progress import console_progress
    from bilstm_hmm.config.loading import load_recipe
    from bilstm_hmm.experiments.run_folder import open_run
    from bilstm_hmm.extras import require_extra
    from bilstm_hmm.output.lock import output_lock
    from bilstm_hmm.training.dataset import dataset_folds, find_fold, load_dataset

    require_extra("train", "Training")
    recipe = load_recipe(config, overrides or ())
    # Whatever is wrong with the data or an encoder is reported before a folder is made.
    with_encoder(lambda: _load_encoders(recipe), yes)
    _refuse_without_noise(recipe)
    dataset = load_dataset(recipe.data)
    _refuse_evaluation(dataset.protocol)
    find_fold(dataset_folds(dataset, recipe.seed), recipe.data.fold)
    folder = open_run(recipe, output, resume)
    with output_lock(folder), console_progress(folder / "train.log") as progress:
        from bilstm_hmm.experiments.train import BUNDLE
        from bilstm_hmm.experiments.train import train as run

        metrics = run(recipe, folder, progress)
    _print_table(metrics)
    print(f"Model: {folder / BUNDLE}")
    print(f"Report: {folder / 'report.md'}")
    if not recipe.features.has_encoder:
        print(ENCODER_HINT)


def _load_encoders(recipe: "Recipe") -> None:
    """Open what gives frames, and what the network is to learn from."""
    from bilstm_hmm.features.extraction.extract import load_encoder

    for features in (recipe.features, recipe.teacher_features):
        if features is not None:
            load_encoder(features)


def _refuse_without_noise(recipe: "Recipe") -> None:
    from bilstm_hmm.features.degradation.recordings import check_noise_folder

    noise = recipe.augmentation.recorded_noise
    if noise.probability > 0.0 and noise.folder is not None:
        check_noise_folder(noise.folder)


def _refuse_evaluation(protocol: "Protocol") -> None:
    """Refuse protocols that only an evaluation goes by."""
    from bilstm_hmm.errors import ToolkitError

    if protocol.scheme == "leave-one-corpus-out":
        raise ToolkitError(
            f"data.protocol: {protocol.name} trains without each corpus in turn; train by "
            "out-of-fold, or run evaluate.py."
        )
    if protocol.clip_protocol is not None:
        raise ToolkitError(
            f"data.protocol: {protocol.name} evaluates timelines; train by "
            f"{protocol.clip_protocol}, or run evaluate.py."
        )


def evaluate(
    config: Config = DEFAULT_CONFIG,
    protocol: Annotated[
        str | None, typer.Option(help="Protocol (default: the corpus's own).")
    ] = None,
    folds: Annotated[
        str | None, typer.Option(help="Folds to run, as in 1,2 (default: all).")
    ] = None,
    overrides: Overrides = None,
    output: Output = None,
    resume: Resume = False,
    yes: Yes = False,
    models: Annotated[
        Path | None,
        typer.Option(
            help="For timelines: an earlier evaluation whose models are used, or a model."
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            help="For conditions: a bundle, a run, or the name of a model that ships (default: "
            "default).",
        ),
    ] = None,
    corpus: Annotated[
        str | None,
        typer.Option(metavar="PATH_OR_NAME", help="For conditions: labelled clips, as for score."),
    ] = None,
    root: Annotated[
        Path | None, typer.Option(help="For conditions: folder of the corpus that --corpus names.")
    ] = None,
    renamed: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="EMOTION=EMOTION", help="For conditions: count one as another."
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1, help="For conditions: clips to draw, each emotion with its share (default: all)."
        ),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="For conditions: cores to use (default: all of them).")
    ] = None,
) -> None:
    """Train and test on every fold of a protocol, and report; or measure a model by conditions."""
    from bilstm_hmm.cli.protocols.conditions import (
        CONDITIONS,
        ConditionOptions,
        evaluate_conditions,
    )

    condition_options = ConditionOptions(model, corpus, root, renamed, limit, jobs)
    if protocol == CONDITIONS:
        changed = config if config != DEFAULT_CONFIG else None
        training = {"--config": changed, "--set": overrides, "--folds": folds, "--models": models}
        return evaluate_conditions(condition_options, training, output, resume=resume, yes=yes)
    condition_options.refuse()
    return _evaluate_recipe(config, protocol, folds, overrides, output, resume, yes, models)


def _evaluate_recipe(
    config: str,
    protocol: str | None,
    folds: str | None,
    overrides: list[str] | None,
    output: Path | None,
    resume: bool,
    yes: bool,
    models: Path | None,
) -> None:
    from bilstm_hmm.cli.encoder_on_demand import with_encoder
    from bilstm_hmm.cli.progress import console_progress
    from bilstm_hmm.config.loading import load_recipe
    from bilstm_hmm.experiments.evaluate import evaluate as run
    from bilstm_hmm.experiments.evaluate import fold_numbers
    from bilstm_hmm.experiments.fold_store import check_models
    from bilstm_hmm.experiments.run_folder import open_run
    from bilstm_hmm.extras import require_extra
    from bilstm_hmm.training.dataset import dataset_folds, find_fold, load_dataset

    require_extra("train", "Evaluating")
    protocol_override = [f"data.protocol={protocol}"] if protocol is not None else []
    recipe = load_recipe(config, [*(overrides or ()), *protocol_override])
    with_encoder(lambda: _load_encoders(recipe), yes)
    _refuse_without_noise(recipe)
    dataset = load_dataset(recipe.data)
    all_folds = dataset_folds(dataset, recipe.seed)
    numbers = fold_numbers(folds, all_folds)
    chosen_folds = [find_fold(all_folds, number, "--folds") for number in numbers]
    if models is not None:
        check_models(models, chosen_folds, dataset)
    folder = open_run(recipe, output, resume)
    by_corpus = dataset.protocol.scheme == "leave-one-corpus-out"
    parts = [folder / f"fold{number}" for number in numbers] if by_corpus else [folder]
    with _locks(parts), console_progress(folder / "evaluate.log") as progress:
        if by_corpus:
            from bilstm_hmm.experiments.evaluate_unheard import evaluate_unheard

            metrics = evaluate_unheard(recipe, numbers, folder, progress)
        elif dataset.protocol.clip_protocol is not None:
            from bilstm_hmm.experiments.evaluate_timelines import evaluate_timelines

            metrics = evaluate_timelines(recipe, numbers, folder, progress, models)
        else:
            metrics = run(recipe, numbers, folder, progress)
    _print_table(metrics)
    print(f"Report: {folder / 'report.md'}")


@contextmanager
def _locks(outputs: Sequence[Path]) -> Iterator[None]:
    """Keep other processes from these outputs."""
    from bilstm_hmm.output.lock import output_lock

    with ExitStack() as stack:
        for output in outputs:
            stack.enter_context(output_lock(output))
        yield


def _print_table(metrics: dict[str, Any]) -> None:
    from rich.console import Console

    from bilstm_hmm.evaluation.report import results_table
    from bilstm_hmm.evaluation.timeline_report import timeline_table
    from bilstm_hmm.evaluation.unheard.report import unheard_table

    table = results_table
    if "recordings" in metrics:
        table = timeline_table
    elif "corpora" in metrics:
        table = unheard_table
    Console().print(table(metrics))
