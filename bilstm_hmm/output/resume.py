"""What a run that was cut off has already labelled, read from its own output."""

import json
from collections.abc import Container, Mapping
from pathlib import Path

from bilstm_hmm.delimited_text import table_rows, table_text
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.output.formats import render
from bilstm_hmm.output.run_record import RunRecord, other_run

RESUMABLE_FORMATS = ("jsonl", "csv", "tsv")
_DELIMITERS = {"csv": ",", "tsv": "\t"}
# By file, and the channel or speaker of it; nothing where all of it is one answer.
_Records = dict[tuple[str, str], str]


def read_finished(text: str, format: str, voice: str | None = None) -> Mapping[str, set[str]]:
    """Return the voices of each file that `text` has a label for, failed ones and half lines apart.

    Parameters
    ----------
    text, format
        An output, and its format.
    voice
        ``channel`` or ``speaker``, where there are several answers to a recording; without, the
        one voice of a file is called nothing.

    Raises
    ------
    ToolkitError
        A run in `format` cannot be resumed, or `text` is not an output of this program.
    """
    finished: dict[str, set[str]] = {}
    for file, name in _records(text, format, voice):
        finished.setdefault(file, set()).add(name)
    return finished


def keep_finished(text: str, format: str, files: Container[str], voice: str | None = None) -> str:
    """Return `text` with its header and the records of `files`, ready to go on.

    What a run that was cut off wrote in half, and files that failed and will be tried again,
    are left out, so that no file is listed twice in the end.

    Raises
    ------
    ToolkitError
        As for `read_finished`.
    """
    records = "".join(
        record for (file, _), record in _records(text, format, voice).items() if file in files
    )
    if format == "jsonl":
        return records
    delimiter = _DELIMITERS[format]
    header = table_rows(_whole_records(text), delimiter)[:1]
    return table_text(header, delimiter) + records


def refuse_other_table(
    text: str, output: Path, record: RunRecord, voice: str | None = None
) -> None:
    """Refuse to go on with a table whose own rows say that another model wrote it.

    Parameters
    ----------
    text
        What `read_finished` has read.
    output
        Where it stands.
    record
        What is to go on with it.
    voice
        As for `read_finished`.

    Raises
    ------
    ToolkitError
        Other columns or emotions, or another model.
    """
    columns = ", ".join(record.classes)
    for line in _records(text, record.format, voice).values() if record.format == "jsonl" else ():
        document = json.loads(line)
        emotions = ", ".join(document.get("probabilities", {}))
        # Of a recording without speech nothing is said.
        if emotions and emotions != columns:
            raise other_run(output, "the emotions", emotions, columns)
        if document.get("model") != record.model:
            raise other_run(output, "the model", document.get("model"), record.model)
    if record.format == "jsonl":
        return
    delimiter = _DELIMITERS[record.format]
    header = render(
        [], record.format, many=True, timeline=False, classes=record.classes, voice=voice
    )
    (expected,) = table_rows(str(header), delimiter)
    for number, row in enumerate(table_rows(_whole_records(text), delimiter)):
        if number == 0 and row != expected:
            raise other_run(output, "the columns", ", ".join(row), ", ".join(expected))
        written = dict(zip(expected, row, strict=True))
        if number > 0 and not written["error"] and written["model"] != record.model:
            raise other_run(output, "the model", written["model"], record.model)


def _records(text: str, format: str, voice: str | None) -> _Records:
    """Return the record of each file, or of each voice of it, that has a label, as it stands."""
    if format not in RESUMABLE_FORMATS:
        raise ToolkitError(
            f"a run in the {format} format cannot be resumed; "
            f"choose from {', '.join(RESUMABLE_FORMATS)}"
        )
    return _json_records(text, voice) if format == "jsonl" else _rows(text, format, voice)


def _json_records(text: str, voice: str | None) -> _Records:
    records: _Records = {}
    for line in text.split("\n")[:-1]:
        try:
            document = json.loads(line)
            file, labelled = document["file"], "error" not in document
            name = str(document[voice]) if voice and labelled else ""
        except (ValueError, KeyError, TypeError) as error:
            raise ToolkitError(
                f"the output to resume has a line that is not ours ({line[:40]!r}); "
                "choose another output or start afresh"
            ) from error
        if labelled:
            records[file, name] = f"{line}\n"
    return records


def _rows(text: str, format: str, voice: str | None) -> _Records:
    delimiter = _DELIMITERS[format]
    rows = table_rows(_whole_records(text), delimiter)
    if not rows:
        return {}
    header, voices = rows[0], [voice] if voice else []
    ours = ["file", *voices, "emotion", "confidence"]
    if header[: len(ours)] != ours or any(len(row) != len(header) for row in rows):
        raise ToolkitError(
            f"the output to resume is not a {format} table of ours; "
            "choose another output or start afresh"
        )
    error = header.index("error") if "error" in header else len(header) - 1
    return {
        (row[0], row[1] if voice else ""): table_text([row], delimiter)
        for row in rows[1:]
        if not row[error]
    }


def _whole_records(text: str) -> str:
    """Return `text` up to the last line end that is not inside quotes."""
    end = text.rfind("\n") + 1
    while end and text.count('"', 0, end) % 2:
        end = text.rfind("\n", 0, end - 1) + 1
    return text[:end]
