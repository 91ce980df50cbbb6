from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from bilstm_hmm.features.extraction.normalise import FeatureStatistics, fit_statistics
from bilstm_hmm.features.frames import Frames
from bilstm_hmm.features.spectral.filterbanks import FilterBanks

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.training.augmented_batches import AugmentedDataset
from bilstm_hmm.training.examples import Examples, normalised_frames

MakeRecipe = Callable[..., Recipe]

LIVELY = {
    "noise": {"probability": 0.5},
    "speed": {"probability": 0.5},
    "vocal_tract": {"probability": 0.5},
    "spec_augment": {"probability": 0.8, "time_width": 3, "feature_width": 2},
}


def statistics_of(examples: Examples) -> FeatureStatistics:
    return fit_statistics(frames.values for frames in examples.frames)


@pytest.fixture(scope="module")
def make_view(
    tones: Examples, banks: FilterBanks, quick_recipe: MakeRecipe
) -> Callable[..., AugmentedDataset]:
    def make(examples: Examples = tones, **sections: Any) -> AugmentedDataset:
        weights = np.array([1.0, 2.0, 3.0], np.float32)[examples.labels]
        recipe = quick_recipe(**sections)
        return AugmentedDataset(examples, recipe, banks, statistics_of(tones), weights)

    return make


def test_without_augmentation_a_batch_is_the_normalised_frames(
    make_view: Callable[..., AugmentedDataset], tones: Examples
) -> None:
    view = make_view()
    indices = np.array([5, 0, 9])
    batch = view.batch(indices, 2)
    expected = normalised_frames(tones, indices, view.recipe, view.statistics)
    for row, values in enumerate(expected):
        np.testing.assert_array_equal(batch.frames[row], values)
    np.testing.assert_array_equal(batch.targets, np.eye(3)[tones.labels[indices]])
    np.testing.assert_array_equal(batch.weights, 1.0 + tones.labels[indices])


@pytest.mark.parametrize("mixup", [0.0, 0.4])
def test_a_batch_is_the_same_whatever_the_threads_and_their_order(
    make_view: Callable[..., AugmentedDataset], mixup: float
) -> None:
    view = make_view(augmentation={**LIVELY, "mixup": mixup})
    groups = [np.array(g) for g in ([0, 1, 2], [7, 3], [10, 11, 12, 13], [20])]
    alone = [view.batch(group, 1) for group in groups]
    with ThreadPoolExecutor(4) as pool:
        backwards = list(pool.map(lambda group: view.batch(group, 1), groups[::-1]))[::-1]
    for one, other in zip(alone, backwards, strict=True):
        for left, right in zip(one.frames, other.frames, strict=True):
            np.testing.assert_array_equal(left, right)
        np.testing.assert_array_equal(one.targets, other.targets)
        np.testing.assert_array_equal(one.weights, other.weights)


def test_a_clip_looks_the_same_in_whichever_batch_it_is(
    make_view: Callable[..., AugmentedDataset], tones: Examples
) -> None:
    """Its name, the seed and the epoch decide, not its neighbours or its place."""
    view = make_view(augmentation=LIVELY)
    order = np.random.default_rng(0).permutation(len(tones.clips))
    moved = Examples(
        tuple(tones.clips[i] for i in order),
        tones.classes,
        tones.labels[order],
        tuple(tones.samples[i] for i in order),
        tuple(tones.frames[i] for i in order),
    )
    there = make_view(moved, augmentation=LIVELY)
    for index in (0, 5, 17):
        place = int(np.flatnonzero(order == index)[0])
        first = view.batch(np.array([index, 3]), 4).frames[0]
        other = there.batch(np.array([1, place]), 4).frames[1]
        np.testing.assert_array_equal(first, other)


def test_epochs_and_seeds_differ(make_view: Callable[..., AugmentedDataset]) -> None:
    indices = np.arange(6)
    batches = [
        make_view(augmentation=LIVELY, seed=seed).batch(indices, epoch)
        for seed, epoch in ((3, 0), (3, 1), (4, 0))
    ]
    for left, right in ((0, 1), (0, 2)):
        assert any(
            not np.array_equal(batches[left].frames[row], batches[right].frames[row])
            for row in range(6)
        )


