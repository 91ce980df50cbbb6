"""A folder an emotion: any collection of recordings sorted into folders by hand."""

from pathlib import PurePosixPath

from ..corpus import ClipLabels, own_corpus
from ..emotion_names import canonical_emotion

# Folders that split a collection, or hold its files, and are nobody's name.
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
    depth = next((i for i in reversed(range(len(folders))) if canonical_emotion(folders[i])), 0)
    speakers = [name for name in folders[depth + 1 :] if name.casefold() not in _NOT_SPEAKERS]
    return ClipLabels(
        emotion=canonical_emotion(folders[depth]) or folders[depth],
        speaker=speakers[0] if speakers else None,
    )


FOLDERS = own_corpus(
    name="folders",
    title="folders named by emotion",
    instructions="sort your recordings into EMOTION/ or EMOTION/SPEAKER/ folders",
    parse=_parse,
)
