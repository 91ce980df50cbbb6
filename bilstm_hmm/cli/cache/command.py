"""The commands of ``cache``: what the toolkit keeps of its own accord, and removing it."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bilstm_hmm.cli.cache.own_files import OwnFolder

FORMATS = ("text", "json")
#: Of a recipe that names no other.
DEFAULT = Path("runs/cache")

Frames = Annotated[
    Path, typer.Option("--frames", help="Folder of the frames: the key `cache` of the recipe.")
]


def show_cache(
    frames: Frames = DEFAULT,
    format: Annotated[str, typer.Option(help="text or json.")] = "text",
) -> None:
    """List what is kept of the features of recordings, and which encoders, with their sizes."""
    from bilstm_hmm.cli.cache.own_files import find_encoders, find_frames
    from bilstm_hmm.errors import ToolkitError

    if format not in FORMATS:
        raise ToolkitError(f"--format {format}: choose from {', '.join(FORMATS)}.")
    found = {"frames": find_frames(frames), "encoders": find_encoders()}
    if format == "json":
        print(json.dumps({name: _described(one) for name, one in found.items()}, indent=2))
        return
    for name, one in found.items():
        print(f"{name:<8}  {_amount(len(one.files), one.size)}  {_said(one)}")
        if one.others:
            print(f"{'':<8}  {one.others} more there are not the toolkit's, or being written")


def clear(
    encoders: Annotated[
        bool,
        typer.Option("--encoders", help="Remove the encoders as well, from the user's cache."),
    ] = False,
    frames: Frames = DEFAULT,
    yes: Annotated[bool, typer.Option("--yes", help="Remove them without a question.")] = False,
) -> None:
    """Remove the features of recordings that were kept; nothing but the toolkit's own files."""
    from bilstm_hmm.cli.cache.own_files import find_encoders, find_frames, remove

    found = [find_frames(frames), *([find_encoders()] if encoders else [])]
    found = [one for one in found if one.files or _says_empty(one)]
    if not found:
        return
    if not yes and not _is_wanted(found):
        print("Nothing was removed.")
        return
    removed = [(one, remove(one)) for one in found]
    for one, done in removed:
        print(f"{_said(one)}: removed {_amount(done.n_files, done.size)}")
        for sentence in done.refused:
            print(sentence, file=sys.stderr)
    if any(done.refused for _, done in removed):
        raise typer.Exit(1)


def _says_empty(found: "OwnFolder") -> bool:
    print(f"{_said(found)}: nothing of the toolkit's is there")
    return False


def _is_wanted(found: "list[OwnFolder]") -> bool:
    """Ask on a terminal.

    Raises
    ------
    ToolkitError
        There is none.
    """
    from bilstm_hmm.errors import ToolkitError

    if sys.stdin is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ToolkitError("Add --yes to remove what `cache show` lists; there is nobody to ask.")
    for one in found:
        print(f"{_said(one)}: {_amount(len(one.files), one.size)}", file=sys.stderr)
    print("Remove them? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _described(found: "OwnFolder") -> dict[str, object]:
    n_files, folder = len(found.files), str(found.folder)
    return {"folder": folder, "files": n_files, "bytes": found.size, "others": found.others}


def _said(found: "OwnFolder") -> str:
    from bilstm_hmm.output.label_tracks import escape_unprintable

    return escape_unprintable(str(found.folder))


def _amount(n_files: int, size: float) -> str:
    """Say how many files and how large; of 1000 bytes, as disks are sold."""
    files = "1 file" if n_files == 1 else f"{n_files} files"
    if size < 1000:
        return f"{files}, {size:.0f} B"
    for unit in ("kB", "MB"):
        size /= 1000
        if size < 999.95:
            return f"{files}, {size:.1f} {unit}"
    return f"{files}, {size / 1000:.1f} GB"