def test_the_originals_stay_as_they_were(
    make_view: Callable[..., AugmentedDataset], tones: Examples
) -> None:
    samples = [s.copy() for s in tones.samples]
    frames = [f.values.copy() for f in tones.frames]
    view = make_view(augmentation={**LIVELY, "mixup": 0.4})
    for epoch in range(3):
        view.batch(np.arange(len(samples)), epoch)
    for before, after in zip(samples, tones.samples, strict=True):
        np.testing.assert_array_equal(before, after)
    for before, kept in zip(frames, tones.frames, strict=True):
        np.testing.assert_array_equal(before, kept.values)


def test_long_clips_are_cropped_in_training_and_whole_elsewhere(
    make_view: Callable[..., AugmentedDataset], tones: Examples
) -> None:
    long = np.arange(500, dtype=np.float32)[:, None] * np.ones(5, np.float32)
    examples = replace(tones, frames=(Frames(long, 100.0), *tones.frames[1:]))
    view = make_view(examples, training={"max_seconds": 1.5}, features={"normalisation": "none"})
    starts = set()
    for epoch in range(8):
        values = view.batch(np.array([0]), epoch).frames[0]
        assert len(values) == 150
        np.testing.assert_array_equal(np.diff(values[:, 0]), 1.0)
        starts.add(float(values[0, 0]))
    assert len(starts) > 4
    (whole,) = normalised_frames(examples, [0], view.recipe, view.statistics)
    np.testing.assert_array_equal(whole, long)


def test_mixup_mixes_clips_labels_and_weights_alike(
    make_view: Callable[..., AugmentedDataset], tones: Examples
) -> None:
    indices = np.arange(12)
    plain = make_view().batch(indices, 0)
    mixed = make_view(augmentation={"mixup": 0.5}).batch(indices, 0)
    longest = max(len(frames) for frames in plain.frames)

    def filled(frames: np.ndarray) -> np.ndarray:
        return np.pad(frames, ((0, longest - len(frames)), (0, 0)))

    np.testing.assert_allclose(mixed.targets.sum(axis=1), 1.0, rtol=1e-6)
    # Each row is a clip and a partner: solve for its share and find the partner.
    shares = []
    for row in range(12):
        found = []
        for partner in range(12):
            direction = filled(plain.frames[row]) - filled(plain.frames[partner])
            difference = filled(mixed.frames[row]) - filled(plain.frames[partner])
            norm = float((direction**2).sum())
            share = float((difference * direction).sum()) / norm if norm else 1.0
            if np.allclose(difference, share * direction, atol=1e-4):
                found.append((share, partner))
        (share, partner), *_ = found
        assert 0.5 - 1e-4 <= share <= 1.0 + 1e-4
        np.testing.assert_allclose(
            mixed.targets[row],
            share * plain.targets[row] + (1 - share) * plain.targets[partner],
            atol=1e-3,
        )
        np.testing.assert_allclose(
            mixed.weights[row],
            share * plain.weights[row] + (1 - share) * plain.weights[partner],
            atol=1e-3,
        )
        shares.append(share)
        if share < 0.999:
            longer = max(len(plain.frames[row]), len(plain.frames[partner]))
            assert len(mixed.frames[row]) == longer
    assert min(shares) < 0.99


def test_a_limited_number_of_copies_comes_back_in_turn(
    tones: Examples, quick_recipe: MakeRecipe, banks: FilterBanks
) -> None:
    """Every third epoch sees the same samples; unlimited, none sees them again."""
    examples = replace(tones)
    statistics = fit_statistics(frames.values for frames in tones.frames)

    def batches(copies: int) -> list[np.ndarray]:
        speed = {"probability": 1.0, "factor": (0.8, 1.2)}
        recipe = quick_recipe(augmentation={"copies": copies, "speed": speed})
        view = AugmentedDataset(
            examples, recipe, banks, statistics, np.ones(len(tones.clips), np.float32)
        )
        return [view.batch(np.array([4]), epoch).frames[0] for epoch in range(6)]

    limited = batches(3)
    assert {key[:2] for key in examples.augmentation_cache} == {(4, 0), (4, 1), (4, 2)}
    for epoch in range(3):
        np.testing.assert_array_equal(limited[epoch], limited[epoch + 3])
    fresh = batches(0)
    assert len(examples.augmentation_cache) == 3
    for epoch in range(3):
        assert fresh[epoch].shape != fresh[epoch + 3].shape or not np.allclose(
            fresh[epoch], fresh[epoch + 3]
        )
        # The first three are the same clips, kept in half precision.
        np.testing.assert_allclose(fresh[epoch], limited[epoch], atol=0.02)
