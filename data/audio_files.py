"""The audio files of a corpus, found by name alone, and all recordings below a folder."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from .errors import DataError
from .media_kinds import is_media

_COMMON_EXTENSIONS = frozenset(
    ("aif", "aifc", "aiff", "au", "caf", "flac", "mp3", "oga", "ogg", "opus", "snd", "wav", "wave")
)


@dataclass(frozen=True, slots=True)
class AudioFile:
    """An audio file: where it lies, and its path below the root that was searched.

    `name` has forward slashes and is fit to be printed and written as UTF-8.
    """

    path: Path
    name: str


@cache
def audio_extensions() -> frozenset[str]:
    """Return the extensions that libsndfile may read, in lower case and without the dot."""
    import soundfile

    formats = {name.lower() for name in soundfile.available_formats()}
    # Files without a header cannot be read unless somebody says what they are.
    return _COMMON_EXTENSIONS | (formats - {"raw"})


@dataclass(frozen=True, slots=True)
class Recordings:
    """The recordings below a folder, and how many files there are besides them.

    Those are text, pictures and the like, and hidden files. Of each folder below that cannot be
    read, `problems` has the sentence that says so.
    """

    files: tuple[AudioFile, ...]
    n_others: int
    problems: Mapping[Path, str] = field(default_factory=dict)


def audio_files(root: Path) -> list[AudioFile]:
    """Return the files at any depth below `root` that libsndfile may read, sorted by name.

    That is what corpora are made of, and no file is opened. Hidden files and folders are passed
    over (so are the ``._`` files of macOS). Links to folders are followed, but no folder is read
    twice, so that a loop ends.

    Raises
    ------
    DataError
        If `root` is missing, no folder, or it or a folder below cannot be read.
    """
    files = (entry for entry in _files(root) if not _is_hidden(entry))
    return _sorted(root, (entry for entry in files if _has_audio_extension(entry.name)))


def recordings(root: Path) -> Recordings:
    """Return everything below `root` that is audio or video by its name or its first bytes.

    Hidden files and folders are passed over, and links followed as in `audio_files`. Whether a
    file can be decoded is not asked.

    Raises
    ------
    DataError
        If `root` is missing, no folder, or cannot be read.
    """
    problems: dict[Path, str] = {}
    entries = list(_files(root, problems))
    found = [
        entry
        for entry in entries
        if not _is_hidden(entry) and (_has_audio_extension(entry.name) or is_media(Path(entry)))
    ]
    return Recordings(tuple(_sorted(root, found)), len(entries) - len(found), problems)


def _sorted(root: Path, entries: Iterable[os.DirEntry[str]]) -> list[AudioFile]:
    paths = (Path(entry.path) for entry in entries)
    files = [AudioFile(path, _printable(path.relative_to(root))) for path in paths]
    return sorted(files, key=lambda file: file.name)


def _files(root: Path, problems: dict[Path, str] | None = None) -> Iterator[os.DirEntry[str]]:
    """Yield all files below `root`, hidden ones too, but not those in hidden folders.

    Folders below that cannot be read go into `problems`, or are an error where that is None.
    """
    if not root.exists():
        raise DataError(f"{root} does not exist: give the folder that holds the corpus")
    if not root.is_dir():
        raise DataError(f"{root} is not a folder: give the folder that holds the corpus")
    visited: set[tuple[int, int]] = set()
    folders = deque([root])
    # Links wait until all real folders are read: a folder reached both ways keeps its real name.
    links: deque[Path] = deque()
    while folders or links:
        folder = folders.popleft() if folders else links.popleft()
        try:
            status, entries = _entries(folder)
        except DataError as error:
            if problems is None or folder == root:
                raise
            problems[folder] = f"{error}."
            continue
        if (status.st_dev, status.st_ino) in visited:
            continue
        visited.add((status.st_dev, status.st_ino))
        for entry in entries:
            if not _holds(entry.is_dir):
                if _holds(entry.is_file):
                    yield entry
            elif not _is_hidden(entry):
                (links if entry.is_symlink() else folders).append(Path(entry.path))


def _is_hidden(entry: os.DirEntry[str]) -> bool:
    return entry.name.startswith(".")


def _entries(folder: Path) -> tuple[os.stat_result, list[os.DirEntry[str]]]:
    try:
        status = folder.stat()
        with os.scandir(folder) as found:
            entries = list(found)
    except OSError as error:
        raise DataError(
            f"{folder} cannot be read ({error.strerror}): check its permissions"
        ) from error
    return status, sorted(entries, key=lambda entry: entry.name)


def _holds(test: Callable[[], bool]) -> bool:
    try:
        return test()
    except OSError:  # a link to itself
        return False


def _has_audio_extension(name: str) -> bool:
    return Path(name).suffix[1:].lower() in audio_extensions()


def _printable(relative: Path) -> str:
    # A name that is not UTF-8 would break every report that prints it.
    return os.fsencode(relative.as_posix()).decode("utf-8", "replace")
