"""Clips in rooms, noise and lines, to calibrate by: changed as training changes them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from bilstm_hmm.arrays import FloatArray, Indices
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.features.audio.reading import open_array
from bilstm_hmm.features.augmentation.draws import augmentation_rng
from bilstm_hmm.features.augmentation.waveform import augment_waveform
from bilstm_hmm.features.extraction.extract import extract
from bilstm_hmm.features.frames import Frames
from bilstm_hmm.features.quality.measures import AudioQuality
from bilstm_hmm.features.spectral.filterbanks import FilterBanks
from bilstm_hmm.training.batching.surroundings import surroundings
from bilstm_hmm.training.examples import Examples

#: What spoils a recording, by the names of its sections in ``augmentation``.
_SPOILS = ("room", "babble", "recorded_noise", "telephone", "compression", "clipping")


def is_degraded(recipe: Recipe) -> bool:
    """Return whether training puts clips into rooms, noise or lines."""
    settings = recipe.augmentation
    return any(getattr(settings, name).probability > 0.0 for name in _SPOILS)


def degraded_examples(
    examples: Examples, indices: Sequence[int] | Indices, recipe: Recipe, banks: FilterBanks
) -> tuple[Examples, tuple[AudioQuality, ...]]:
    """Return the clips changed at random, as training does, and what is measured of each.

    No other clip than these babbles behind them.
    """
    around = surroundings(examples, np.asarray(indices, dtype=np.intp), recipe)

    def change(index: int) -> tuple[FloatArray, Frames, AudioQuality]:
        name = examples.clips[index].name
        talkers = around.draw_talkers(index, name, recipe, 0)
        samples = augment_waveform(
            examples.samples[index],
            recipe.features.rate,
            recipe.augmentation,
            augmentation_rng(recipe.seed, 0, name),
            around.background(examples, talkers),
        )
        recording = open_array(samples, recipe.features.rate)
        for _ in recording:
            pass
        return samples, extract(samples, recipe.features, banks), recording.quality

    with ThreadPoolExecutor(recipe.jobs) as pool:
        changed = list(pool.map(change, map(int, indices)))
    samples, frames, qualities = (tuple(column) for column in zip(*changed, strict=True))
    clips = tuple(examples.clips[int(index)] for index in indices)
    labels = examples.labels[np.asarray(indices, dtype=np.intp)]
    return Examples(clips, examples.classes, labels, samples, frames), qualities
