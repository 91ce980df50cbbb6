"""Splits of a training part: for out-of-fold outputs and for validation.

They are like the split into training and test: speakers are kept apart unless that split is
speaker-dependent.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator

from ..clip import Clip
from ..corpora.corpus import has_known_speaker
from ..errors import DataError
from .groups import assign_clips, assign_groups, assign_speakers, stratified_sample

Grouping = Literal["corpora", "speakers", "sentences", "clips"]
Split = tuple[tuple[int, ...], tuple[int, ...]]

# Parts are drawn a few times; the draw that lacks the fewest classes counts.
_N_DRAWS = 32


@dataclass(frozen=True, slots=True)
class InnerFolds:
    """Splits of a training part into a part to train on and a part held out.

    Every index is held out exactly once; `grouped_by` says what the parts never share.
    """

    grouped_by: Grouping
    folds: tuple[Split, ...]


def inner_folds(
    clips: Sequence[Clip],
    indices: Sequence[int],
    k: int,
    seed: int,
    *,
    speaker_dependent: bool = False,
    by_corpus: bool = False,
) -> InnerFolds:
    """Split the training `indices` `k` ways, each held out once, with like clips and sexes.

    The parts share no speaker. Where there is only one, or speakers are not known, they share no
    sentence instead; where sentences are not known either, clips of every class are spread evenly.

    Parameters
    ----------
    clips
        All clips.
    indices
        Those of the training part.
    k
        How many ways, at least 2; lowered to the number of speakers (or sentences, or clips).
    speaker_dependent
        Whether a speaker may be in both parts: then clips of every class are spread evenly.
    by_corpus
        Whether the parts share no corpus, where there are several.

    Raises
    ------
    DataError
        If there are fewer than two clips.
    """
    grouped = _group(clips, indices, speaker_dependent, by_corpus)
    n_parts = max(2, min(k, len(set(grouped.groups))))
    rng = np.random.default_rng(seed)
    best = _splits(indices, _assign_parts(grouped, n_parts, rng))
    for _ in range(_N_DRAWS - 1):
        if not _n_untrained(clips, best):
            break
        draw = _splits(indices, _assign_parts(grouped, n_parts, rng))
        best = min(best, draw, key=lambda splits: _n_untrained(clips, splits))
    return InnerFolds(grouped.by, tuple(best))


def validation_split(
    clips: Sequence[Clip],
    indices: Sequence[int],
    fraction: float,
    seed: int,
    *,
    speaker_dependent: bool = False,
) -> Split:
    """Split the training `indices` into a part to train on and about `fraction` to validate on.

    What the parts do not share is as in `inner_folds`, and both have every class wherever that is
    possible.

    Returns
    -------
    tuple
        The training indices and the validation indices, both ascending, neither empty.

    Raises
    ------
    DataError
        If there are fewer than two clips.
    """
    grouped = _group(clips, indices, speaker_dependent)
    rng = np.random.default_rng(seed)
    if grouped.by == "clips":
        return _hold_out(indices, _draw_clips(grouped, fraction, rng))
    draws = [_hold_out(indices, _draw_groups(grouped, fraction, rng)) for _ in range(_N_DRAWS)]
    target_size = fraction * len(indices)
    return min(
        draws,
        key=lambda split: (
            _n_untrained(clips, [split]),
            _n_untrained(clips, [split[::-1]]),
            abs(_fraction_of_women(clips, split[1]) - _fraction_of_women(clips, indices)),
            abs(len(split[1]) - target_size),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Groups:
    """What the parts must not share, and the group and emotion of every clip to be split."""

    by: Grouping
    clips: list[Clip]
    groups: list[str]
    emotions: list[str]


def _group(
    clips: Sequence[Clip],
    indices: Sequence[int],
    speaker_dependent: bool,
    by_corpus: bool = False,
) -> _Groups:
    if len(indices) < 2:
        raise DataError(
            f"the training part has {len(indices)} clip{'' if len(indices) == 1 else 's'}, "
            f"too few to be split for validation: add clips"
        )
    members = [clips[i] for i in indices]
    speakers = [clip.speaker for clip in members]
    sentences = [clip.sentence for clip in members if clip.sentence is not None]
    by: Grouping = "clips"
    groups = [str(i) for i in indices]
    if not speaker_dependent:
        if by_corpus and len({clip.corpus for clip in members}) > 1:
            by, groups = "corpora", [clip.corpus for clip in members]
        elif len(set(speakers)) > 1 and all(map(has_known_speaker, members)):
            by, groups = "speakers", speakers
        elif len(sentences) == len(members) and len(set(sentences)) > 1:
            by, groups = "sentences", sentences
    return _Groups(by, members, groups, [clip.emotion for clip in members])


def _assign_parts(grouped: _Groups, n_parts: int, rng: Generator) -> list[int]:
    """Return a part, from 0, for every clip."""
    if grouped.by == "clips":
        return assign_clips(grouped.emotions, n_parts, rng)
    if grouped.by == "speakers":
        part_of = assign_speakers(grouped.clips, n_parts, rng)
    else:
        part_of = assign_groups(grouped.groups, [None] * len(grouped.groups), n_parts, rng)
    return [part_of[group] for group in grouped.groups]


def _draw_clips(grouped: _Groups, fraction: float, rng: Generator) -> set[int]:
    """Return the positions of the clips to hold out."""
    positions = set(stratified_sample(grouped.emotions, fraction, rng))
    # Where every class has a single clip, some class has to go untrained.
    return positions or {int(rng.integers(len(grouped.emotions)))}


def _draw_groups(grouped: _Groups, fraction: float, rng: Generator) -> set[int]:
    """Return the positions of whole groups: as many as come near to `fraction`, never all."""
    sizes = Counter(grouped.groups)
    names = sorted(sizes)
    order = [names[i] for i in rng.permutation(len(names))]
    target_size = fraction * len(grouped.groups)
    held_out, size = {order[0]}, sizes[order[0]]
    for name in order[1:-1]:
        if abs(size + sizes[name] - target_size) < abs(size - target_size):
            held_out.add(name)
            size += sizes[name]
    return {position for position, group in enumerate(grouped.groups) if group in held_out}


def _hold_out(indices: Sequence[int], positions: set[int]) -> Split:
    parts = [0 if position in positions else 1 for position in range(len(indices))]
    return _splits(indices, parts)[0]


def _splits(indices: Sequence[int], parts: Sequence[int]) -> list[Split]:
    """Return a split for every part, held out in turn; indices ascend."""
    part_of = sorted(zip(indices, parts, strict=True))
    return [
        (
            tuple(i for i, part in part_of if part != held_out),
            tuple(i for i, part in part_of if part == held_out),
        )
        for held_out in range(max(parts) + 1)
    ]


def _n_untrained(clips: Sequence[Clip], splits: Sequence[Split]) -> int:
    """Count the classes that a split holds out but does not train, over all splits."""
    return sum(
        len({clips[i].emotion for i in held_out} - {clips[i].emotion for i in train})
        for train, held_out in splits
    )


def _fraction_of_women(clips: Sequence[Clip], indices: Sequence[int]) -> float:
    """Return the fraction to one decimal, so that small differences leave the size to decide."""
    sexes = [clips[i].sex for i in indices if clips[i].sex is not None]
    return round(sexes.count("female") / len(sexes), 1) if sexes else 0.5
