"""The corpora that the toolkit knows, by name."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from ..errors import DataError
from .corpus import Corpus, Scan, scan
from .crema_d import CREMA_D
from .emodb import EMODB
from .folders import FOLDERS
from .manifest import MANIFEST
from .ravdess import RAVDESS, RAVDESS_SONG
from .savee import SAVEE
from .tess import TESS

# Those that are told by their file names come first: a folder tree fits almost anything.
CORPORA: Mapping[str, Corpus] = MappingProxyType(
    {
        corpus.name: corpus
        for corpus in (RAVDESS, RAVDESS_SONG, CREMA_D, EMODB, SAVEE, TESS, FOLDERS, MANIFEST)
    }
)


def corpus(name: str) -> Corpus:
    """Return the corpus called `name`; raises `DataError` naming those there are."""
    if name not in CORPORA:
        raise DataError(f"there is no corpus {name!r}: use one of {', '.join(CORPORA)}")
    return CORPORA[name]


def load(name: str, root: Path) -> Scan:
    """Find the clips of the corpus `name` below `root`; raises what `data.corpus.scan` raises."""
    return scan(corpus(name), root, others=CORPORA.values())
