"""Files that appear whole or not at all."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file under a temporary name, and give it the name `path` when it is whole.

    Where it raises, nothing is left of its file, and what was at `path` before stays.

    Raises
    ------
    OSError
        The file cannot be named `path`.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        write(part)
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
