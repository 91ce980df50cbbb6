"""Frames of files that were extracted before, kept on disk."""

import hashlib
import logging
import os
import threading
import zipfile
from functools import cache
from pathlib import Path

import numpy as np

from ..frames import Frames
from ..settings.extraction import FeatureSettings
from ..spectral.filterbanks import FilterBanks

_LOG = logging.getLogger(__name__)

# The packages that decide what comes out of a file: a change in any makes all entries stale.
_SOURCES = ("audio", "encoder", "extraction", "settings", "spectral", "vad")


@cache
def features_version() -> str:
    """Return a digest of the source of the extraction, so that changed code finds no old entry."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    for path in sorted(path for name in _SOURCES for path in (root / name).rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode())
        # Line ends differ between checkouts of the same source.
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def extraction_key(settings: FeatureSettings, banks: FilterBanks) -> str:
    """Return a digest of all that frames depend on besides the file: settings, banks, code."""
    digest = hashlib.sha256(features_version().encode())
    # Which encoder it is its checksum tells, wherever it lies.
    left_out = {"model"} if settings.has_encoder else True
    told = settings.model_dump_json(exclude={"normalisation": True, "encoder": left_out})
    digest.update(told.encode())
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
        digest = hashlib.sha256(extraction.encode())
        with Path(path).open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
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
        path = self._path(key)
        temporary = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                np.savez(file, values=frames.values, timing=np.array([frames.rate, frames.start]))
            temporary.replace(path)
        except OSError as error:
            self.note = (
                f"The feature cache {self.folder} cannot be written to ({error.strerror}); "
                "features are extracted anew each time until there is room."
            )
            _LOG.warning(self.note)
            _remove(temporary)

    def _path(self, key: str) -> Path:
        # A folder of 256 folders: some file systems are slow with many files in one.
        return self.folder / key[:2] / f"{key[2:]}.npz"


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        _LOG.debug("left behind: %s", path)
