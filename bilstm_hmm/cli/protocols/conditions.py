"""``evaluate --protocol conditions``: a model on labelled clips, clean and spoilt."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bilstm_hmm.prediction import Result

#: The name of the protocol.
CONDITIONS = "conditions"


@dataclass(frozen=True, slots=True)
class ConditionOptions:
    """What the user said of the model and the clips, as for ``score``; None where nothing."""

    model: Path | None = None
    corpus: str | None = None
    root: Path | None = None
    renamed: Sequence[str] | None = None
    limit: int | None = None
    jobs: int | None = None

    def refuse(self) -> None:
        """Raise a `ToolkitError` where one of them is given without the protocol."""
        from bilstm_hmm.errors import ToolkitError

        given = {
            "--model": self.model,
            "--corpus": self.corpus,
            "--root": self.root,
            "--map": self.renamed,
            "--limit": self.limit,
            "--jobs": self.jobs,
        }
        for option, value in given.items():
            if value:
                raise ToolkitError(f"{option} is for --protocol {CONDITIONS}; leave it out.")


def evaluate_conditions(
    options: ConditionOptions, training: Mapping[str, Any], output: Path | None, **flags: bool
) -> None:
    """Measure a model under every condition, and print the table.

    Parameters
    ----------
    training
        Options that are for protocols that train, by name; none of them may have a value.
    output
        The folder of the run; None for one of the model's name under ``runs/``.
    flags
        ``resume`` and ``yes``.

    Raises
    ------
    ToolkitError
        An option that makes no sense here, or what `score` raises.
    """
    from bilstm_hmm.cli.encoder_on_demand import with_encoder
    from bilstm_hmm.cli.labelling.file_workers import predict_files
    from bilstm_hmm.cli.labelling.score import emotion_pairs
    from bilstm_hmm.cli.progress import console_progress
    from bilstm_hmm.experiments.conditions import evaluate
    from bilstm_hmm.experiments.score import read_clips
    from bilstm_hmm.extras import require_extra
    from bilstm_hmm.inference.model import load
    from bilstm_hmm.output.lock import output_lock

    _refuse_options(options, training)
    require_extra("media", f"--protocol {CONDITIONS}")
    model = with_encoder(lambda: load(options.model), flags["yes"])
    pairs = emotion_pairs(options.renamed or ())
    found = read_clips(str(options.corpus), options.root, model.classes, pairs)
    folder = output or Path("runs") / f"{CONDITIONS}-{model.bundle.model_id}"
    labelled = evaluate.open_conditions_run(
        model.bundle, found, options.limit, folder, flags["resume"]
    )
    jobs = options.jobs or os.cpu_count() or 1

    def label(files: Sequence[Path]) -> "Iterator[Result]":
        return predict_files(model, files, jobs)

    with output_lock(folder), console_progress(folder / "evaluate.log") as progress:
        run = evaluate.ConditionsRun(model.bundle, labelled, label, folder, jobs)
        metrics = evaluate.evaluate_conditions(run, progress)
    _show(metrics)
    print(f"Report: {folder / 'report.md'}")


def _refuse_options(options: ConditionOptions, training: Mapping[str, Any]) -> None:
    from bilstm_hmm.errors import ToolkitError

    for option, value in training.items():
        if value:
            raise ToolkitError(
                f"{option} is for protocols that train; --protocol {CONDITIONS} measures a --model."
            )
    if options.corpus is None:
        raise ToolkitError(
            f"--protocol {CONDITIONS} needs labelled clips; give --corpus, a folder with a folder "
            "for each emotion, a CSV manifest, or a corpus's name with --root."
        )


def _show(metrics: Mapping[str, Any]) -> None:
    from rich.console import Console

    from bilstm_hmm.evaluation.tables import terminal_table
    from bilstm_hmm.experiments.conditions.report import LEGEND, condition_rows

    title = f"{metrics['model']} on {metrics['clips']} clips of {metrics['corpus']}"
    Console().print(terminal_table(title, condition_rows(metrics)))
    print(LEGEND)
