"""The posteriors of a run as its ``predictions.csv`` has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.delimited_text import table_rows
from bilstm_hmm.errors import ToolkitError

PREDICTIONS = "predictions.csv"
_COLUMNS = ("name", "speaker", "sex", "truth")


@dataclass(frozen=True, slots=True, eq=False)
class JudgedClips:
    """Clips with their labels and the posteriors of one system.

    Attributes
    ----------
    names, speakers, labels
        Of each clip.
    probabilities
        ``[n_clips, n_classes]``.
    n_unjudged
        Clips of which there are no posteriors, and which are not among these.
    """

    system: str
    classes: tuple[str, ...]
    names: tuple[str, ...]
    speakers: tuple[str, ...]
    labels: tuple[str, ...]
    probabilities: NDArray[np.float64]
    n_unjudged: int = 0


def read_predictions(path: Path, system: str | None = None) -> JudgedClips:
    """Read the clips and the posteriors of a system.

    Parameters
    ----------
    system
        ``hybrid`` where None, or the first that there is.

    Raises
    ------
    ToolkitError
        There is no such file or system, or it is no table of predictions.
    """
    header, rows = _table(path)
    systems = [
        name for name in header[len(_COLUMNS) :] if any(c.startswith(f"{name} ") for c in header)
    ]
    if header[: len(_COLUMNS)] != list(_COLUMNS) or not systems:
        raise ToolkitError(f"{path}: no table of predictions; give the folder of an evaluation.")
    chosen = system or ("hybrid" if "hybrid" in systems else systems[0])
    if chosen not in systems:
        raise ToolkitError(f"--system {chosen}: {path} has {', '.join(systems)}.")
    first = header.index(chosen) + 1
    columns = [i for i in range(first, len(header)) if header[i].startswith(f"{chosen} ")]
    classes = tuple(header[i].removeprefix(f"{chosen} ") for i in columns)
    judged = [row for row in rows if all(row[i] for i in columns) and row[3] in classes]
    if not judged:
        raise ToolkitError(f"{path}: no clip has probabilities; run the evaluation again.")
    return JudgedClips(
        system=chosen,
        classes=classes,
        names=tuple(row[0] for row in judged),
        speakers=tuple(row[1] for row in judged),
        labels=tuple(row[3] for row in judged),
        probabilities=_numbers(path, [[row[i] for i in columns] for row in judged]),
        n_unjudged=len(rows) - len(judged),
    )


def _table(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        header, *rows = table_rows(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ToolkitError(
            f"{path} does not exist; give the folder of a finished evaluation or training."
        ) from None
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ToolkitError(f"{path} cannot be read ({error}); run the evaluation again.") from None
    if any(len(row) != len(header) for row in rows):
        raise ToolkitError(f"{path}: lines of different lengths; run the evaluation again.")
    return header, rows


def _numbers(path: Path, cells: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    try:
        return np.array(cells, dtype=np.float64)
    except ValueError:
        raise ToolkitError(f"{path}: probabilities that are no numbers; run it again.") from None
