import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bilstm_hmm.training.batches import (
    Batch,
    bucket_batches,
    class_weights,
    prefetch,
    random_batches,
)

LENGTHS = st.lists(st.integers(1, 2000), max_size=80)


@given(lengths=LENGTHS, size=st.integers(1, 40), seed=st.none() | st.integers(0, 1000))
def test_every_index_comes_exactly_once(lengths: list[int], size: int, seed: int | None) -> None:
    rng = None if seed is None else np.random.default_rng(seed)
    groups = bucket_batches(lengths, size, rng)
    together = np.concatenate([*groups, np.zeros(0, np.intp)])
    assert sorted(together.tolist()) == list(range(len(lengths)))
    sizes = sorted(len(group) for group in groups)
    assert all(n == size for n in sizes[1:])
    assert len(groups) == -(-len(lengths) // size)


@given(lengths=LENGTHS, size=st.integers(1, 40))
def test_without_chance_lengths_ascend(lengths: list[int], size: int) -> None:
    groups = bucket_batches(lengths, size)
    ordered = [lengths[i] for group in groups for i in group]
    assert ordered == sorted(lengths)


def test_groups_are_of_like_length_and_change_from_epoch_to_epoch() -> None:
    lengths = np.random.default_rng(0).integers(50, 1000, 400).tolist()
    epochs = [bucket_batches(lengths, 16, np.random.default_rng([1, epoch])) for epoch in range(3)]
    for groups in epochs:
        for group in groups:
            chosen = [lengths[i] for i in group]
            # A tenth of jitter either way, and what lies between neighbours.
            assert max(chosen) < 1.35 * min(chosen) + 60
        padded = sum(max(lengths[i] for i in group) * len(group) for group in groups)
        assert padded < 1.2 * sum(lengths)
    as_sets = [{frozenset(group.tolist()) for group in groups} for groups in epochs]
    assert as_sets[0] != as_sets[1] != as_sets[2]
    repeated = bucket_batches(lengths, 16, np.random.default_rng([1, 0]))
    assert all(np.array_equal(a, b) for a, b in zip(repeated, epochs[0], strict=True))


@given(count=st.integers(0, 80), size=st.integers(1, 40), seed=st.integers(0, 1000))
def test_by_chance_every_index_comes_exactly_once(count: int, size: int, seed: int) -> None:
    groups = random_batches(count, size, np.random.default_rng(seed))
    together = np.concatenate([*groups, np.zeros(0, np.intp)])
    assert sorted(together.tolist()) == list(range(count))
    assert all(len(group) == size for group in groups[:-1])
    assert len(groups) == -(-count // size)


def numbered(group: np.ndarray) -> Batch:
    nothing = np.zeros((len(group), 1), np.float32)
    return Batch(tuple(nothing), nothing, group.astype(np.float32))


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("count", [0, 1, 20])
def test_batches_come_in_order_whoever_is_first(jobs: int, count: int) -> None:
    groups = [np.array([i]) for i in range(count)]

    def make(group: np.ndarray) -> Batch:
        # Every third is slow, so that threads overtake each other.
        time.sleep(0.003 * (group[0] % 3 == 0))
        return numbered(group)

    found = [int(batch.weights[0]) for batch in prefetch(make, groups, jobs)]
    assert found == list(range(count))


def test_few_batches_wait_in_memory() -> None:
    lock, made = threading.Lock(), [0]

    def make(group: np.ndarray) -> Batch:
        with lock:
            made[0] += 1
        return numbered(group)

    groups = [np.array([i]) for i in range(50)]
    for taken, _ in enumerate(prefetch(make, groups, 2), start=1):
        with lock:
            assert made[0] <= taken + 4


def test_a_clip_that_cannot_be_made_is_told() -> None:
    def make(group: np.ndarray) -> Batch:
        if group[0] == 3:
            raise ValueError("clip 3")
        return numbered(group)

    with pytest.raises(ValueError, match="clip 3"):
        list(prefetch(make, [np.array([i]) for i in range(9)], 2))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60))
def test_class_weights_even_the_classes_out(values: list[int]) -> None:
    labels = np.array(values)
    weights = class_weights(labels, 7)
    assert weights.dtype == np.float32
    assert np.isfinite(weights).all()
    assert weights[labels].mean() == pytest.approx(1.0, rel=1e-5)
    shares = [weights[labels[labels == c]].sum() for c in np.unique(labels)]
    np.testing.assert_allclose(shares, shares[0], rtol=1e-5)
