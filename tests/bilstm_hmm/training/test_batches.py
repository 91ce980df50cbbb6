import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bilstm_hmm.training.batches import (
    bucket_batches,
    class_weights,
    random_batches,
    sample_clips,
)
from bilstm_hmm.training.examples import Examples

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


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60))
def test_class_weights_even_the_classes_out(values: list[int]) -> None:
    labels = np.array(values)
    weights = class_weights(labels, 7)
    assert weights.dtype == np.float32
    assert np.isfinite(weights).all()
    assert weights[labels].mean() == pytest.approx(1.0, rel=1e-5)
    shares = [weights[labels[labels == c]].sum() for c in np.unique(labels)]
    np.testing.assert_allclose(shares, shares[0], rtol=1e-5)


def test_an_epoch_has_so_many_clips_of_a_speaker(tones: Examples) -> None:
    indices = np.arange(4, 24)  # two clips of the first speaker, six of each other
    rng = np.random.default_rng(1)
    drawn = [sample_clips(tones, indices, 3, rng) for _ in range(60)]
    for chosen in drawn:
        speakers = [tones.clips[i].speaker for i in chosen]
        assert {s: speakers.count(s) for s in speakers} == {
            "toy-0": 2,
            "toy-1": 3,
            "toy-2": 3,
            "toy-3": 3,
        }
        assert (np.diff(chosen) > 0).all()
    assert set(np.concatenate(drawn)) == set(indices)
    np.testing.assert_array_equal(sample_clips(tones, indices, None, rng), indices)
