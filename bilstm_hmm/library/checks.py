"""What is made sure of before a training or an evaluation makes a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.data.splits.protocols import Protocol
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.experiments.evaluate import fold_numbers
from bilstm_hmm.experiments.fold_store import check_models
from bilstm_hmm.features.degradation.recordings import check_noise_folder
from bilstm_hmm.features.extraction.extract import load_encoder
from bilstm_hmm.training.dataset import Dataset, dataset_folds, find_fold, load_dataset
from bilstm_hmm.training.tracking.choice import check_tracker


@dataclass(frozen=True, slots=True)
class PlannedEvaluation:
    """A recipe, the clips that it is evaluated on, and the numbers of the folds to run."""

    recipe: Recipe
    dataset: Dataset
    numbers: tuple[int, ...]

    @property
    def by_corpus(self) -> bool:
        """Whether each fold leaves a corpus out, and may run in a process of its own."""
        return self.dataset.protocol.scheme == "leave-one-corpus-out"

    @property
    def of_timelines(self) -> bool:
        """Whether it is timelines that are evaluated."""
        return self.dataset.protocol.clip_protocol is not None


def load_encoders(recipe: Recipe) -> None:
    """Open what gives frames, and what the network is to learn from.

    Raises
    ------
    EncoderError
        One of them is not on this machine.
    """
    for features in (recipe.features, recipe.teacher_features):
        if features is not None:
            load_encoder(features)


def check_training(recipe: Recipe) -> None:
    """Make sure that there are clips to train on, and noise where the recipe wants some.

    Raises
    ------
    ToolkitError, DataError, AudioError
        Whatever is wrong with them, a protocol that only an evaluation goes by, or a tracker that
        cannot be reached.
    """
    _check_noise(recipe)
    check_tracker(recipe)
    dataset = load_dataset(recipe.data)
    _refuse_evaluation(dataset.protocol)
    find_fold(dataset_folds(dataset, recipe.seed), recipe.data.fold)


def check_evaluation(
    recipe: Recipe, folds: str | Sequence[int] | None, models: Path | None
) -> PlannedEvaluation:
    """Return what is to be evaluated, its data in order.

    Parameters
    ----------
    folds
        Numbers, also as in ``1,2``; None for all.
    models
        An earlier evaluation whose models are used, or a model.

    Raises
    ------
    ToolkitError, DataError, AudioError
        Whatever is wrong with clips, noise, folds or models, or with the tracker.
    """
    _check_noise(recipe)
    check_tracker(recipe)
    dataset = load_dataset(recipe.data)
    all_folds = dataset_folds(dataset, recipe.seed)
    if folds is None or isinstance(folds, str):
        numbers = fold_numbers(folds, all_folds)
    else:
        numbers = sorted({*folds})
    chosen = [find_fold(all_folds, number, "--folds") for number in numbers]
    if models is not None:
        check_models(models, chosen, dataset)
    return PlannedEvaluation(recipe, dataset, tuple(numbers))


def _check_noise(recipe: Recipe) -> None:
    noise = recipe.augmentation.recorded_noise
    if noise.probability > 0.0 and noise.folder is not None:
        check_noise_folder(noise.folder)


def _refuse_evaluation(protocol: Protocol) -> None:
    """Refuse protocols that only an evaluation goes by."""
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
