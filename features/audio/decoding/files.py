"""Audio files as sources: what libsndfile reads, and where it refuses what FFmpeg does."""

import os
import re
from pathlib import Path

import numpy as np
import soundfile

from ...errors import AudioError
from ...frames import FloatArray
from ..sources import BLOCK, SIZE_UNKNOWN, Blocks, Source, check_declared, undecodable

_SHORTER_THAN_DECLARED = re.compile(r"(?:data|SSND|Data Size)\s*:\s*(\d+) \(should be (\d+)\)")
_MAX_OGG_PAGE, _END_OF_STREAM = 65307, 4
# How one begins, but for the third byte, which is of the channel (MIDI Sample Dump Standard, 1986).
_SAMPLE_DUMP = b"\xf0\x7e\0\x01"


def file_source(path: Path) -> Source:
    """Return an audio file as a source: the sound of any recording or video.

    Raises
    ------
    AudioError
        Where the file is missing, a folder, empty, unreadable or not audio.
    """
    _check_file(path)
    try:
        with _open(path) as file:
            rate, n_channels = file.samplerate, file.channels
    except AudioError as error:
        refused = error
    else:
        check_declared(str(path), rate, n_channels)
        return Source(str(path), rate, n_channels, lambda: _file_blocks(path))
    from .media import media_source

    return media_source(path, refused)


def _check_file(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except IsADirectoryError:
        raise AudioError(f"{path} is a folder, not an audio file; name a file in it.") from None
    except FileNotFoundError:
        raise AudioError(f"{path} does not exist; check the path.") from None
    except PermissionError:
        # Which is also how Windows refuses to open a folder.
        raise AudioError(f"{path} may not be read; ask for permission to read it.") from None
    except (OSError, ValueError) as error:
        raise AudioError(f"{path} cannot be opened ({error}); check the path.") from None
    if not start:
        raise AudioError(f"{path} is empty (0 bytes); record or copy it again.")
    if len(start) == 4 and start[:2] == _SAMPLE_DUMP[:2] and start[3] == _SAMPLE_DUMP[3]:
        # libsndfile prints to standard output what is wrong with one, between results.
        raise AudioError(
            f"{path} is a MIDI sample dump, which holds no recording; convert it to WAV or FLAC."
        )


def _open(path: Path) -> soundfile.SoundFile:
    try:
        # Bytes, since a name need not be UTF-8; Windows has other names.
        name = str(path) if os.name == "nt" else os.fsencode(path)
        file = soundfile.SoundFile(name)
    except (soundfile.SoundFileError, TypeError) as error:
        # A TypeError is what headerless formats (.raw) give: they have no rate.
        reason = getattr(error, "error_string", "its format tells no sampling rate").rstrip(".")
        raise AudioError(
            f"{path} cannot be read as audio ({reason}); convert it to WAV or FLAC, or copy it "
            "again if it is damaged."
        ) from None
    return file


def _file_blocks(path: Path) -> Blocks:
    """Yield the file up to its end or to where it is damaged."""
    n_read, is_damaged = 0, False
    with _open(path) as file:
        while not is_damaged:
            try:
                block: FloatArray = file.read(BLOCK, dtype="float32", always_2d=True)
            except soundfile.SoundFileError:
                block, is_damaged = _before_damage(path, n_read), True
            if len(block) == 0:
                break
            n_read += len(block)
            yield block
        is_whole = not is_damaged and n_read >= file.frames and not _ends_early(file, path)
        return () if is_whole else (undecodable(n_read / file.samplerate),)


def _before_damage(path: Path, start: int) -> FloatArray:
    """Return the samples from `start` to where libsndfile gives up; it does not tell their number.

    They are those that it has written to.
    """
    with _open(path) as file:
        buffer = np.full((BLOCK, file.channels), np.nan, dtype=np.float32)
        try:
            file.seek(start)
            file.read(out=buffer)
        except soundfile.SoundFileError:
            pass
    written = np.flatnonzero(~np.isnan(buffer).any(axis=1))
    return buffer[: written[-1] + 1 if len(written) else 0]


def _ends_early(file: soundfile.SoundFile, path: Path) -> bool:
    """Return whether its own header or its last page shows that the end of the file is missing."""
    sizes = [
        (int(declared), int(actual))
        for declared, actual in _SHORTER_THAN_DECLARED.findall(file.extra_info)
    ]
    if any(actual < declared < SIZE_UNKNOWN for declared, actual in sizes):
        return True
    return file.format == "OGG" and not _has_last_page(path)


def _has_last_page(path: Path) -> bool:
    """Return whether an Ogg file ends with the page that says so (RFC 3533, section 6)."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _MAX_OGG_PAGE))
        tail = file.read()
    start = tail.rfind(b"OggS")
    return start < 0 or start + 5 >= len(tail) or bool(tail[start + 5] & _END_OF_STREAM)
