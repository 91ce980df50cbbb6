"""What is found in a collection of clips: faults to mend, and notes to know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

KindName = Literal[
    "unreadable",
    "truncated",
    "silent",
    "no-speech",
    "clipped",
    "too-short",
    "too-long",
    "duplicate-label",
    "duplicate-speaker",
    "duplicate-split",
    "duplicate",
    "label",
    "few-clips",
    "speaker-name",
    "speaker-folder",
    "speaker-leak",
    "manifest",
    "format",
    "unlabelled",
    "own-class",
    "unknown-speaker",
    "release",
    "rates",
]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding.

    Attributes
    ----------
    title
        What it is called in a report.
    cure
        What to do about it: one sentence.
    is_fault
        Whether it has to be mended; a note is only to be known.
    """

    title: str
    cure: str
    is_fault: bool = True


_ALIKE = "Keep one of them"
_KINDS: dict[KindName, Kind] = {
    "unreadable": Kind("Unreadable", "Copy or export them again, or take them out."),
    "truncated": Kind("Cut off", "Copy them again: a part of each file is missing."),
    "silent": Kind("Silent", "Take them out, or record them again."),
    "no-speech": Kind("Without speech", "Listen to them; take out what holds no voice."),
    "clipped": Kind("Clipped", "Record them at a lower level, or take them out."),
    "too-short": Kind("Too short", "Take them out: too little is said to show an emotion."),
    "too-long": Kind("Too long", "Cut them into utterances, each with its own label."),
    "duplicate-label": Kind(
        "The same audio under two labels", f"{_ALIKE}, under the label that is right."
    ),
    "duplicate-speaker": Kind(
        "The same audio under two speakers",
        f"{_ALIKE}; if the speakers are one, give them one name.",
    ),
    "duplicate-split": Kind(
        "The same audio in two parts of the split", f"{_ALIKE}: a test on it would be no test."
    ),
    "duplicate": Kind("The same audio twice", f"{_ALIKE}."),
    "label": Kind("Labels that look misspelt", "Rename them, or keep what is an emotion."),
    "few-clips": Kind("Classes with too few clips", "Add clips, merge the class, or leave it out."),
    "speaker-name": Kind(
        "Speakers who look like one", "Give a person one name: a test must not know the voice."
    ),
    "speaker-folder": Kind(
        "Folders that look like speakers", "Sort the clips into EMOTION/SPEAKER/ folders."
    ),
    "speaker-leak": Kind(
        "Speakers in two parts of the split", "Put each speaker into one part alone."
    ),
    "manifest": Kind("Lines of the manifest that cannot be used", "Mend or remove the lines."),
    "format": Kind("Files that no training reads", "Convert them to WAV or FLAC."),
    "unlabelled": Kind("Recordings without a label", "Sort them into a folder an emotion."),
    "own-class": Kind(
        "Classes of your own", "Nothing, if meant: no model that ships knows them.", is_fault=False
    ),
    "unknown-speaker": Kind(
        "Speakers not known",
        "Name the speakers: without them no test is on voices that were not trained on.",
        is_fault=False,
    ),
    "release": Kind("Known faults of the release", "Nothing: they are taken care of.", False),
    "rates": Kind("Mixed recordings", "Nothing, unless rates go with emotions.", False),
}
#: All kinds, in the order of a report.
KINDS: Mapping[KindName, Kind] = MappingProxyType(_KINDS)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was found.

    Attributes
    ----------
    subject
        What it is about: the clip or clips, the label, the speaker.
    message
        What is the matter with it, a phrase.
    clips
        The names of the clips that it concerns, each once.
    """

    kind: KindName
    subject: str
    message: str
    clips: tuple[str, ...] = ()

    @property
    def is_fault(self) -> bool:
        """Whether it has to be mended."""
        return KINDS[self.kind].is_fault


def count(clips: Sequence[str]) -> str:
    """Return how many clips there are, in words."""
    return f"{len(clips)} clip{'' if len(clips) == 1 else 's'}"
