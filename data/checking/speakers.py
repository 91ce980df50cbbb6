"""Speakers: one under two names, folders that are speakers, voices in two parts of a split."""

import difflib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from ..corpora.emotion_names import canonical_emotion
from .collection import Entry
from .finding import Finding, count

# speaker_03, Actor 7, spk12, S01, P4, F2, m_1, subject-9 and plain numbers.
_SPEAKER_ID = re.compile(
    r"(?:(?:speaker|spk|spkr|actor|actress|subject|subj|person|voice|talker|participant|user|"
    r"sprecher|schauspieler|locutor|s|p|f|m|v)[\s_.-]*)?\d{1,4}",
    re.IGNORECASE,
)
# What a copy's name ends in: anna_1, anna (2), anna copy.
_COPY = re.compile(r"(?:[\s_.-]*\(?\d{1,2}\)?|[\s_.-]+(?:copy|kopie|new|neu|old|alt|bis))$")
_MIN_LETTERS, _NEARNESS = 6, 0.87


def name_findings(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Yield the names of speakers that look like that of another with more clips."""
    clips: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        if entry.speaker is not None:
            clips[entry.speaker].append(entry.clip.name)
    # Their names by how these look, of several the one with the most clips.
    before: dict[str, str] = {}
    plain = {name: _plain(name) for name in clips}
    everyone = {plain[name]: name for name in sorted(clips, key=lambda name: len(clips[name]))}
    for name in sorted(clips, key=lambda name: (len(clips[name]), name), reverse=True):
        other = before.get(plain[name]) or _near(plain[name], before) or _copied(name, everyone)
        if other is not None:
            said = f"{count(clips[name])}; perhaps the speaker {other} ({count(clips[other])})"
            yield Finding("speaker-name", name, said, tuple(clips[name]))
        before.setdefault(plain[name], name)


def unknown_findings(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Yield a note where it is not known who speaks."""
    unknown = tuple(entry.clip.name for entry in entries if entry.speaker is None)
    if unknown:
        said = f"of {len(unknown)} of {len(entries)} clips"
        yield Finding("unknown-speaker", "speakers", said, unknown)


def folder_findings(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Yield the folders that seem to be named by speaker where an emotion is looked for."""
    yield from _folders_above(entries)
    labels = speaker_labels(entries)
    for label in sorted(labels):
        names = tuple(entry.clip.name for entry in entries if entry.label == label)
        said = f"{count(names)} read as of the emotion {label!r}"
        yield Finding("speaker-folder", label, f"{said}: {labels[label]}", names)


def speaker_labels(entries: Sequence[Entry]) -> Mapping[str, str]:
    """Return the labels that look like the names of speakers, each with the reason."""
    clips: dict[str, list[Entry]] = defaultdict(list)
    speakers = {entry.speaker.casefold() for entry in entries if entry.speaker}
    for entry in entries:
        if canonical_emotion(entry.label) is None:
            clips[entry.label].append(entry)
    found: dict[str, str] = {}
    numbered = [label for label in clips if _SPEAKER_ID.fullmatch(label.strip())]
    for label, members in clips.items():
        named = [entry for entry in members if _emotions_in_name(entry)]
        if label.casefold() in speakers:
            found[label] = "elsewhere it is a speaker"
        elif len({_emotions_in_name(entry) for entry in named}) > 1 and 2 * len(named) > len(
            members
        ):
            found[label] = "the names of its files have the emotions"
        elif label in numbered and not _is_code(label, clips):
            found[label] = "it is named like a speaker"
    return found


def leak_findings(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Yield the speakers whose clips are in more than one part of a given split."""
    parts: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for entry in entries:
        if entry.speaker is not None and entry.split is not None:
            parts[entry.speaker][entry.split].append(entry.clip.name)
    for speaker, by_split in sorted(parts.items()):
        if len(by_split) > 1:
            said = ", ".join(f"{count(names)} in {split}" for split, names in by_split.items())
            fewest = min(by_split.values(), key=len)
            yield Finding("speaker-leak", speaker, said, tuple(fewest))


def _folders_above(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Yield the folders above those of emotions that hold several emotions each, as people do."""
    emotions: dict[str, set[str]] = defaultdict(set)
    clips: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        if entry.folders is None or entry.speaker is not None or not entry.folders.above:
            continue
        folder = entry.folders.above[-1]
        if folder.casefold() != entry.split:
            emotions[folder].add(entry.clip.emotion)
            clips[folder].append(entry.clip.name)
    several = [folder for folder in sorted(emotions) if len(emotions[folder]) > 1]
    if len(several) < 2:
        return
    for folder in several:
        said = f"{count(clips[folder])}; it lies above the emotions, and is not read"
        yield Finding("speaker-folder", folder, said, tuple(clips[folder]))


def _emotions_in_name(entry: Entry) -> str | None:
    """Return the emotion that a file's own name has."""
    words = re.split(r"[\W_\d]+", PurePosixPath(entry.clip.name).stem)
    return next((e for e in map(canonical_emotion, filter(_is_word, words)) if e), None)


def _is_word(text: str) -> bool:
    return len(text) > 2


def _is_code(label: str, labels: Mapping[str, object]) -> bool:
    """Say whether a number is rather the code of an emotion, as the eight of RAVDESS are."""
    numbers = [int(other) for other in labels if other.strip().isdigit()]
    return label.strip().isdigit() and bool(numbers) and max(numbers) <= 8


def _near(plain: str, others: Mapping[str, str]) -> str | None:
    """Return the first of the others, by how their names look, that `plain` nearly is."""
    if not _is_long_word(plain):
        return None
    matcher = difflib.SequenceMatcher(b=plain)
    for near, other in others.items():
        # Marie and Maria, Daniel and Daniela are two people.
        is_other = plain[:-1] == near[:-1] or plain == near[:-1] or near == plain[:-1]
        if is_other or not _is_long_word(near):
            continue
        matcher.set_seq1(near)
        if matcher.quick_ratio() >= _NEARNESS and matcher.ratio() >= _NEARNESS:
            return other
    return None


def _is_long_word(name: str) -> bool:
    return len(name) >= _MIN_LETTERS and not any(c.isdigit() for c in name)


def _copied(name: str, others: Mapping[str, str]) -> str | None:
    """Return the speaker whose name `name` is with a number or a word for a copy behind it."""
    base = _plain(_COPY.sub("", name.strip().casefold()))
    return others.get(base) if base != _plain(name) else None


def _plain(name: str) -> str:
    """Return a name without case, accents, separators and leading zeros."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(c for c in decomposed if c.isalnum())
    return re.sub(r"(?<!\d)0+(?=\d)", "", letters)
