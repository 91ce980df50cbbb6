"""The commands that leave a run's folder: ``train`` and ``evaluate``."""

from pathlib import Path
from typing import Annotated, Any

import typer

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
Source = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="MODEL",
        help="Fine-tune a model, a bundle or the name of one that ships, by finetune.yaml.",
    ),
]


def train(
    config: Config = DEFAULT_CONFIG,
    overrides: Overrides = None,
    output: Output = None,
    resume: Resume = False,
    yes: Yes = False,
    source: Source = None,
) -> None:
    """Train on one fold and report on its test speakers, or go on from a model."""
    if source is not None:
        from bilstm_hmm.cli.fine_tuning import command

        chosen = command.DEFAULT_CONFIG if config == DEFAULT_CONFIG else config
        command.fine_tune(chosen, overrides or (), source, output, resume=resume, yes=yes)
        return
    from bilstm_hmm.cli.encoder_on_demand import with_encoder
    from bilstm_hmm.cli.progress import console_progress
    from bilstm_hmm.config.loading import load_recipe
    from bilstm_hmm.experiments.run_folder import open_run
    from bilstm_hmm.extras import require_extra
    from bilstm_hmm.library.checks import check_training, load_encoders
    from bilstm_hmm.output.lock import output_lock

    require_extra("train", "Training")
    recipe = load_recipe(config, overrides or ())
    # Whatever is wrong with the data or an encoder is reported before a folder is made.
    with_encoder(lambda: load_encoders(recipe), yes)
    check_training(recipe)
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
    from bilstm_hmm.experiments.run_folder import open_run
    from bilstm_hmm.extras import require_extra
    from bilstm_hmm.library.checks import check_evaluation, load_encoders
    from bilstm_hmm.library.runs import evaluation_lock, run_evaluation

    require_extra("train", "Evaluating")
    protocol_override = [f"data.protocol={protocol}"] if protocol is not None else []
    recipe = load_recipe(config, [*(overrides or ()), *protocol_override])
    with_encoder(lambda: load_encoders(recipe), yes)
    plan = check_evaluation(recipe, folds, models)
    folder = open_run(recipe, output, resume)
    with evaluation_lock(plan, folder), console_progress(folder / "evaluate.log") as progress:
        metrics = run_evaluation(plan, folder, progress, models)
    _print_table(metrics)
    print(f"Report: {folder / 'report.md'}")


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
