from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.data.errors import DataError
from bilstm_hmm.data.splits.folds import protocol_folds
from bilstm_hmm.data.splits.groups import assign_clips, assign_groups
from bilstm_hmm.data.splits.inner_folds import inner_folds, validation_split
from hypothesis import given, settings
from hypothesis import strategies as st


def _clip(speaker: str, emotion: str, sentence: str | None = None, sex=None) -> Clip:
    return Clip(Path("x"), "x", emotion, f"own-{speaker}", "own", sex=sex, sentence=sentence)


any_clips = st.lists(
    st.builds(
        _clip,
        st.sampled_from(["ann", "bob", "cat", "dan", "unknown"]),
        st.sampled_from(["happy", "sad", "angry"]),
        st.sampled_from([None, "one", "two", "three"]),
    ),
    min_size=2,
    max_size=30,
)


def _key(clip: Clip, grouped_by: str) -> str | None:
    return clip.speaker if grouped_by == "speakers" else clip.sentence


@settings(deadline=None)
@given(clips=any_clips, data=st.data(), k=st.integers(2, 6), seed=st.integers(0, 2**31))
def test_inner_folds_hold_out_every_index_once(clips, data, k: int, seed: int) -> None:
    indices = data.draw(st.lists(st.sampled_from(range(len(clips))), min_size=2, unique=True))
    inner = inner_folds(clips, indices, k, seed)
    held_out = Counter(i for _, part in inner.folds for i in part)
    assert held_out == Counter(indices)
    assert 2 <= len(inner.folds) <= k
    for train, part in inner.folds:
        assert train
        assert part
        assert sorted(train + part) == sorted(indices)
        if inner.grouped_by != "clips":
            keys = [{_key(clips[i], inner.grouped_by) for i in side} for side in (train, part)]
            assert not keys[0] & keys[1]
    assert inner_folds(clips, indices, k, seed) == inner


def test_parts_of_several_corpora_share_none_of_them() -> None:
    sizes = {"one": 9, "two": 5, "three": 4, "four": 2}
    clips = [
        Clip(Path("x"), "x", emotion, f"{corpus}-{n % 2}", corpus)
        for corpus, size in sizes.items()
        for n in range(size)
        for emotion in ("happy", "sad")
    ]
    inner = inner_folds(clips, range(len(clips)), 3, 1, by_corpus=True)
    assert inner.grouped_by == "corpora"
    assert len(inner.folds) == 3
    for train, held_out in inner.folds:
        assert not {clips[i].corpus for i in train} & {clips[i].corpus for i in held_out}
    alone = [clip for clip in clips if clip.corpus == "one"]
    assert inner_folds(alone, range(len(alone)), 2, 1, by_corpus=True).grouped_by == "speakers"


@settings(deadline=None)
@given(
    clips=any_clips,
    fraction=st.floats(0.05, 0.5),
    seed=st.integers(0, 2**31),
)
def test_validation_split_parts_the_indices(clips, fraction: float, seed: int) -> None:
    indices = range(len(clips))
    train, validation = validation_split(clips, indices, fraction, seed)
    assert sorted(train + validation) == list(indices)
    assert train
    assert validation
    grouped_by = inner_folds(clips, indices, 2, seed).grouped_by
    if grouped_by != "clips":
        keys = [{_key(clips[i], grouped_by) for i in side} for side in (train, validation)]
        assert not keys[0] & keys[1]
    assert validation_split(clips, indices, fraction, seed) == (train, validation)


@settings(deadline=None)
@given(seed=st.integers(0, 2**31))
def test_inner_folds_never_see_a_test_speaker(seed: int) -> None:
    clips = [_clip(f"p{n}", e) for n in range(7) for e in ("happy", "sad", "happy", "sad")]
    for fold in protocol_folds("speakers", clips, seed=seed):
        tested = {clips[i].speaker for i in fold.test}
        for train, held_out in inner_folds(clips, fold.train, 3, seed).folds:
            assert not tested & {clips[i].speaker for i in (*train, *held_out)}
        for side in validation_split(clips, fold.train, 0.2, seed):
            assert not tested & {clips[i].speaker for i in side}


def test_how_they_are_grouped() -> None:
    many = [_clip(s, e) for s in ("ann", "bob") for e in ("happy", "sad")]
    words = [_clip("ann", e, w) for w in ("back", "bar", "base") for e in ("happy", "sad")]
    plain = [_clip("ann", e) for e in ("happy", "sad", "happy", "sad")]
    unknown = [_clip(s, e) for s in ("ann", "bob", "unknown") for e in ("happy", "sad")]
    one_word = [_clip("ann", e, "back") for e in ("happy", "sad", "happy", "sad")]
    for clips, grouped_by, n_folds in (
        (many, "speakers", 2),
        (words, "sentences", 3),
        (plain, "clips", 4),
        (unknown, "clips", 5),
        (one_word, "clips", 4),
    ):
        inner = inner_folds(clips, range(len(clips)), 5, 0)
        assert (inner.grouped_by, len(inner.folds)) == (grouped_by, n_folds)


