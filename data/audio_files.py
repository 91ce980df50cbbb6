"""The audio files below a folder, found by name alone."""

import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .errors import DataError

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


def audio_files(root: Path) -> list[AudioFile]:
    """Return the audio files at any depth below `root`, sorted by name.

    Hidden files and folders are passed over (so are the ``._`` files of macOS). Links to folders
    are followed, but no folder is read twice, so that a loop ends.

    Raises
    ------
    DataError
        If `root` is missing, no folder, or cannot be read.
    """
    if not root.exists():
        raise DataError(f"{root} does not exist: give the folder that holds the corpus")
    if not root.is_dir():
        raise DataError(f"{root} is not a folder: give the folder that holds the corpus")
    files: list[AudioFile] = []
    visited: set[tuple[int, int]] = set()
    folders = deque([root])
    # Links wait until all real folders are read: a folder reached both ways keeps its real name.
    links: deque[Path] = deque()
    while folders or links:
        folder = folders.popleft() if folders else links.popleft()
        status = folder.stat()
        if (status.st_dev, status.st_ino) in visited:
            continue
        visited.add((status.st_dev, status.st_ino))
        for entry in _visible_entries(folder):
            if _holds(entry.is_dir):
                (links if entry.is_symlink() else folders).append(Path(entry.path))
            elif _has_audio_extension(entry.name) and _holds(entry.is_file):
                path = Path(entry.path)
                files.append(AudioFile(path, _printable(path.relative_to(root))))
    return sorted(files, key=lambda file: file.name)


def _visible_entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        raise DataError(
            f"{folder} cannot be read ({error.strerror}): check its permissions"
        ) from error
    return sorted(visible, key=lambda entry: entry.name)


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
