"""Which of several recordings are of one voice, as ``--voices`` says it."""

from collections.abc import Sequence
from pathlib import Path

from bilstm_hmm.cli.labelling.inputs import normal_path
from bilstm_hmm.cli.voice.grouping import Grouping
from bilstm_hmm.delimited_text import table_rows
from bilstm_hmm.errors import ToolkitError

_COLUMNS = ("file", "voice")


def find_grouping(text: str | None, files: Sequence[Path], many: bool) -> Grouping | None:
    """Return what ``--voices`` says of files; None where it says nothing.

    Parameters
    ----------
    many
        Whether there are several recordings, or several answers to one.

    Raises
    ------
    ToolkitError
        There is one recording alone, or `text` is neither ``folders``, ``one`` nor ``auto`` nor a
        manifest of these files.
    """
    if text is None:
        return None
    if not many:
        raise ToolkitError(
            "--voices tells which of several recordings are of one voice: name a folder."
        )
    if text == "auto":
        return Grouping(text, by_sound=True)
    if text == "one":
        return Grouping(text, dict.fromkeys(files, text))
    if text == "folders":
        return Grouping(text, {file: normal_path(file.parent) for file in files})
    if not Path(text).is_file():
        raise ToolkitError(
            f"--voices {text}: give folders, one or auto, or a CSV file with the columns file and "
            "voice."
        )
    return Grouping(text, _read_manifest(Path(text), files))


def unnamed_files(grouping: Grouping, files: Sequence[Path]) -> list[Path]:
    """Return the files that a manifest says nothing of."""
    if grouping.by_sound:
        return []
    return [file for file in files if file not in grouping.voices]


def _read_manifest(path: Path, files: Sequence[Path]) -> dict[Path, str]:
    try:
        rows = table_rows(path.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
        raise ToolkitError(f"--voices {path}: it cannot be read ({reason}).") from None
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if any(header.count(column) != 1 for column in _COLUMNS):
        raise ToolkitError(f"--voices {path}: its first line must name the columns file and voice.")
    file_column, voice_column = map(header.index, _COLUMNS)
    named: dict[str, str] = {}
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        cells = [
            row[column].strip() if column < len(row) else ""
            for column in (file_column, voice_column)
        ]
        file, voice = cells
        if not file or not voice:
            raise ToolkitError(f"--voices {path}, line {number}: give a file and its voice.")
        # Beside the manifest, or from where the command runs.
        for place in {normal_path(path.parent / file), normal_path(Path(file))}:
            if named.setdefault(place, voice) != voice:
                raise ToolkitError(
                    f"--voices {path}, line {number}: {file} has another voice further up; give "
                    "it one."
                )
    voices = {file: named[normal_path(file)] for file in files if normal_path(file) in named}
    if not voices:
        raise ToolkitError(
            f"--voices {path}: it names none of the recordings; write their paths as they lie "
            "beside it."
        )
    return voices
