"""Where encoders are kept: the user's cache, each under the checksum of what it is."""

import hashlib
import os
import shutil
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

from ..errors import EncoderError

_PIECE = 1 << 20
#: What a folder of Hugging Face is told by; weights in other formats are not read.
FOLDER_FILES = ("config.json", "model.safetensors")


def store_folder() -> Path:
    """Return the folder of the encoders: below XDG_CACHE_HOME or the platform's own cache."""
    named = os.environ.get("XDG_CACHE_HOME")
    if named:
        base = Path(named)
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path.home() / ".cache"
    return base / "bilstm-hmm" / "encoders"


def checksum(path: Path) -> str:
    """Return the sha256 of a file, or of the files that make a Hugging Face folder what it is.

    Raises
    ------
    EncoderError
        Where `path` is neither, or cannot be read.
    """
    try:
        if not path.is_dir():
            return _sha256(path)
        if not all((path / name).is_file() for name in FOLDER_FILES):
            raise EncoderError(
                f"{path}: not a folder of Hugging Face ({' and '.join(FOLDER_FILES)}); name one, "
                "or an ONNX file."
            )
        sums = "".join(f"{name}:{_sha256(path / name)}\n" for name in FOLDER_FILES)
        return hashlib.sha256(sums.encode()).hexdigest()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise EncoderError(
            f"{path}: the encoder cannot be read ({reason}); check features.encoder.model."
        ) from None


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def find(sha256: str) -> Path | None:
    """Return what is kept under this checksum and has it, None where there is none."""
    for name in (f"{sha256}.onnx", sha256):
        path = store_folder() / name
        try:
            if path.exists() and checksum(path) == sha256:
                return path
        except EncoderError:
            continue
    return None


def add(source: Path, sha256: str) -> Path:
    """Copy an encoder, whose checksum is `sha256`, into the store; whole or not at all.

    Raises
    ------
    EncoderError
        The disk is full or the store cannot be written to.
    """
    if source.is_dir():
        return _write_atomically(sha256, lambda path: _copy_folder(source, path))
    return _write_atomically(f"{sha256}.onnx", lambda path: _copy(source, path))


def add_bytes(content: bytes, name: str) -> Path:
    """Write `content` into the store as `name`, whole or not at all; raises as `add` does."""
    return _write_atomically(name, lambda path: path.write_bytes(content))


def _copy(source: Path, path: Path) -> None:
    shutil.copyfile(source, path)


def _copy_folder(source: Path, path: Path) -> None:
    path.mkdir()
    for name in FOLDER_FILES:
        shutil.copyfile(source / name, path / name)


def _write_atomically(name: str, write: Callable[[Path], object]) -> Path:
    target = store_folder() / name
    temporary = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        if target.is_dir():
            shutil.rmtree(target)
        temporary.replace(target)
    except OSError as error:
        raise EncoderError(
            f"{target}: the encoder cannot be kept there ({error.strerror or error}); free some "
            "space, or name another folder in XDG_CACHE_HOME."
        ) from None
    finally:
        _remove(temporary)
    return target


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
        return
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return
