"""Where encoders are kept: the user's cache, each under the checksum of what it is."""

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from ..atomic_files import replaced_file, replaced_folder
from ..errors import EncoderError

# Named by a checksum, or cut out of an encoder.
_OUR_NAME = re.compile(r"[0-9a-f]{64}\.onnx$|cut-")
#: What a folder of Hugging Face is known by; weights in other formats are not read.
FOLDER_FILES = ("config.json", "model.safetensors")


def store_folder() -> Path:
    """Return the folder of the encoders: below XDG_CACHE_HOME or the platform's own cache."""
    cache_home = os.environ.get("XDG_CACHE_HOME")
    if cache_home:
        base = Path(cache_home)
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
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find_encoder(sha256: str) -> Path | None:
    """Return what is kept under this checksum and has it, None where there is none.

    A file that was put there by hand may have any name that ends in ``.onnx``.
    """
    by_hand = (
        path for path in sorted(store_folder().glob("*.onnx")) if not _OUR_NAME.match(path.name)
    )
    for path in chain((store_folder() / f"{sha256}.onnx", store_folder() / sha256), by_hand):
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
    if not source.is_dir():
        return _write(f"{sha256}.onnx", lambda path: shutil.copyfile(source, path))
    folder = store_folder() / sha256
    with _encoder_errors(folder), replaced_folder(folder) as temporary:
        for name in FOLDER_FILES:
            shutil.copyfile(source / name, temporary / name)
    return folder


def add_bytes(content: bytes, name: str) -> Path:
    """Write `content` into the store as `name`, whole or not at all; raises as `add` does."""
    return _write(name, lambda path: path.write_bytes(content))


def _write(name: str, write: Callable[[Path], object]) -> Path:
    path = store_folder() / name
    with _encoder_errors(path), replaced_file(path) as temporary:
        write(temporary)
    return path


@contextmanager
def _encoder_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EncoderError(
            f"{path}: the encoder cannot be kept there ({error.strerror or error}); free some "
            "space, or name another folder in XDG_CACHE_HOME."
        ) from None


def cached_subgraph(sha256: str, taps: Sequence[str]) -> bytes | None:
    """Return a graph that was extracted before, None where there is none that is whole."""
    for path in sorted(store_folder().glob(f"{_subgraph_name(sha256, taps)}-*.onnx")):
        try:
            content = path.read_bytes()
        except OSError:
            continue
        if path.stem.endswith(_short_hash(content)):
            return content
    return None


def cache_subgraph(subgraph: bytes, sha256: str, taps: Sequence[str]) -> None:
    """Keep an extracted graph for the next time, where the store can be written to.

    Its name holds its own checksum, by which `cached_subgraph` knows a damaged one.
    """
    try:
        add_bytes(subgraph, f"{_subgraph_name(sha256, taps)}-{_short_hash(subgraph)}.onnx")
    except EncoderError:
        return


def _subgraph_name(sha256: str, taps: Sequence[str]) -> str:
    return f"cut-{sha256[:16]}-{_short_hash(chr(0).join(taps).encode())}"


def _short_hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
