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

_CORPORA = {
    corpus.name: corpus
    for corpus in (RAVDESS, RAVDESS_SONG, CREMA_D, EMODB, SAVEE, TESS, FOLDERS, MANIFEST)
}
#: All corpora, those with names of their own for clips first: a folder tree fits almost anything.
CORPORA: Mapping[str, Corpus] = MappingProxyType(_CORPORA)


def register_corpus(corpus: Corpus) -> None:
    """Add a corpus, which recipes may then name under ``data.corpus``.

    Raises
    ------
    ValueError
        There is a corpus of this name.
    """
    if corpus.name in _CORPORA:
        raise ValueError(f"there is a corpus {corpus.name!r} already")
    _CORPORA[corpus.name] = corpus
    for own in (FOLDERS, MANIFEST):
        _CORPORA[own.name] = _CORPORA.pop(own.name)


def get_corpus(name: str) -> Corpus:
    """Return the corpus called `name`; raises `DataError` naming those there are."""
    if name not in CORPORA:
        raise DataError(f"there is no corpus {name!r}: use one of {', '.join(CORPORA)}")
    return CORPORA[name]


def scan_corpus(name: str, root: Path) -> Scan:
    """Find the clips of the corpus `name` below `root`; raises what `scan` raises."""
    return scan(get_corpus(name), root, others=CORPORA.values())
