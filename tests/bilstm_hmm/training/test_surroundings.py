"""What is behind training clips: recordings of noise, and other clips that babble."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from bilstm_hmm.features.degradation.recordings import NoiseRecordings
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.features.extraction.normalise import fit_statistics
from bilstm_hmm.features.spectral.filterbanks import FilterBanks

from bilstm_hmm.config.loading import dump_recipe, recipe_from_tree
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.config.without_paths import without_paths
from bilstm_hmm.training.augmented_batches import AugmentedDataset
from bilstm_hmm.training.batching import surroundings as surroundings_module
from bilstm_hmm.training.batching.surroundings import surroundings
from bilstm_hmm.training.examples import Examples


@pytest.fixture(scope="module")
def make_view(
    tones: Examples, banks: FilterBanks, quick_recipe: Callable[..., Recipe]
) -> Callable[..., AugmentedDataset]:
    def make(examples: Examples = tones, **sections: Any) -> AugmentedDataset:
        statistics = fit_statistics(frames.values for frames in tones.frames)
        weights = np.ones(len(tones.clips), np.float32)
        return AugmentedDataset(examples, quick_recipe(**sections), banks, statistics, weights)

    return make


BUSY = {
    "noise": {"probability": 0.5},
    "speed": {"probability": 0.5},
    "babble": {"probability": 0.7, "talkers": [1, 3]},
    "recorded_noise": {"probability": 0.5, "folder": "noise"},
}


def surrounded(view: AugmentedDataset, train: list[int]) -> AugmentedDataset:
    """The same with these clips to babble, and a recording of a click for noise."""
    noises = NoiseRecordings((np.arange(900, dtype=np.int16) % 50,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surroundings_module, "read_noise", lambda folder, rate: noises)
        around = surroundings(view.examples, np.array(train), view.recipe)
    examples = replace(view.examples)
    return replace(view, examples=examples, surroundings=around)


def test_what_is_behind_a_clip_depends_on_neither_order_nor_threads(
    make_view: Callable[..., AugmentedDataset], tones: Examples
) -> None:
    order = np.random.default_rng(0).permutation(len(tones.clips))
    moved = Examples(
        tuple(tones.clips[i] for i in order),
        tones.classes,
        tones.labels[order],
        tuple(tones.samples[i] for i in order),
        tuple(tones.frames[i] for i in order),
    )
    train = list(range(18))
    view = surrounded(make_view(augmentation=BUSY), train)
    places = [int(np.flatnonzero(order == index)[0]) for index in train]
    there = surrounded(make_view(moved, augmentation=BUSY), places[::-1])
    with ThreadPoolExecutor(4) as pool:
        batches = list(pool.map(lambda place: there.batch(np.array([place]), 2), places))
    for index, batch in zip(train, batches, strict=True):
        np.testing.assert_array_equal(view.batch(np.array([index]), 2).frames[0], batch.frames[0])


def test_only_training_clips_babble_and_copies_without_any_are_kept_for_all_networks(
    make_view: Callable[..., AugmentedDataset],
    tones: Examples,
    poisoned: Callable[[Examples, list[int]], Examples],
) -> None:
    held_out = list(range(18, 24))
    held_out, train = list(range(18, 24)), np.arange(18)
    view = surrounded(make_view(poisoned(tones, held_out), augmentation=BUSY), train.tolist())
    for epoch in range(6):
        batch = view.batch(train, epoch)
        assert all(np.isfinite(frames).all() for frames in batch.frames)
    before = set(view.examples.augmentation_cache)
    assert {bool(key[-1]) for key in before} == {True, False}
    # Sound that is no number is refused: with all clips to babble, some did.
    unbounded = surrounded(view, [*train, *held_out])
    with pytest.raises(AudioError, match="not a number"):
        [unbounded.batch(train, epoch) for epoch in range(6)]
    fewer = replace(surrounded(view, train[:9].tolist()), examples=view.examples)
    for epoch in range(6):
        fewer.batch(train[:9], epoch)
    added = set(view.examples.augmentation_cache) - before
    assert added
    assert all(key[-1] for key in added)


def test_a_recipe_travels_without_the_place_of_its_noise(
    quick_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    noise = {"probability": 0.5, "folder": str(tmp_path / "street")}
    recipe = without_paths(quick_recipe(augmentation={"recorded_noise": noise}))
    text = dump_recipe(recipe)
    assert str(tmp_path) not in text
    assert recipe_from_tree(yaml.safe_load(text), "bundle") == recipe
