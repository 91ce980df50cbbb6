"""What the user named to be labelled: files, folders and standard input, to a list of files."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bilstm_hmm.cli.options import DASH
from bilstm_hmm.errors import ToolkitError

_EXPECTED = "no audio file in it or below; expected files such as .wav, .flac, .mp3 or .m4a."


@dataclass(frozen=True, slots=True)
class Inputs:
    """The recordings that are to be labelled.

    Attributes
    ----------
    files
        Each once, in the order in which they were named; a folder's sorted.
    many
        Whether the results are those of several: one file that was named alone is not.
    piped
        Whether standard input is the one recording; `files` is then empty.
    problems
        Of files and folders that are known to give no result: the sentence that says why.
    n_others
        Files in the folders that are no recordings, and are left out.
    """

    files: tuple[Path, ...]
    many: bool
    piped: bool = False
    problems: Mapping[Path, str] = field(default_factory=dict)
    n_others: int = 0


@dataclass(frozen=True, slots=True)
class _Named:
    """A path as the user gave it, and the option, if any, that says what it has to be."""

    path: Path
    option: str | None = None

    @property
    def shown(self) -> str:
        return f"{self.option} {self.path}" if self.option else str(self.path)


def find_inputs(
    arguments: Sequence[Path], files: Sequence[Path], folders: Sequence[Path]
) -> Inputs:
    """Return the recordings below all paths that the user named.

    One of several that is missing or holds no audio becomes a result that failed, so that the
    others are labelled; the only one is refused.

    Parameters
    ----------
    arguments
        Files and folders.
    files, folders
        Of ``--file`` and of ``--folder``.

    Raises
    ------
    ToolkitError
        The only path does not exist or is a folder without audio, a path is not what its option
        says, or standard input is named beside others.
    """
    named = [
        *(_Named(path) for path in arguments),
        *(_Named(path, "--file") for path in files),
        *(_Named(path, "--folder") for path in folders),
    ]
    if any(one.path == Path(DASH) and one.option != "--folder" for one in named):
        if len(named) > 1:
            raise ToolkitError(
                f"{DASH} is standard input, which is labelled alone; leave out the other paths."
            )
        return Inputs((), many=False, piped=True)
    if len(named) == 1:
        return _the_only_input(named[0])
    found: dict[str, Path] = {}
    problems: dict[Path, str] = {}
    n_others = 0
    for one in named:
        _check_option(one)
        paths: tuple[Path, ...] = (one.path,)
        if one.path.is_dir():
            inside = _recordings_in(one.path)
            paths = inside.files
            n_others += inside.n_others
            problems.update(inside.problems)
        if not paths:
            paths, problems[one.path] = (one.path,), f"{one.path}: {_EXPECTED}"
        for path in paths:
            found.setdefault(normal_path(path), path)
    return Inputs(tuple(found.values()), many=True, problems=problems, n_others=n_others)


def normal_path(path: Path) -> str:
    """Return the one absolute way to write `path`; links stay as they are."""
    return os.path.normpath(path.absolute())


def _the_only_input(named: _Named) -> Inputs:
    _check_exists(named)
    _check_option(named)
    if not named.path.is_dir():
        return Inputs((named.path,), many=False)
    inside = _recordings_in(named.path)
    if not inside.files:
        raise ToolkitError(f"{named.shown}: {_EXPECTED}")
    return inside


def _check_exists(named: _Named) -> None:
    try:
        named.path.stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        if named.option == "--folder" and isinstance(error, FileNotFoundError):
            reason = "no such folder"
        raise ToolkitError(f"{named.shown}: {reason}; check the path.") from None


def _check_option(named: _Named) -> None:
    if named.option == "--file" and named.path.is_dir():
        raise ToolkitError(f"{named.shown}: it is a folder; use --folder.")
    if named.option == "--folder" and named.path.exists() and not named.path.is_dir():
        raise ToolkitError(f"{named.shown}: it is a file; use --file.")


def _recordings_in(folder: Path) -> Inputs:
    """Return the recordings below a folder, and what of it cannot be read."""
    from bilstm_hmm.data.audio_files import recordings

    found = recordings(folder)
    files = (*(file.path for file in found.files), *found.problems)
    return Inputs(files, many=True, problems=found.problems, n_others=found.n_others)
