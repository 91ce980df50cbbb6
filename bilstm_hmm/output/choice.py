"""Which format is written: as the user says, else by the suffix of the output's name."""

from collections.abc import Mapping
from pathlib import Path

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.output.formats import FORMATS, format_named

DEFAULT = "text"


def choose_format(format: str | None, output: Path | None) -> str:
    """Return the format to write.

    A suffix that is a format's decides where none is named. A named one has to agree with it: text
    of any format may go into ``.txt``, and any format into a name of no format's suffix.

    Parameters
    ----------
    format
        What the user named, None where nothing.
    output
        The file or folder that is written to.

    Raises
    ------
    ToolkitError
        An unknown format, one that contradicts the suffix, or a suffix of which nothing is known
        and no format.
    """
    suffix = "" if output is None else output.suffix
    implied = _formats_by_suffix().get(suffix.lower())
    if format is None:
        if implied is None and suffix and _is_new_or_file(output):
            known = ", ".join(dict.fromkeys(entry.suffix for entry in FORMATS.values()))
            raise ToolkitError(
                f"--output {output}: no format has the suffix {suffix}; use one of {known}, or "
                "name the format with --format."
            )
        return implied or DEFAULT
    named = format_named(format)
    is_text = implied == DEFAULT and not named.binary
    if implied is not None and suffix.lower() != named.suffix.lower() and not is_text:
        raise ToolkitError(
            f"--output {output}: {suffix} is a file of the format {implied}, not {format}; leave "
            f"out --format, or give a name that ends in {named.suffix}."
        )
    return format


def _formats_by_suffix() -> Mapping[str, str]:
    """Return the first format of each suffix, which is in lower case."""
    found: dict[str, str] = {}
    for name, entry in FORMATS.items():
        found.setdefault(entry.suffix.lower(), name)
    return found


def _is_new_or_file(output: Path | None) -> bool:
    # Devices, pipes and folders are called whatever they are.
    return output is not None and (not output.exists() or output.is_file())
