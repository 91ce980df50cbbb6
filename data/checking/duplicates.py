"""The same recording twice: sample by sample, or changed in level, rate, codec or ends."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .audio import SILENT_PEAK
from .collection import Entry
from .finding import Finding, KindName
from .sound import Fingerprint, Sound, Unreadable

#: Share of the bits that may differ between copies. Of other takes and words by the same
#: person at least 0.22 did, over RAVDESS and TESS; of copies through MP3, Opus and Vorbis, at
#: most 0.17.
MAX_BIT_ERRORS = 0.20
# Words that two recordings must have in common, at one distance in time, to be compared at all.
_MIN_WORDS = 1
# A word of so many recordings says nothing of which they are.
_MAX_HOLDERS = 32
# Frames that a comparison takes, and the share of the shorter and of the longer recording that
# they are: what was cut from a long recording is another clip.
_MIN_FRAMES, _MIN_OVERLAP, _MIN_OF_LONGER = 12, 0.6, 0.4

_Pairs = NDArray[np.int64]


def duplicate_findings(
    entries: Sequence[Entry], sounds: Sequence[Sound | Unreadable]
) -> Iterator[Finding]:
    """Yield each group of clips that hold the same recording.

    Silent clips are none: their audio is the same because there is none.
    """
    audible = [
        number
        for number, sound in enumerate(sounds)
        if isinstance(sound, Sound) and sound.peak >= SILENT_PEAK
    ]
    heard = [sounds[number] for number in audible]
    digests = [sound.digest for sound in heard if isinstance(sound, Sound)]
    prints = [sound.fingerprint for sound in heard if isinstance(sound, Sound)]
    first_of: dict[str, int] = {}
    pairs = []
    for number, digest in enumerate(digests):
        first = first_of.setdefault(digest, number)
        if first != number:
            pairs.append((first, number))
    # Equal samples need not be compared once more.
    different = sorted(first_of.values())
    near = near_duplicates([prints[number] for number in different])
    pairs += [(different[one], different[other]) for one, other in near]
    for group in _groups(pairs):
        exact = len({digests[number] for number in group}) == 1
        yield _finding([entries[audible[number]] for number in group], exact)


def near_duplicates(prints: Sequence[Fingerprint]) -> list[tuple[int, int]]:
    """Return the pairs of recordings that are copies of each other by their fingerprints."""
    return [
        (one, other)
        for one, other, shift in _candidates(prints)
        if bit_errors(prints[one], prints[other], shift) <= MAX_BIT_ERRORS
    ]


def bit_errors(one: Fingerprint, other: Fingerprint, shift: int) -> float:
    """Return the share of bits in which two fingerprints differ, 1 where too little overlaps.

    Parameters
    ----------
    shift
        Frames by which what is in `one` comes later in `other`.
    """
    first, stop = max(0, -shift), min(len(one), len(other) - shift)
    here, there = one[first:stop], other[first + shift : stop + shift]
    both = (here != 0) & (there != 0)
    shorter, longer = sorted((np.count_nonzero(one), np.count_nonzero(other)))
    count = int(both.sum())
    if count < max(_MIN_FRAMES, _MIN_OVERLAP * shorter, _MIN_OF_LONGER * longer):
        return 1.0
    differing = np.bitwise_xor(here[both], there[both])
    return float(np.unpackbits(differing.view(np.uint8)).sum()) / (32 * count)


def _candidates(prints: Sequence[Fingerprint]) -> Iterator[tuple[int, int, int]]:
    """Yield pairs of recordings that share words, and the shift at which most of these agree."""
    if not any(one.any() for one in prints):
        return
    lengths = [len(one) for one in prints]
    words = np.concatenate(prints)
    owners = np.repeat(np.arange(len(prints)), lengths)
    frames = np.concatenate([np.arange(length) for length in lengths])
    loud = words != 0
    words, owners, frames = words[loud], owners[loud], frames[loud]
    order = np.argsort(words, kind="stable")
    words, owners, frames = words[order], owners[order], frames[order]
    starts = np.flatnonzero(np.diff(words, prepend=words[:1] - 1) != 0)
    stops = np.append(starts[1:], len(words))
    shared: dict[tuple[int, int], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for start, stop in zip(starts, stops, strict=True):
        if not 2 <= stop - start <= _MAX_HOLDERS:
            continue
        for i in range(start, stop):
            for j in range(i + 1, stop):
                if owners[i] != owners[j]:
                    pair = int(owners[i]), int(owners[j])
                    shared[pair][int(frames[j] - frames[i])] += 1
    for (one, other), shifts in shared.items():
        best = max(shifts, key=lambda shift: shifts[shift])
        if shifts[best] >= _MIN_WORDS:
            yield one, other, best


def _groups(pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Return the connected numbers, each group in order."""
    leader: dict[int, int] = {}

    def find(number: int) -> int:
        while leader.setdefault(number, number) != number:
            number = leader[number]
        return number

    for one, other in pairs:
        low, high = sorted((find(one), find(other)))
        leader[high] = low
    groups: dict[int, list[int]] = defaultdict(list)
    for number in sorted(leader):
        groups[find(number)].append(number)
    return list(groups.values())


def _finding(group: Sequence[Entry], exact: bool) -> Finding:
    labels = list(dict.fromkeys(entry.clip.emotion for entry in group))
    speakers = list(dict.fromkeys(entry.speaker for entry in group if entry.speaker))
    splits = list(dict.fromkeys(entry.split for entry in group if entry.split))
    kind: KindName = "duplicate"
    said = "the same samples" if exact else "the same recording, changed in level, codec or ends"
    for name, values in (("split", splits), ("speaker", speakers), ("label", labels)):
        if len(values) > 1:
            kind = _WORST[name]
            said += f"; {name}s {', '.join(values)}"
    names = tuple(entry.clip.name for entry in group)
    return Finding(kind, " = ".join(names), said, names)


_WORST: dict[str, KindName] = {
    "split": "duplicate-split",
    "speaker": "duplicate-speaker",
    "label": "duplicate-label",
}
