"""The corpora that the toolkit knows, by name."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from ..audio_files import audio_files
from ..clip import EMOTIONS
from ..errors import DataError
from .corpus import Corpus, Scan, scan
from .crema_d import CREMA_D
from .emodb import EMODB
from .emovo import EMOVO
from .nemo import NEMO
from .own.folders import FOLDERS
from .own.manifest import MANIFEST
from .ravdess import RAVDESS, RAVDESS_SONG
from .savee import SAVEE
from .tess import TESS

_CORPORA = {
    corpus.name: corpus
    for corpus in (
        *(RAVDESS, RAVDESS_SONG, CREMA_D, EMODB, SAVEE, TESS, NEMO, EMOVO),
        *(FOLDERS, MANIFEST),
    )
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


def corpus_at(root: Path) -> Corpus:
    """Return the corpus that a path seems to hold, which no name was given for.

    A file is a manifest, as is a folder with a ``manifest.csv``. A folder is the first corpus that
    half of its audio files are named as in; a tree of folders named by emotion comes first, and
    where nothing fits.

    Raises
    ------
    DataError
        The folder is missing or cannot be read.
    """
    if root.is_file() or (root / "manifest.csv").is_file():
        return MANIFEST
    names = [PurePosixPath(file.name) for file in audio_files(root)]
    for corpus in (FOLDERS, *CORPORA.values()):
        parsed = [corpus.parse(name) for name in names]
        alike = sum(labels is not None and labels.emotion in EMOTIONS for labels in parsed)
        if alike and 2 * alike >= len(names):
            return corpus
    return FOLDERS
