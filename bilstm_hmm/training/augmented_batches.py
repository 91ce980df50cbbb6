"""Training batches whose clips are augmented anew, and the same whatever threads make them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from bilstm_hmm.arrays import FloatArray, FloatMatrix, Indices
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.features.augmentation.draws import (
    augmentation_rng,
    mixup_weights,
    sample_warp_factor,
    spec_augment,
)
from bilstm_hmm.features.augmentation.waveform import Background, augment_waveform
from bilstm_hmm.features.extraction.extract import extract
from bilstm_hmm.features.extraction.normalise import FeatureStatistics, normalise
from bilstm_hmm.features.extraction.voice_statistics import FrameMoments, clip_moments
from bilstm_hmm.features.settings.augmentation import AugmentationSettings
from bilstm_hmm.features.spectral.filterbanks import FilterBanks
from bilstm_hmm.training.batches import Batch
from bilstm_hmm.training.batching.class_masks import class_masks
from bilstm_hmm.training.batching.clip_weights import clip_weights
from bilstm_hmm.training.batching.encoder_targets import EncoderTargets, encoder_targets
from bilstm_hmm.training.batching.known_voices import KnownVoices, voices_by_session
from bilstm_hmm.training.batching.surroundings import Surroundings, surroundings
from bilstm_hmm.training.context import TrainingContext, TrainingTask
from bilstm_hmm.training.examples import Examples


@dataclass(frozen=True, slots=True)
class AugmentedDataset:
    """Makes training batches of `examples`, augmented and seeded.

    Masks and mixtures are new in each epoch, changes of the samples come back after
    ``augmentation.copies`` epochs. What a clip looks like depends on the seed, the epoch and the
    clip's name alone, and on `surroundings` where there is something behind it, so that neither the
    order of the clips nor the number of threads changes a run.

    Attributes
    ----------
    filter_banks
        Filter banks of the recipe's features.
    statistics
        What the frames are normalised by.
    weights
        Weight of each clip in the loss, float32 ``[N]``.
    masks
        Which emotions take part in the loss of each clip, float32 ``[N, C]``; None for all.
    voices
        What is known of the voices; None for nothing.
    surroundings
        What may be behind the clips; None for nothing but noise that is generated.
    encoder
        What an encoder gives for them; None where none is learned.
    """

    examples: Examples
    recipe: Recipe
    filter_banks: FilterBanks
    statistics: FeatureStatistics
    weights: FloatArray
    masks: FloatArray | None = None
    voices: KnownVoices | None = None
    surroundings: Surroundings | None = None
    encoder: EncoderTargets | None = None
    _known_moments: dict[tuple[int, int], FrameMoments] = field(
        init=False, default_factory=dict, compare=False, repr=False
    )

    def batch(self, indices: Indices, epoch: int) -> Batch:
        """Return the batch of these clips as `epoch`, counted from 0, has them."""
        settings = self.recipe.augmentation
        frames, places = zip(
            *(self._augmented_frames(int(index), epoch) for index in indices), strict=True
        )
        labels = self.examples.labels[indices]
        targets = np.eye(len(self.examples.classes), dtype=np.float32)[labels]
        masks = None if self.masks is None else self.masks[indices]
        learned = None
        if self.encoder is not None:
            clips = zip(map(int, indices), places, strict=True)
            learned = tuple(self.encoder.at(index, at) for index, at in clips)
        batch = Batch(frames, targets, self.weights[indices], masks, learned)
        if settings.mixup == 0.0:
            return batch
        first = self.examples.clips[int(indices[0])].name
        return _mix(batch, settings, augmentation_rng(self.recipe.seed, epoch, first + "+mixup"))

    def _augmented_frames(self, index: int, epoch: int) -> tuple[FloatArray, FloatMatrix]:
        """The frames of a clip, and where in it, from 0 to 1, each step of the output lies."""
        recipe, settings = self.recipe, self.recipe.augmentation
        rng = augmentation_rng(recipe.seed, epoch, self.examples.clips[index].name + "+frames")
        whole = self._cached_augmentation(index, epoch)
        span = _crop(len(whole), recipe, rng)
        values = whole[span]
        statistics = self._voice_statistics(index, epoch, rng)
        values = normalise(values, recipe.features.normalisation, statistics)
        steps = np.arange(span.start, span.stop, recipe.network.stride, dtype=np.float64)
        return spec_augment(values, settings, rng), steps / max(1, len(whole) - 1)

    def _voice_statistics(
        self, index: int, epoch: int, rng: np.random.Generator
    ) -> FeatureStatistics:
        """What a clip is normalised by: with as much of its voice known as chance decides."""
        if self.voices is None:
            return self.statistics

        def moments(known: int) -> FrameMoments:
            return self._moments(known, epoch)

        return self.voices.statistics(index, self.statistics, moments, rng)[0]

    def _moments(self, index: int, epoch: int) -> FrameMoments:
        """The moments of a clip as `epoch` has it: of a limited number of copies computed once."""
        copies = self.recipe.augmentation.copies
        key = (index, epoch % copies if copies else epoch)
        if key not in self._known_moments:
            self._known_moments[key] = clip_moments(self._cached_augmentation(index, epoch)[None])
        return self._known_moments[key]

    def _cached_augmentation(self, index: int, epoch: int) -> FloatArray:
        """The frames of a clip whose samples and spectrum have been changed at random.

        Of a limited number of copies each is made once, for all networks of a run, and kept in
        half precision.
        """
        copies = self.recipe.augmentation.copies
        copy = epoch % copies if copies else epoch
        talkers = self._talkers(index, copy)
        if not copies:
            return self._augment(index, copy, talkers)
        cache = self.examples.augmentation_cache
        key = (index, copy, self.recipe.seed, self.recipe.augmentation, talkers.tobytes())
        if key in cache:
            return cache[key].astype(np.float32)
        values = self._augment(index, copy, talkers)
        if values is self.examples.frames[index].values:
            return values
        cache[key] = values.astype(np.float16)
        return cache[key].astype(np.float32)

    def _change_name(self, index: int) -> str:
        """What a clip shares its changes with: its session, or nothing where no voice is known."""
        if self.voices is None:
            return self.examples.clips[index].name
        return self.voices.group_of[index]

    def _talkers(self, index: int, copy: int) -> Indices:
        """The clips that babble behind a copy of a clip: what networks may differ in."""
        if self.surroundings is None:
            return np.zeros(0, dtype=np.intp)
        return self.surroundings.draw_talkers(index, self._change_name(index), self.recipe, copy)

    def _augment(self, index: int, copy: int, talkers: Indices) -> FloatArray:
        """The frames of a clip with its samples and spectrum changed, or as they were."""
        recipe, settings = self.recipe, self.recipe.augmentation
        rng = augmentation_rng(recipe.seed, copy, self._change_name(index))
        background = Background()
        if self.surroundings is not None:
            background = self.surroundings.background(self.examples, talkers)
        original = self.examples.samples[index]
        samples = augment_waveform(original, recipe.features.rate, settings, rng, background)
        warp = sample_warp_factor(settings, rng)
        if samples is original and warp == 1.0:
            return self.examples.frames[index].values
        return extract(samples, recipe.features, self.filter_banks, warp=warp).values


def training_dataset(
    context: TrainingContext, task: TrainingTask, statistics: FeatureStatistics
) -> AugmentedDataset:
    """Return what the batches of a task come from; `statistics` are those of its clips."""
    examples, recipe = context.examples, context.recipe
    on_clip = partial(context.progress.update, "Sending clips through the encoder")
    return AugmentedDataset(
        examples,
        recipe,
        context.filter_banks,
        statistics,
        clip_weights(examples, task.train, recipe.training),
        class_masks(examples, task.train) if recipe.training.mask_classes else None,
        voices_by_session(examples.clips, task.train, recipe.voice),
        surroundings(examples, task.train, recipe),
        encoder_targets(examples, task.train, recipe, on_clip),
    )


def _crop(n_frames: int, recipe: Recipe, rng: np.random.Generator) -> slice:
    """Return ``training.max_seconds`` of longer frames, from a random place on."""
    max_frames = max(1, round(recipe.training.max_seconds * recipe.features.frame_rate))
    if n_frames <= max_frames:
        return slice(0, n_frames)
    start = int(rng.integers(0, n_frames - max_frames + 1))
    return slice(start, start + max_frames)


def _mix(batch: Batch, settings: AugmentationSettings, rng: np.random.Generator) -> Batch:
    """Mix each clip with another of its batch (mixup, Zhang et al., 2018)."""
    partner = _partners(batch, rng)
    weight = mixup_weights(len(batch.weights), settings, rng)
    column = weight[:, None]
    return Batch(
        frames=_blend(batch.frames, partner, weight),
        targets=column * batch.targets + (1 - column) * batch.targets[partner],
        weights=weight * batch.weights + (1 - weight) * batch.weights[partner],
        masks=batch.masks,
        encoder=None if batch.encoder is None else _blend(batch.encoder, partner, weight),
    )


def _partners(batch: Batch, rng: np.random.Generator) -> Indices:
    """Draw what each clip is mixed with: one that may have the same emotions."""
    if batch.masks is None:
        return rng.permutation(len(batch.weights))
    partners = np.arange(len(batch.weights))
    kinds = np.unique(batch.masks, axis=0, return_inverse=True)[1].reshape(-1)
    for kind in np.unique(kinds):
        members = np.flatnonzero(kinds == kind)
        partners[members] = rng.permutation(members)
    return partners


def _blend(
    clips: Sequence[FloatArray], partner: Indices, weight: FloatArray
) -> tuple[FloatArray, ...]:
    """Mix each clip with its partner; the shorter one is followed by zeros, the mean of both."""
    return tuple(
        _blend_pair(*pair) for pair in zip(clips, [clips[i] for i in partner], weight, strict=True)
    )


def _blend_pair(own: FloatArray, other: FloatArray, weight: np.float32) -> FloatArray:
    mixed = np.zeros((max(len(own), len(other)), own.shape[1]), np.float32)
    mixed[: len(own)] = weight * own
    mixed[: len(other)] += (1 - weight) * other
    return mixed
