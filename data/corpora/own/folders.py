"""A folder an emotion: any collection of recordings sorted into folders by hand."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from ..corpus import ClipLabels, own_corpus
from ..emotion_names import canonical_emotion

#: Folders that split a collection into parts for training and for tests.
SPLITS = frozenset(
    ("train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval")
)
# Those, and folders that hold files: nobody's name, and no emotion.
_NO_NAMES = SPLITS | {"wav", "audio"}


@dataclass(frozen=True, slots=True)
class FolderNames:
    """The folders of a path: the one that gives the label, those above it, those below it."""

    above: tuple[str, ...]
    label: str
    below: tuple[str, ...]

    @property
    def speaker(self) -> str | None:
        """Who speaks, as the folders say."""
        return next((name for name in self.below if name.casefold() not in _NO_NAMES), None)

    @property
    def split(self) -> str | None:
        """The part of a given split that the recording is in."""
        folders = (*self.above, self.label, *self.below)
        return next((name.casefold() for name in folders if name.casefold() in SPLITS), None)


def folder_names(path: PurePosixPath) -> FolderNames | None:
    """Return what the folders of a path below the root are; None where it has none.

    The nearest folder above the file whose name is a word for an emotion gives the label; where
    there is none, the first does that may be the name of anything.
    """
    folders = path.parts[:-1]
    if not folders:
        return None
    emotions = (i for i in reversed(range(len(folders))) if canonical_emotion(folders[i]))
    others = (i for i, name in enumerate(folders) if name.casefold() not in _NO_NAMES)
    depth = next(emotions, next(others, 0))
    return FolderNames(folders[:depth], folders[depth], folders[depth + 1 :])


def _parse(path: PurePosixPath) -> ClipLabels | None:
    """Read ``.../emotion/x.wav`` or ``.../emotion/speaker/x.wav``."""
    names = folder_names(path)
    if names is None:
        return None
    return ClipLabels(canonical_emotion(names.label) or names.label, names.speaker)


FOLDERS = own_corpus(
    name="folders",
    title="folders named by emotion",
    instructions="sort your recordings into EMOTION/ or EMOTION/SPEAKER/ folders",
    parse=_parse,
)
