"""The corpora of a recipe, decoded for a training."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.spectral.filterbanks import FilterBanks, build_filter_banks
from bilstm_hmm.progress import Progress
from bilstm_hmm.training.context import TrainingContext
from bilstm_hmm.training.dataset import Dataset, dataset_folds, load_dataset, target_classes
from bilstm_hmm.training.examples import Examples, load_examples


@dataclass(frozen=True, slots=True)
class DecodedCorpus:
    """The dataset of a recipe, as far as its clips could be read, and these as arrays."""

    dataset: Dataset
    examples: Examples
    filter_banks: FilterBanks

    def training_context(self, recipe: Recipe, work: Path, progress: Progress) -> TrainingContext:
        """Return what a training on these clips is given; its state is kept in `work`."""
        return TrainingContext(self.examples, recipe, self.filter_banks, work, progress)


def read_corpus(recipe: Recipe, progress: Progress) -> DecodedCorpus:
    """Scan and decode the recipe's corpora.

    Raises
    ------
    ToolkitError, DataError, AudioError
        What `load_dataset` and `dataset_folds` raise, and a class of which no clip can be read.
    """
    dataset = load_dataset(recipe.data)
    # A wrong split is told before any audio is decoded.
    dataset_folds(dataset, recipe.seed)
    for note in dataset.notes:
        progress.message(note)
    return decode_dataset(dataset, recipe, progress)


def decode_dataset(dataset: Dataset, recipe: Recipe, progress: Progress) -> DecodedCorpus:
    """Decode the clips of a dataset, of which some of a recipe's may have been left out before.

    Raises
    ------
    ToolkitError
        A class of which no clip can be read.
    """
    banks = build_filter_banks(recipe.features)

    def on_clip(done: int) -> None:
        progress.update("Reading clips and computing their frames", done, len(dataset.clips))

    on_clip(0)
    examples = load_examples(dataset.clips, dataset.classes, recipe, banks, on_clip)
    _report_unreadable(dataset.clips, examples.clips, progress)
    _check_classes(dataset, examples.clips)
    return DecodedCorpus(replace(dataset, clips=examples.clips), examples, banks)


def _report_unreadable(clips: Sequence[Clip], readable: Sequence[Clip], progress: Progress) -> None:
    counts = Counter(clip.corpus for clip in readable)
    for name, total in Counter(clip.corpus for clip in clips).items():
        if counts[name] < total:
            unreadable = total - counts[name]
            progress.message(f"{name}: {unreadable} of {total} clips cannot be read; see the log")


def _check_classes(dataset: Dataset, readable: Sequence[Clip]) -> None:
    """Make sure that every class has a clip that can be read."""
    classes = target_classes(readable, dataset.protocol)
    lost = [name for name in dataset.classes if name not in classes]
    if lost:
        whose = "" if dataset.test_corpus is None else " in one of the corpora"
        raise ToolkitError(
            f"data.root: no clip of {', '.join(lost)} can be read{whose}; mend the files or "
            "leave the class out with data.classes."
        )
