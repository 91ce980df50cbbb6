"""The clips of a training run as arrays, and the augmented view of them an epoch sees."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.arrays import Indices
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.features.augmentation.draws import (
    augment_frames,
    augmentation_rng,
    draw_warp,
    mixup_weights,
)
from bilstm_hmm.features.augmentation.waveform import augment_waveform
from bilstm_hmm.features.extraction.extract import extract, extract_views
from bilstm_hmm.features.extraction.normalise import FeatureStatistics, normalise
from bilstm_hmm.features.frames import FloatArray, Frames
from bilstm_hmm.features.settings.augmentation import AugmentationSettings
from bilstm_hmm.features.spectral.filterbanks import FilterBanks
from bilstm_hmm.training.batches import Batch

#: The clip, the number of the copy, and what it was made by: the seed and the augmentation.
CopyKey = tuple[int, int, int, AugmentationSettings]


@dataclass(frozen=True, slots=True)
class Examples:
    """Labelled recordings, decoded once.

    `samples` are mono at the rate of the features; `frames` are theirs, unaugmented and not
    normalised; `labels` index `classes`. `copies` fills while networks train: frames of augmented
    clips, for the next network that needs them.
    """

    clips: tuple[Clip, ...]
    classes: tuple[str, ...]
    labels: Indices
    samples: tuple[FloatArray, ...]
    frames: tuple[Frames, ...]
    copies: dict[CopyKey, NDArray[np.float16]] = field(
        init=False, default_factory=dict, compare=False, repr=False
    )

    @property
    def lengths(self) -> NDArray[np.intp]:
        """Number of frames of each clip."""
        return np.array([len(frames.values) for frames in self.frames], dtype=np.intp)


@dataclass(frozen=True, slots=True)
class AugmentedDataset:
    """Makes training batches of `examples`, augmented and seeded.

    Masks and mixtures are new in each epoch, changes of the samples come back after
    ``augmentation.copies`` epochs. What a clip looks like depends on the seed, the epoch and the
    clip's name alone, so that neither the order of the clips nor the number of threads changes a
    run.
    """

    examples: Examples
    recipe: Recipe
    banks: FilterBanks
    statistics: FeatureStatistics
    class_weights: FloatArray

    def batch(self, indices: Indices, epoch: int) -> Batch:
        """Return the batch of these clips as `epoch` sees them."""
        settings = self.recipe.augmentation
        frames = tuple(self._clip(int(index), epoch) for index in indices)
        labels = self.examples.labels[indices]
        targets = np.eye(len(self.examples.classes), dtype=np.float32)[labels]
        weights = self.class_weights[labels]
        if settings.mixup > 0.0:
            rng = augmentation_rng(
                self.recipe.seed, epoch, self.examples.clips[int(indices[0])].name + "+mixup"
            )
            return _mix(Batch(frames, targets, weights), settings, rng)
        return Batch(frames, targets, weights)

    def _clip(self, index: int, epoch: int) -> FloatArray:
        recipe, settings = self.recipe, self.recipe.augmentation
        rng = augmentation_rng(recipe.seed, epoch, self.examples.clips[index].name + "+frames")
        values = _crop(self._copy(index, epoch), recipe, rng)
        values = normalise(values, recipe.features.normalisation, self.statistics)
        return augment_frames(values, settings, rng)

    def _copy(self, index: int, epoch: int) -> FloatArray:
        """The frames of a clip whose samples and spectrum have been changed at random.

        Of a limited number of copies each is made once, for all networks of a run, and kept in
        half precision.
        """
        copies = self.recipe.augmentation.copies
        if not copies:
            return self._made(index, epoch)
        kept = self.examples.copies
        key = (index, epoch % copies, self.recipe.seed, self.recipe.augmentation)
        if key in kept:
            return kept[key].astype(np.float32)
        made = self._made(index, epoch % copies)
        if made is self.examples.frames[index].values:
            return made
        kept[key] = made.astype(np.float16)
        return kept[key].astype(np.float32)

    def _made(self, index: int, copy: int) -> FloatArray:
        recipe, settings = self.recipe, self.recipe.augmentation
        rng = augmentation_rng(recipe.seed, copy, self.examples.clips[index].name)
        original = self.examples.samples[index]
        samples = augment_waveform(original, recipe.features.rate, settings, rng)
        warp = draw_warp(settings, rng)
        if samples is original and warp == 1.0:
            return self.examples.frames[index].values
        return extract(samples, recipe.features, self.banks, warp=warp).values


def sample_clips(
    examples: Examples, indices: Indices, most: int | None, rng: np.random.Generator
) -> Indices:
    """Return the clips of an epoch, ascending: at random, up to `most` of each speaker.

    A speaker of thousands of clips would otherwise outweigh a hundred of a few.
    """
    if most is None:
        return indices
    shuffled = rng.permutation(indices)
    taken: Counter[str] = Counter()
    chosen = []
    for index in shuffled:
        speaker = examples.clips[int(index)].speaker
        taken[speaker] += 1
        if taken[speaker] <= most:
            chosen.append(index)
    return np.sort(np.array(chosen, dtype=np.intp))


def normalised_frames(
    examples: Examples,
    indices: Sequence[int] | Indices,
    recipe: Recipe,
    statistics: FeatureStatistics,
) -> list[FloatArray]:
    """Return the normalised, unaugmented frames of these clips, whole."""
    kind = recipe.features.normalisation
    return [normalise(examples.frames[int(i)].values, kind, statistics) for i in indices]


def warped_frames(
    examples: Examples,
    indices: Sequence[int] | Indices,
    recipe: Recipe,
    banks: FilterBanks,
    statistics: FeatureStatistics,
) -> list[list[FloatArray]]:
    """Return the normalised frames of these clips, whole, at each of ``decision.warps``."""
    kind, warps = recipe.features.normalisation, recipe.decision.warps
    if warps == (1.0,):
        return [normalised_frames(examples, indices, recipe, statistics)]

    def views(index: int) -> list[FloatArray]:
        found = extract_views(examples.samples[index], recipe.features, banks, warps)
        return [normalise(view.values, kind, statistics) for view in found]

    with ThreadPoolExecutor(recipe.jobs) as pool:
        of_clips = list(pool.map(views, map(int, indices)))
    return [list(view) for view in zip(*of_clips, strict=True)]


def _crop(values: FloatArray, recipe: Recipe, rng: np.random.Generator) -> FloatArray:
    rate = recipe.features.frame_rate
    longest = max(1, round(recipe.training.max_seconds * rate))
    if len(values) <= longest:
        return values
    start = int(rng.integers(0, len(values) - longest + 1))
    return values[start : start + longest]


def _mix(batch: Batch, settings: AugmentationSettings, rng: np.random.Generator) -> Batch:
    """Mix each clip with another of its batch (mixup, Zhang et al., 2018)."""
    partner = rng.permutation(len(batch.weights))
    share = mixup_weights(len(batch.weights), settings, rng)
    pairs = zip(batch.frames, [batch.frames[i] for i in partner], share, strict=True)
    row = share[:, None]
    return Batch(
        frames=tuple(_blend(*pair) for pair in pairs),
        targets=row * batch.targets + (1 - row) * batch.targets[partner],
        weights=share * batch.weights + (1 - share) * batch.weights[partner],
    )


def _blend(frames: FloatArray, others: FloatArray, share: np.float32) -> FloatArray:
    """Mix two clips; the shorter one is followed by zeros, the mean of normalised features."""
    mixed = np.zeros((max(len(frames), len(others)), frames.shape[1]), np.float32)
    mixed[: len(frames)] = share * frames
    mixed[: len(others)] += (1 - share) * others
    return mixed
