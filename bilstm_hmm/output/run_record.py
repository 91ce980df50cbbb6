"""What wrote an output that may be gone on with: a small file beside it, ``OUTPUT.run.json``."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bilstm_hmm.atomic_files import atomic_write
from bilstm_hmm.errors import ToolkitError

SUFFIX = ".run.json"
_PROGRAM = "bilstm-hmm"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What results come from; two runs whose records are equal may share an output.

    Attributes
    ----------
    model
        The identity of the model.
    classes
        Its emotions.
    format
        Of the output.
    settings
        What else changes a result, by the name of its option; nothing that has its default.
    """

    model: str
    classes: tuple[str, ...]
    format: str
    settings: Mapping[str, str] = field(default_factory=dict)

    def named(self) -> Iterator[tuple[str, str]]:
        """Yield everything, each with a name for it."""
        yield "the model", self.model
        yield "the emotions", ", ".join(self.classes)
        yield "the format", self.format
        yield from self.settings.items()


def record_path(output: Path) -> Path:
    """Return where the record of an output lies."""
    return output.with_name(output.name + SUFFIX)


def write_record(output: Path, record: RunRecord) -> None:
    """Write the record of an output beside it, whole or not at all.

    Raises
    ------
    ToolkitError
        It cannot be written, or a file of another kind has its name.
    """
    read_record(output)
    document = {
        "written_by": _PROGRAM,
        "model": record.model,
        "emotions": record.classes,
        "format": record.format,
        "options": record.settings,
    }
    text = json.dumps(document, ensure_ascii=True, indent=2) + "\n"
    atomic_write(record_path(output), text)


def read_record(output: Path) -> RunRecord | None:
    """Return the record of an output, None where there is none.

    Raises
    ------
    ToolkitError
        The file that should be the record is none.
    """
    path = record_path(output)
    try:
        document = json.loads(path.read_text("utf-8"))
        if document["written_by"] != _PROGRAM:
            raise ValueError
        return RunRecord(
            str(document["model"]),
            tuple(map(str, document["emotions"])),
            str(document["format"]),
            {str(name): str(value) for name, value in document["options"].items()},
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        raise ToolkitError(
            f"{path}: not the record of an output that it should be; move it elsewhere, or choose "
            "another --output."
        ) from None


def refuse_other_run(output: Path, record: RunRecord) -> None:
    """Refuse to go on with an output that was written with anything else than `record`.

    An output without a record, of an earlier version, is not refused.

    Raises
    ------
    ToolkitError
        What differs, or as for `read_record`.
    """
    earlier = read_record(output)
    if earlier is None:
        return
    before, now = dict(earlier.named()), dict(record.named())
    for name in before | now:
        if before.get(name) != now.get(name):
            raise other_run(output, name, before.get(name), now.get(name))


def other_run(output: Path, name: str, before: str | None, now: str | None) -> ToolkitError:
    """Return the sentence for an output that another run has written."""
    default = "its default"
    return ToolkitError(
        f"--output {output}: it was written with {name} {before or default}, not "
        f"{now or default}; choose another output, or write it anew with --overwrite."
    )
