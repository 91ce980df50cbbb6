"""A folder an emotion: any collection of recordings sorted into folders by hand."""

from pathlib import PurePosixPath

from ..clip import EMOTIONS
from .corpus import ClipLabels, Corpus
from .emotion_names import canonical

# Folders that part a collection, or hold its files, and are nobody's name.
_NOT_SPEAKERS = frozenset(
    ("train", "training", "test", "testing", "val", "valid", "validation", "dev", "wav", "audio")
)


def _parse(path: PurePosixPath) -> ClipLabels | None:
    """Read ``.../emotion/x.wav`` or ``.../emotion/speaker/x.wav``.

    The nearest folder above the file whose name is a word for an emotion gives the label; where
    there is none, the top folder's own name does.
    """
    folders = path.parts[:-1]
    if not folders:
        return None
    at = next((i for i in reversed(range(len(folders))) if canonical(folders[i])), 0)
    below = [name for name in folders[at + 1 :] if name.casefold() not in _NOT_SPEAKERS]
    return ClipLabels(
        emotion=canonical(folders[at]) or folders[at],
        speaker=below[0] if below else None,
    )


FOLDERS = Corpus(
    name="folders",
    title="folders named by emotion",
    language=None,
    licence="that of your recordings",
    commercial=False,
    citation="",
    url="",
    labels={emotion: emotion for emotion in EMOTIONS},
    instructions="sort your recordings into EMOTION/ or EMOTION/SPEAKER/ folders",
    parse=_parse,
)
