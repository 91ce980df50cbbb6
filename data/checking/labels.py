"""What is wrong with the labels: words that are none, two ways to write one, too few clips."""

import difflib
from collections import defaultdict
from collections.abc import Iterator, Sequence

from ..corpora.emotion_names import canonical_emotion
from .audio import Limits
from .collection import Entry
from .emotion_words import meant_emotions
from .finding import Finding, count

_NEARNESS = 0.8


def label_findings(entries: Sequence[Entry], speaker_labels: set[str]) -> Iterator[Finding]:
    """Yield the labels that look like others, and those that are the user's own words.

    Parameters
    ----------
    speaker_labels
        Labels that are rather the names of speakers, of which nothing more is said.
    """
    clips: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        if entry.label not in speaker_labels:
            clips[entry.label].append(entry.clip.name)
    meant = meant_emotions(clips)
    own = [label for label in sorted(clips) if canonical_emotion(label) is None]
    for label in own:
        names = tuple(clips[label])
        if label in meant:
            said = f"{count(names)} in a class of their own; perhaps {meant[label]}"
            yield Finding("label", label, said, names)
            continue
        others = [other for other in own if other != label and len(clips[other]) >= len(names)]
        near = _near(label, [other for other in others if other not in meant])
        if near is not None:
            said = f"{count(names)} in a class of their own; perhaps {near}"
            yield Finding("label", label, said, names)
        else:
            yield Finding("own-class", label, count(names), names)
    yield from _written_two_ways(clips)


def _written_two_ways(clips: dict[str, list[str]]) -> Iterator[Finding]:
    """Yield the words that are read as an emotion which another word stands for as well."""
    words: dict[str, list[str]] = defaultdict(list)
    for label in clips:
        emotion = canonical_emotion(label)
        if emotion is not None:
            words[emotion].append(label)
    for emotion, written in words.items():
        usual = max(written, key=lambda label: (len(clips[label]), label == emotion))
        for label in sorted(written):
            if label != usual:
                names = tuple(clips[label])
                said = f"{count(names)}, read as {emotion} like those of {usual}: write it one way"
                yield Finding("label", label, said, names)


def class_findings(entries: Sequence[Entry], limits: Limits) -> Iterator[Finding]:
    """Yield the classes with too few clips, and those that a single one of many speakers has."""
    clips: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        clips[entry.clip.emotion].append(entry)
    n_speakers = len({entry.speaker for entry in entries if entry.speaker})
    for emotion, members in sorted(clips.items()):
        names = tuple(entry.clip.name for entry in members)
        speakers = {entry.speaker for entry in members}
        if len(members) < limits.clips:
            few = f"{count(names)}, fewer than {limits.clips}"
            yield Finding("few-clips", emotion, few, names)
        elif n_speakers > 2 and len(speakers) == 1 and None not in speakers:
            (speaker,) = speakers
            yield Finding("few-clips", emotion, f"all of one speaker, {speaker}", names)


def _near(label: str, others: Sequence[str]) -> str | None:
    folded = {other.casefold().strip(): other for other in others}
    near = difflib.get_close_matches(label.casefold().strip(), folded, n=1, cutoff=_NEARNESS)
    return folded[near[0]] if near else None
