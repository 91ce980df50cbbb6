"""What ``train --from`` does: a bundle is gone on with."""

from collections.abc import Sequence
from pathlib import Path

DEFAULT_CONFIG = "finetune.yaml"


def fine_tune(
    config: str,
    overrides: Sequence[str],
    source: Path,
    output: Path | None,
    *,
    resume: bool,
    yes: bool,
) -> None:
    """Fine-tune the bundle `source` by a recipe, and print what came of it.

    Raises
    ------
    ToolkitError, DataError, AudioError
        What the user can mend, in one sentence.
    """
    from bilstm_hmm.cli.encoder_on_demand import with_encoder
    from bilstm_hmm.cli.progress import console_progress
    from bilstm_hmm.config.loading import load_recipe
    from bilstm_hmm.errors import ToolkitError
    from bilstm_hmm.experiments.fine_tuning.parent import (
        overruled_sections,
        read_parent,
        tuning_recipe,
    )
    from bilstm_hmm.experiments.run_folder import open_run
    from bilstm_hmm.extras import require_extra
    from bilstm_hmm.features.extraction.extract import load_encoder
    from bilstm_hmm.output.lock import output_lock
    from bilstm_hmm.training.dataset import load_dataset
    from bilstm_hmm.training.fine_tuning.system import check_clips
    from bilstm_hmm.training.tracking.choice import check_tracker

    require_extra("train", "Training")
    if resume:
        raise ToolkitError("--resume: a fine-tuning takes seconds; start it anew without.")
    own = load_recipe(config, overrides)
    parent = read_parent(source, own)
    recipe = tuning_recipe(own, parent)
    with_encoder(lambda: load_encoder(recipe.features), yes)
    dataset = load_dataset(recipe.data)
    check_clips(dataset.clips, parent.bundle.classes, parent.bundle.model_id)
    check_tracker(recipe)
    folder = open_run(recipe, output, resume=False)
    with output_lock(folder), console_progress(folder / "train.log") as progress:
        from bilstm_hmm.experiments.fine_tuning.run import BUNDLE, verdict
        from bilstm_hmm.experiments.fine_tuning.run import fine_tune as run

        ignored = overruled_sections(own)
        if ignored:
            progress.message(
                f"Of the recipe, {', '.join(ignored)} are left alone: the bundle's hold"
            )
        metrics = run(recipe, parent, dataset, folder, progress)
    _print(metrics)
    print(verdict(metrics))
    print(f"Model: {folder / BUNDLE}")
    print(f"Report: {folder / 'report.md'}")


def _print(metrics: dict[str, object]) -> None:
    from rich.console import Console

    from bilstm_hmm.evaluation.report import results_table

    Console().print(results_table(metrics))
