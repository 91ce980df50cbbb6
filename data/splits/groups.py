"""Assigning groups of clips, such as speakers, to parts of about equal size."""

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.random import Generator

from ..clip import Clip


def assign_groups(
    groups: Sequence[str],
    kinds: Sequence[Hashable],
    n_parts: int,
    rng: Generator | None = None,
) -> dict[str, int]:
    """Assign every group to one of `n_parts` parts.

    The largest go first, each to the part where the fewest items are, those of its own kind
    counted twice: so the parts become alike in size and, where sizes allow, in kinds.

    Parameters
    ----------
    groups
        The group of every item.
    kinds
        The kind of every item's group (the speaker's sex), as long as `groups`.
    rng
        Decides between groups of one size; without it their names do.

    Returns
    -------
    dict
        The part, from 0, of every group.
    """
    sizes = Counter(groups)
    kind_of = dict(zip(groups, kinds, strict=True))
    names = sorted(sizes)
    if rng is not None:
        names = [names[i] for i in rng.permutation(len(names))]
    names.sort(key=lambda name: -sizes[name])
    total = [0] * n_parts
    by_kind: Counter[tuple[int, Hashable]] = Counter()
    part_of: dict[str, int] = {}
    for name in names:
        kind = kind_of[name]
        part = min(range(n_parts), key=lambda p: (by_kind[p, kind] + total[p], p))
        part_of[name] = part
        by_kind[part, kind] += sizes[name]
        total[part] += sizes[name]
    return part_of


def assign_speakers(
    clips: Sequence[Clip], n_parts: int, rng: Generator | None = None
) -> dict[str, int]:
    """Assign the speakers of each corpus evenly to the parts; return the part of every speaker.

    Each corpus is split on its own: together, two speakers of TESS would outweigh all of RAVDESS.
    `rng` is that of `assign_groups`.
    """
    corpus_of: dict[str, str] = {}
    for clip in clips:  # two corpora may be recorded with the same people
        corpus_of[clip.speaker] = min(clip.corpus, corpus_of.get(clip.speaker, clip.corpus))
    sizes = Counter(corpus_of[clip.speaker] for clip in clips)
    part_of: dict[str, int] = {}
    total = [0] * n_parts
    for corpus in sorted(sizes, key=lambda name: (-sizes[name], name)):
        members = [clip for clip in clips if corpus_of[clip.speaker] == corpus]
        parts = assign_groups(
            [clip.speaker for clip in members], [clip.sex for clip in members], n_parts, rng
        )
        size = Counter(parts[clip.speaker] for clip in members)
        target = list(range(n_parts))
        if part_of:  # the largest of this corpus's parts to where the fewest clips are
            largest_first = sorted(range(n_parts), key=lambda part: -size[part])
            smallest_first = sorted(range(n_parts), key=lambda part: total[part])
            target = [smallest_first[largest_first.index(part)] for part in range(n_parts)]
        for part in range(n_parts):
            total[target[part]] += size[part]
        part_of |= {speaker: target[part] for speaker, part in parts.items()}
    return part_of


def assign_clips(labels: Sequence[str], n_parts: int, rng: Generator) -> list[int]:
    """Return a part from 0 for every clip, each label's clips spread evenly over the parts."""
    parts = np.zeros(len(labels), dtype=int)
    start = 0
    for label in sorted(set(labels)):
        members = rng.permutation([i for i, other in enumerate(labels) if other == label])
        # Going on where the last label stopped keeps the parts equal in size.
        parts[members] = (start + np.arange(len(members))) % n_parts
        start += len(members)
    return [int(part) for part in parts]


def stratified_sample(labels: Sequence[str], fraction: float, rng: Generator) -> list[int]:
    """Return the indices of about this fraction of every label's clips, drawn at random.

    A label with two clips or more gives at least one and keeps at least one; a single clip is
    never taken.
    """
    sample: list[int] = []
    for label in sorted(set(labels)):
        members = rng.permutation([i for i, other in enumerate(labels) if other == label])
        count = min(len(members) - 1, max(1, round(fraction * len(members))))
        sample.extend(int(i) for i in members[:count])
    return sorted(sample)


def speaker_names(clips: Sequence[Clip]) -> list[str]:
    """Return the speakers of `clips`, each once, in order of name."""
    return sorted({clip.speaker for clip in clips})
