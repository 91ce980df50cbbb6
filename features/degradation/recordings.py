"""A folder of recordings of noise, held in memory."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..audio.reading import read_audio
from ..errors import AudioError
from ..frames import FloatArray

_LOG = logging.getLogger(__name__)
_FULL_SCALE = 32767.0


@dataclass(frozen=True, slots=True)
class NoiseRecordings:
    """Recordings at one rate; two bytes a sample, 115 MB an hour at 16 kHz.

    Attributes
    ----------
    recordings
        int16 ``[n]`` each, at its own full scale: its level is for the mixture to say.
    """

    recordings: tuple[NDArray[np.int16], ...] = ()

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.recordings)

    def __getitem__(self, number: int) -> FloatArray:
        """Return one of them, float32 ``[n]``."""
        return self.recordings[number].astype(np.float32)


def check_noise_folder(folder: Path) -> None:
    """Raise what `read_noise` raises for a folder without one file, before any work begins."""
    _noise_files(folder)


@lru_cache(maxsize=2)
def read_noise(folder: Path, rate: int) -> NoiseRecordings:
    """Return all recordings in a folder and below, in the order of their names, mono at `rate` Hz.

    Those that are silent, and files that are no recordings, are left out; hidden ones, too.

    Raises
    ------
    AudioError
        The folder is missing or none, or there is no recording in it.
    """
    files = _noise_files(folder)
    with ThreadPoolExecutor() as pool:
        recordings = [found for found in pool.map(lambda f: _read(f, rate), files) if found.any()]
    if not recordings:
        raise AudioError(
            f"augmentation.recorded_noise.folder: {folder} holds no recording that can be read and "
            "is not silent; give another."
        )
    return NoiseRecordings(tuple(recordings))


def _noise_files(folder: Path) -> Sequence[Path]:
    if not folder.is_dir():
        raise AudioError(
            f"augmentation.recorded_noise.folder: {folder} is no folder; give one with recordings "
            "of noise."
        )
    files = [
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(folder).parts)
    ]
    if not files:
        raise AudioError(
            f"augmentation.recorded_noise.folder: {folder} is empty; give one with recordings of "
            "noise."
        )
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix())


def _read(path: Path, rate: int) -> NDArray[np.int16]:
    """Return a recording at full scale; nothing where it cannot be read or is silent."""
    try:
        samples = read_audio(path, rate).samples
    except AudioError as error:
        _LOG.warning("Left out: %s", error)
        return np.zeros(0, dtype=np.int16)
    peak = np.abs(samples).max()
    return np.round(samples * (_FULL_SCALE / peak if peak else 0.0)).astype(np.int16)