@pytest.mark.parametrize("seed", range(5))
def test_mixed_parts_have_every_speaker_and_as_many_clips_of_a_class(seed: int) -> None:
    clips = [
        _clip(f"p{n}", e, word)
        for n in range(4)
        for e in ("happy", "sad", "angry")
        for word in 9 * ["back"] + 9 * ["bar"]
    ]
    inner = inner_folds(clips, range(len(clips)), 3, seed, speaker_dependent=True)
    _, validation = validation_split(clips, range(len(clips)), 1 / 3, seed, speaker_dependent=True)
    assert inner.grouped_by == "clips"
    for part in (*(held_out for _, held_out in inner.folds), validation):
        assert Counter(clips[i].emotion for i in part) == {"happy": 24, "sad": 24, "angry": 24}
        assert len({clips[i].speaker for i in part}) == 4


@pytest.mark.parametrize("seed", range(5))
def test_speakers_are_balanced_in_clips_and_sex(seed: int) -> None:
    clips = [
        _clip(f"p{n}", e, sex=("female", "male")[n % 2])
        for n in range(20)
        for e in 5 * ["happy", "sad"]
    ]
    for _, held_out in inner_folds(clips, range(len(clips)), 5, seed).folds:
        assert len(held_out) == 40
        assert Counter(clips[i].sex for i in held_out) == {"female": 20, "male": 20}
    _, validation = validation_split(clips, range(len(clips)), 0.2, seed)
    assert len(validation) == 40
    assert Counter(clips[i].sex for i in validation) == {"female": 20, "male": 20}


@pytest.mark.parametrize("seed", range(5))
def test_a_class_of_two_speakers_is_in_both_parts(seed: int) -> None:
    clips = [_clip(f"p{n}", e) for n in range(8) for e in ("happy", "sad")]
    clips += [_clip("p0", "angry"), _clip("p5", "angry")]
    for side in validation_split(clips, range(len(clips)), 0.25, seed):
        assert {clips[i].emotion for i in side} == {"happy", "sad", "angry"}
    for train, _ in inner_folds(clips, range(len(clips)), 4, seed).folds:
        assert {clips[i].emotion for i in train} == {"happy", "sad", "angry"}


def test_the_seed_changes_the_split() -> None:
    clips = [_clip(f"p{n}", e) for n in range(12) for e in ("happy", "sad")]
    splits = {validation_split(clips, range(24), 0.2, seed) for seed in range(8)}
    assert len(splits) > 1
    assert len({inner_folds(clips, range(24), 3, seed).folds for seed in range(8)}) > 1


def test_single_clips_of_every_class_can_still_be_split() -> None:
    clips = [_clip("ann", "happy"), _clip("ann", "sad")]
    train, validation = validation_split(clips, (0, 1), 0.2, 0)
    assert sorted((len(train), len(validation))) == [1, 1]


@pytest.mark.parametrize("indices", [(), (0,)])
def test_too_few_clips(indices: tuple[int, ...]) -> None:
    clips = [_clip("ann", "happy")]
    with pytest.raises(DataError, match="too few to be split"):
        inner_folds(clips, indices, 3, 0)
    with pytest.raises(DataError, match="too few to be split"):
        validation_split(clips, indices, 0.2, 0)


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=12),
    n_parts=st.integers(1, 5),
    seed=st.one_of(st.none(), st.integers(0, 100)),
)
def test_dealt_groups_fill_every_part_evenly(sizes: list[int], n_parts: int, seed) -> None:
    groups = [str(g) for g, size in enumerate(sizes) for _ in range(size)]
    rng = None if seed is None else np.random.default_rng(seed)
    part_of = assign_groups(groups, [None] * len(groups), n_parts, rng)
    totals = [0] * n_parts
    for group in groups:
        totals[part_of[group]] += 1
    assert (0 in totals) == (len(sizes) < n_parts)
    assert max(totals) - min(totals) <= max(sizes)


@settings(deadline=None)
@given(labels=st.lists(st.sampled_from("abc"), min_size=1, max_size=40), n_parts=st.integers(1, 6))
def test_dealt_clips_are_stratified(labels: list[str], n_parts: int) -> None:
    parts = assign_clips(labels, n_parts, np.random.default_rng(0))
    for positions in (
        [*range(len(labels))],
        *([i for i, x in enumerate(labels) if x == c] for c in "abc"),
    ):
        counts = [sum(parts[i] == part for i in positions) for part in range(n_parts)]
        assert max(counts) - min(counts) <= 1
