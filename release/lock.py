"""The lock files that ``make lock`` writes: which packages, exactly, and by which checksums."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker
from packaging.utils import canonicalize_name

from bilstm_hmm.errors import ToolkitError

ROOT = Path(__file__).parents[1]
#: What prediction needs.
BASE_LOCK = ROOT / "requirements-lock.txt"
#: What prediction needs and all extras of `all` bring.
FULL_LOCK = ROOT / "requirements-all-lock.txt"

_PIN = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)\s*(?:;\s*(?P<marker>[^\\]+))?"
)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})(?![0-9a-f])")
_VIA = re.compile(r"^\s+#(?:\s+via)?\s*(.*?)\s*$")


@dataclass(frozen=True, slots=True)
class Pin:
    """A package at one version.

    `marker` says where it is installed, None for everywhere; `sha256` are the checksums of its
    files, any of which may be installed; `needed_by` names the packages that need it.
    """

    name: str
    version: str
    marker: Marker | None
    sha256: tuple[str, ...]
    needed_by: tuple[str, ...]


def read_lock(path: Path) -> tuple[Pin, ...]:
    """Return the pins of a lock file, in its order.

    Raises
    ------
    ToolkitError
        It cannot be read, or a line of it pins nothing.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ToolkitError(
            f"{path} cannot be read ({error.strerror}); `make lock` writes it."
        ) from None
    return tuple(_pin(path, entry) for entry in _entries(text))


def _entries(text: str) -> Iterator[str]:
    """Yield each entry: a line that begins at the margin, and those below it that do not."""
    entry: list[str] = []
    for line in text.splitlines():
        if line[:1] not in ("", "#", " ", "\t"):
            if entry:
                yield "\n".join(entry)
            entry = [line]
        elif entry and line.strip():
            entry.append(line)
    if entry:
        yield "\n".join(entry)


def _pin(path: Path, entry: str) -> Pin:
    first, *below = entry.splitlines()
    match = _PIN.match(first)
    if match is None:
        raise ToolkitError(f"{path}: {first!r} pins no version; `make lock` writes it anew.")
    marker = match["marker"]
    needed_by = [found[1] for line in below if (found := _VIA.match(line)) and found[1]]
    return Pin(
        canonicalize_name(match["name"]),
        match["version"],
        Marker(marker) if marker else None,
        tuple(_HASH.findall(entry)),
        # Where it is not a package, it is a file: `bilstm-hmm (pyproject.toml)`.
        tuple(canonicalize_name(name.split()[0]) for name in needed_by if name[0] != "-"),
    )
