"""Models of the folds of an earlier evaluation, used again where they are blind to the tested."""

from collections.abc import Sequence
from pathlib import Path

from bilstm_hmm.data.splits.folds import Fold
from bilstm_hmm.delimited_text import table_rows
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.bundle_files import read_bundle
from bilstm_hmm.training.dataset import Dataset, dataset_protocol


def check_models(models: Path, folds: Sequence[Fold], selection: Dataset) -> None:
    """Make sure that an earlier evaluation has a model for each of these folds.

    Raises
    ------
    ToolkitError
        What `fold_bundle` raises, and for a protocol that tests no timelines.
    """
    if selection.protocol.clip_protocol is None:
        raise ToolkitError(
            f"--models {models}: {selection.protocol.name} trains its own models; leave it out, "
            "or evaluate timelines."
        )
    for fold in folds:
        fold_bundle(models, fold, selection)


def fold_bundle(models: Path, fold: Fold, selection: Dataset) -> Bundle:
    """Read the model of a fold from an earlier evaluation that tested the same speakers.

    Raises
    ------
    ToolkitError
        It is not there, its fold tested other speakers or let speakers be on both sides, so that
        it may know those that are to be unseen, or it has other classes.
    """
    number, path = fold.number, models / f"fold{fold.number}.csv"
    try:
        header, *rows = table_rows(path.read_bytes().decode("utf-8"))
        column = header.index("speaker")
        tested = {row[column] for row in rows}
    except (OSError, ValueError, IndexError):
        raise ToolkitError(
            f"--models {models}: fold{number}.csv is missing or cannot be read; evaluate fold "
            f"{number} there first, or leave --models out."
        ) from None
    wanted = {selection.clips[i].speaker for i in fold.test}
    if tested != wanted:
        other = min(tested ^ wanted)
        raise ToolkitError(
            f"--models {models}: fold {number} there was not tested on exactly the speakers of "
            f"fold {number} here ({other} is in one of them only); give an evaluation by "
            f"{selection.protocol.clip_protocol} with the same clips, or leave --models out."
        )
    bundle = read_bundle(models / f"fold{number}")
    if not dataset_protocol(bundle.recipe.data).speaker_independent:
        raise ToolkitError(
            f"--models {models}: its models were trained on clips of all speakers; give a "
            "speaker-independent evaluation, or leave --models out."
        )
    if set(bundle.classes) != set(selection.classes):
        raise ToolkitError(
            f"--models {models}: its models tell {', '.join(bundle.classes)} apart, but the clips "
            f"are {', '.join(selection.classes)}; use the same data.label_map and data.classes."
        )
    return bundle
