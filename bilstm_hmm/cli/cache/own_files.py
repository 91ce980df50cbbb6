"""The files that the toolkit keeps of its own accord, known by where they lie and their names.

Nothing else counts as its own, whatever lies beside it, and no link is followed. What is looked for
is what `features/extraction/cache.py`, `training/pretraining.py` and `features/encoder/store.py`
write, and what a killed process leaves of them (`features/atomic_files.py`).
"""

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bilstm_hmm.errors import ToolkitError

#: A temporary file younger than this may still be written by somebody.
TEMPORARY_SECONDS = 3600.0

_HEX = "[0-9a-f]"
_FRAMES_FOLDER = re.compile(f"{_HEX}{{2}}")
_FRAMES = re.compile(rf"{_HEX}{{62}}\.npz")
_WEIGHTS_FOLDER = re.compile("pretrained")
_WEIGHTS = re.compile(rf"{_HEX}{{32}}\.npz")
_ENCODER = re.compile(rf"({_HEX}{{64}}|cut(-{_HEX}{{16}}){{3}})\.onnx")
_ENCODER_FOLDER = re.compile(rf"{_HEX}{{64}}|\.{_HEX}{{64}}\.{_HEX}{{32}}")
_TEMPORARY = re.compile(rf"\.{_HEX}{{32}}\.(npz|onnx)")


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A file of the toolkit, and its size in bytes."""

    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class OwnFolder:
    """A cache, with the files in it that are the toolkit's, and how much else lies there.

    `others` counts what is left alone: each file and each folder that is not looked into.
    """

    folder: Path
    files: tuple[OwnFile, ...]
    others: int

    @property
    def size(self) -> int:
        """Bytes of the toolkit's files together."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True, slots=True)
class Removed:
    """How much was removed, and a sentence about each file that was not."""

    n_files: int
    size: int
    refused: tuple[str, ...]


def find_frames(folder: Path) -> OwnFolder:
    """Return the extracted frames and pre-trained weights in the folder `cache` of a recipe.

    Raises
    ------
    ToolkitError
        It is no folder, or cannot be listed. One that is not there is empty.
    """
    return _found(folder, ((_FRAMES_FOLDER, _FRAMES), (_WEIGHTS_FOLDER, _WEIGHTS)))


def find_encoders() -> OwnFolder:
    """Return the encoders in the user's cache; raises as `find_frames` does."""
    from bilstm_hmm.features.encoder.store import FOLDER_FILES, store_folder

    names = re.compile("|".join(map(re.escape, FOLDER_FILES)))
    return _found(store_folder(), ((_ENCODER_FOLDER, names),), _ENCODER)


def remove(found: OwnFolder) -> Removed:
    """Remove the toolkit's files, and the folders below the cache that are empty then."""
    n_files, size, refused = 0, 0, []
    for file in found.files:
        try:
            file.path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            refused.append(f"{file.path} cannot be removed ({error.strerror or error}).")
        else:
            n_files += 1
            size += file.size
    for folder in {file.path.parent for file in found.files} - {found.folder}:
        with suppress(OSError):
            folder.rmdir()
    return Removed(n_files, size, tuple(refused))


_Inside = tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]


def _found(folder: Path, inside: _Inside, names: re.Pattern[str] | None = None) -> OwnFolder:
    """Find files called `names`, and `inside` each folder of one name the files of another."""
    files: list[OwnFile] = []
    others = 0
    for path in _listed(folder):
        within = next((own for of_folder, own in inside if of_folder.fullmatch(path.name)), None)
        if within is not None and path.is_dir() and not path.is_symlink():
            is_left = path.name.startswith(".")
            contents = [_own_file(one, within, is_left) for one in _listed(path)]
        else:
            contents = [_own_file(path, names, False)]
        files += [file for file in contents if file is not None]
        others += contents.count(None)
    return OwnFolder(folder, tuple(files), others)


def _listed(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(folder.iterdir())
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise ToolkitError(f"{folder}: not a folder; name that of a recipe's `cache`.") from None
    except OSError as error:
        raise ToolkitError(
            f"{folder} cannot be listed ({error.strerror or error}); check its permissions."
        ) from None


def _own_file(path: Path, names: re.Pattern[str] | None, is_left: bool) -> OwnFile | None:
    """Return a file of the toolkit; None of any other, and of what may still be written."""
    is_temporary = _TEMPORARY.fullmatch(path.name) is not None
    if not is_temporary and (names is None or not names.fullmatch(path.name)):
        return None
    try:
        if path.is_symlink() or not path.is_file():
            return None
        state = path.stat()
    except OSError:
        return None
    age = time.time() - state.st_mtime
    if (is_temporary or is_left) and age < TEMPORARY_SECONDS:
        return None
    return OwnFile(path, state.st_size)
