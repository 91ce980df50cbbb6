"""A CSV manifest: recordings listed with their labels in a table of the user's own."""

import csv
import difflib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...clip import Clip, Sex
from ...errors import DataError
from ..corpus import Corpus, Scan, own_corpus
from ..emotion_names import canonical_emotion

_REQUIRED = ("path", "emotion")
_OPTIONAL = ("speaker", "sex", "language", "intensity", "sentence")
_SEXES: Mapping[str, Sex] = {"female": "female", "f": "female", "male": "male", "m": "male"}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table, and its cells by column."""

    manifest: Path
    line: int
    cells: Mapping[str, str]
    n_cells: int
    n_columns: int
    delimiter: str

    @property
    def where(self) -> str:
        return f"{self.manifest}, line {self.line}"


def _read(corpus: Corpus, root: Path) -> Scan:
    """Read the clips that a manifest lists; paths in it are relative to its own folder."""
    manifest = manifest_path(root)
    clips: list[Clip] = []
    line_of: dict[str, int] = {}
    for row in manifest_rows(manifest):
        clip = row_clip(corpus, manifest.parent, row)
        real_path = os.path.realpath(clip.path)
        if real_path in line_of:
            raise DataError(
                f"{row.where}: {clip.name} is listed before, in line {line_of[real_path]}: keep one"
            )
        line_of[real_path] = row.line
        clips.append(clip)
    if not clips:
        raise DataError(f"{manifest} lists no recordings: add a line for each")
    return Scan(tuple(sorted(clips, key=lambda clip: clip.name)))


def manifest_path(root: Path) -> Path:
    """Return the manifest that a path is or holds; raises `DataError` where there is none."""
    if root.is_dir():
        root = root / "manifest.csv"
    if not root.is_file():
        raise DataError(
            f"{root} does not exist: give a CSV file with the columns path and emotion, "
            f"or a folder with a manifest.csv"
        )
    return root


def manifest_rows(manifest: Path) -> Iterator[Row]:
    """Yield the lines of a manifest that are not empty, as they are.

    Raises
    ------
    DataError
        The file cannot be read, is no CSV in UTF-8, or has not the columns of a manifest.
    """
    try:
        with manifest.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline()
            delimiter = max(",;\t", key=header.count)
            columns = next(csv.reader([header], delimiter=delimiter), [])
            columns = [column.strip().casefold() for column in columns]
            _check_columns(manifest, columns)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                by_column = dict(zip(columns, cells, strict=False))
                shape = len(cells), len(columns), delimiter
                yield Row(manifest, reader.line_num + 1, by_column, *shape)
    except UnicodeDecodeError as error:
        raise DataError(f"{manifest} is not UTF-8: save it as CSV in UTF-8") from error
    except csv.Error as error:
        raise DataError(f"{manifest} is not a readable CSV file ({error}): mend it") from error
    except OSError as error:
        raise DataError(f"{manifest} cannot be read ({error.strerror}): check it") from error


def _check_columns(manifest: Path, columns: list[str]) -> None:
    known = (*_REQUIRED, *_OPTIONAL)
    missing = [column for column in _REQUIRED if column not in columns]
    if missing:
        raise DataError(
            f"{manifest}, line 1: no column {' and no column '.join(missing)} "
            f"(found: {', '.join(columns) or 'nothing'}): the header must name "
            f"{' and '.join(_REQUIRED)}, and may name {', '.join(_OPTIONAL)}"
        )
    for column in columns:
        if columns.count(column) > 1:
            raise DataError(f"{manifest}, line 1: two columns are named {column!r}: keep one")
        # Other columns are the user's affair, a misspelt one is not: without its speakers the
        # table would be split as if there were none.
        close = difflib.get_close_matches(column, known, n=1, cutoff=0.8)
        if close and column not in known:
            raise DataError(
                f"{manifest}, line 1: unknown column {column!r}: rename it to {close[0]}"
            )


def row_clip(corpus: Corpus, folder: Path, row: Row) -> Clip:
    """Return the clip of a line, whose path is relative to `folder`; the file is not opened.

    Raises
    ------
    DataError
        The line has too few or too many cells, names no file that is there, or no emotion.
    """
    if row.n_cells != row.n_columns:
        raise DataError(
            f"{row.where}: {row.n_cells} cells where the header has {row.n_columns}: "
            f"put cells that hold a {row.delimiter!r} in double quotes"
        )
    cells = {column: cell.strip() for column, cell in row.cells.items()}
    name = row.cells["path"]
    path = folder / name
    if not cells["path"]:
        raise DataError(f"{row.where}: the path is empty: name the audio file")
    if not _is_file(path):
        raise DataError(
            f"{row.where}: there is no file {name!r} in {folder}: "
            f"paths are relative to the manifest"
        )
    if not cells["emotion"]:
        raise DataError(f"{row.where}: the emotion is empty: name it, or remove the line")
    sex = cells.get("sex", "").casefold()
    if sex and sex not in _SEXES:
        raise DataError(f"{row.where}: sex is {cells['sex']!r}: use female or male, or leave empty")
    return Clip(
        path=path,
        name=Path(name).as_posix(),
        emotion=canonical_emotion(cells["emotion"]) or cells["emotion"],
        speaker=corpus.speaker_id(cells.get("speaker")),
        corpus=corpus.name,
        language=cells.get("language") or None,
        sex=_SEXES[sex] if sex else None,
        intensity=cells.get("intensity") or None,
        sentence=cells.get("sentence") or None,
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long, or with a null character
        return False


MANIFEST = own_corpus(
    name="manifest",
    title="a CSV manifest",
    instructions="write a CSV file with the columns path and emotion, and speaker if you know it",
    # The labels stand in the table.
    parse=lambda _path: None,
    reader=_read,
)
