"""Frames of files that were extracted before, kept on disk."""

import hashlib
import inspect
import logging
import uuid
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from ..atomic_files import replaced_file
from ..frames import Frames
from ..settings.extraction import FeatureSettings
from ..spectral.filterbanks import FilterBanks
from .streams import STREAMS

_LOG = logging.getLogger(__name__)

# What has no say in the frames of a file; a change in anything else makes all entries stale.
_WITHOUT_SAY = ("__main__.py", "augmentation", "degradation")


@cache
def features_version() -> str:
    """Return a digest of the source of the extraction, so that changed code finds no old entry."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root)
        if name.parts[0] not in _WITHOUT_SAY:
            digest.update(name.as_posix().encode())
            digest.update(_source(path))
    return digest.hexdigest()


def _source(path: Path) -> bytes:
    # Line ends differ between checkouts of the same source.
    return path.read_bytes().replace(b"\r\n", b"\n")


def _source_around(function: Callable[..., object]) -> bytes:
    """The file that a function stands in; something new each time where it stands in none."""
    try:
        return _source(Path(inspect.getfile(function)))
    except (OSError, TypeError):
        return uuid.uuid4().bytes


def extraction_key(settings: FeatureSettings, banks: FilterBanks) -> str:
    """Return a digest of all that frames depend on besides the file: settings, banks, code."""
    digest = hashlib.sha256(features_version().encode())
    # Which encoder it is its checksum says, wherever it lies.
    unused = {"model"} if settings.has_encoder else True
    digest.update(
        settings.model_dump_json(exclude={"normalisation": True, "encoder": unused}).encode()
    )
    # Streams that were registered from elsewhere are no part of `features_version`.
    for stream in settings.short_time:
        digest.update(_source_around(STREAMS[stream].compute))
    for name, array in sorted(banks.to_arrays().items()):
        digest.update(f"{name}{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


class FrameCache:
    """A folder of frames, an npz file an entry, that several processes may share.

    Entries are written under a temporary name and renamed. One that cannot be read is treated
    as missing. Where the folder cannot be written to (a full disk), the cache says so once in
    the log and in `note`, and goes on without writing.

    Parameters
    ----------
    folder
        Made when the first entry is written.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.note: str | None = None

    def key(self, path: str | Path, extraction: str) -> str:
        """Return the key of a file's frames: its content and `extraction_key`, not its name.

        Raises
        ------
        OSError, ValueError
            Where the file cannot be read or the path is none.
        """
        with Path(path).open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.sha256(extraction.encode()))
        return digest.hexdigest()

    def get(self, key: str) -> Frames | None:
        """Return the entry, None where there is none that can be read."""
        try:
            # Opened here: numpy leaves a file open that is not the archive it looks like.
            with self._path(key).open("rb") as file, np.load(file, allow_pickle=False) as entry:
                values = entry["values"]
                rate, start = entry["timing"].tolist()
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        if values.dtype != np.float32 or values.ndim != 2:
            return None
        return Frames(values, float(rate), float(start))

    def put(self, key: str, frames: Frames) -> None:
        """Keep an entry; where the disk refuses, take note of it and keep none from then on."""
        if self.note is not None:
            return
        timing = np.array([frames.rate, frames.start])
        try:
            with replaced_file(self._path(key)) as temporary:
                np.savez(temporary, values=frames.values, timing=timing)
        except OSError as error:
            self.note = (
                f"The feature cache {self.folder} cannot be written to ({error.strerror}); "
                "features are extracted anew each time until there is room."
            )
            _LOG.warning(self.note)

    def _path(self, key: str) -> Path:
        # A folder of 256 folders: some file systems are slow with many files in one.
        return self.folder / key[:2] / f"{key[2:]}.npz"
