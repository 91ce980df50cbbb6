"""Download of the corpora that are free to be downloaded."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..atomic_files import write_atomically
from ..corpora.corpus import Archive, Corpus
from ..errors import DataError
from .archives import unpack
from .http import Progress, fetch


@dataclass(frozen=True, slots=True)
class DownloadedArchive:
    """An unpacked archive.

    `verified` says whether its checksum was known before; where it was not, `sha256` is what was
    recorded for the next time. A folder that was there already is neither fetched nor verified.
    `in_the_open` says that it came over a connection on which anybody may alter it.
    """

    folder: Path
    fetched: bool
    verified: bool = False
    sha256: str = ""
    in_the_open: bool = False


def download(
    corpus: Corpus, root: Path, *, show_progress: bool = True
) -> tuple[DownloadedArchive, ...]:
    """Download and unpack the archives of `corpus` below `root`.

    What is already there is not fetched again, what was cut off is gone on with, and a file with
    a wrong checksum is removed.

    Raises
    ------
    DataError
        If the corpus is not free to be downloaded, a file cannot be fetched or written, its
        checksum is wrong or its archive is unsafe to unpack.
    """
    if not corpus.archives:
        raise DataError(f"{corpus.title} cannot be downloaded from here: {corpus.instructions}")
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{root} cannot be made ({error.strerror}): give another folder") from error
    return tuple(_fetch_and_unpack(archive, root, show_progress) for archive in corpus.archives)


def _fetch_and_unpack(archive: Archive, root: Path, show_progress: bool) -> DownloadedArchive:
    # Unpacking makes the folder in one step: where it is, it is complete.
    folder = root / archive.file.partition(".")[0]
    if folder.is_dir():
        return DownloadedArchive(folder, fetched=False)
    record = root / f"{archive.file}.sha256"
    known_hash = archive.known_hash or _recorded(record)
    path = _fetch_verified(archive, root, known_hash, show_progress)
    unpack(path, folder)
    if known_hash is not None:
        return DownloadedArchive(folder, fetched=True, verified=True)
    in_the_open = not archive.url.startswith("https:")
    sha256 = _record_sha256(path, record)
    return DownloadedArchive(folder, fetched=True, sha256=sha256, in_the_open=in_the_open)


def _fetch_verified(
    archive: Archive, root: Path, known_hash: str | None, show_progress: bool
) -> Path:
    """Return the archive's path once it is there and its checksum is right."""
    import pooch

    pooch.get_logger().setLevel("WARNING")
    resumed = root / archive.file

    def downloader(url: str, output_file: str, _pooch: object) -> None:
        with _progress_bar(archive.file, show_progress) as progress:
            # Pooch's own temporary file is gone after a cut connection; this one is kept.
            fetch(url, resumed.with_suffix(".download"), progress=progress)
        resumed.with_suffix(".download").replace(output_file)

    try:
        return Path(
            pooch.retrieve(
                archive.url, known_hash, fname=archive.file, path=root, downloader=downloader
            )
        )
    except DataError:
        raise
    except ValueError as error:
        raise DataError(
            f"{archive.file} from {archive.url} has a wrong checksum and was removed: "
            f"run the same command again, and tell the publisher if it stays wrong"
        ) from error
    except OSError as error:
        raise DataError(
            f"{resumed} cannot be written ({error.strerror or error}): "
            f"check the space left and the permissions"
        ) from error


def _recorded(record: Path) -> str | None:
    """Return the checksum that was written down when the file was first here."""
    if not record.exists():
        return None
    try:
        sha256 = record.read_text(encoding="utf-8").partition(" ")[0].strip()
    except (OSError, UnicodeDecodeError):
        sha256 = ""
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise DataError(
            f"{record} holds no checksum: put back the one that was recorded there, or remove it "
            f"to trust the next download"
        )
    return f"sha256:{sha256}"


def _record_sha256(path: Path, record: Path) -> str:
    """Write down the checksum of a file whose publisher gives none, in sha256sum's format."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    write_atomically(record, lambda part: part.write_text(f"{sha256}  {path.name}\n"))
    return sha256


@contextmanager
def _progress_bar(name: str, show: bool) -> Iterator[Progress]:
    """Show how far a download is, on standard error, and only where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn(name), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = Console(stderr=True)
    with Bar(*columns, console=console, disable=not (show and console.is_terminal)) as bar:
        task = bar.add_task(name, total=None)

        def progress(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total)

        yield progress
