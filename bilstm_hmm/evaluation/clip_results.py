"""The results of an evaluation: each clip's probabilities by every system, and their tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.atomic_files import atomic_write
from bilstm_hmm.data.clip import Clip, Sex
from bilstm_hmm.delimited_text import table_rows, table_text

SEXES: tuple[Sex, ...] = ("female", "male")
_COLUMNS = ["name", "speaker", "sex", "truth"]


@dataclass(frozen=True, slots=True)
class ClipResult:
    """A test clip and what each system says of it.

    `probabilities` maps a system's name to its probabilities, ``[n_classes]``, in the order of
    the evaluation's classes. `sex` is the speaker's, None where it is not known.
    """

    name: str
    speaker: str
    truth: str
    probabilities: Mapping[str, NDArray[np.floating[Any]]]
    sex: Sex | None = None


def clip_result(clip: Clip, probabilities: Mapping[str, NDArray[np.floating[Any]]]) -> ClipResult:
    """Return a clip with the probabilities of each system for it."""
    return ClipResult(clip.name, clip.speaker, clip.emotion, probabilities, clip.sex)


def true_indices(results: Sequence[ClipResult], classes: Sequence[str]) -> NDArray[np.int64]:
    """Return each clip's true class as its index in `classes`, ``[n_clips]``."""
    index = {label: number for number, label in enumerate(classes)}
    return np.array([index[result.truth] for result in results], dtype=np.int64)


def system_probabilities(results: Sequence[ClipResult], system: str) -> NDArray[np.float64]:
    """Return the probabilities of one system, ``[n_clips, n_classes]``."""
    return np.array([result.probabilities[system] for result in results], dtype=np.float64)


def write_predictions(path: Path, results: Sequence[ClipResult], classes: Sequence[str]) -> None:
    """Write a row a clip: name, speaker, sex, truth, then each system's label and probabilities.

    The sex is empty where it is not known.
    """
    systems = list(results[0].probabilities)
    header = [*_COLUMNS]
    for system in systems:
        header += [system, *(f"{system} {label}" for label in classes)]
    rows = [header]
    for result in results:
        row = [result.name, result.speaker, result.sex or "", result.truth]
        for system in systems:
            probabilities = result.probabilities[system]
            row += [classes[int(np.argmax(probabilities))], *(f"{p:.6f}" for p in probabilities)]
        rows.append(row)
    atomic_write(path, table_text(rows))


def write_results(path: Path, results: Sequence[ClipResult], classes: Sequence[str]) -> None:
    """Write the probabilities of every system for a fold's clips, in full precision."""
    systems = tuple(results[0].probabilities)
    rows = [_header(systems, classes)]
    for result in results:
        cells = [repr(float(p)) for s in systems for p in result.probabilities[s]]
        rows.append([result.name, result.speaker, result.sex or "", result.truth, *cells])
    atomic_write(path, table_text(rows))


def read_results(path: Path, classes: Sequence[str]) -> tuple[ClipResult, ...] | None:
    """Read what `write_results` wrote; None where there is nothing whole that fits."""
    if not path.is_file():
        return None
    results = []
    try:
        header, *rows = table_rows(path.read_bytes().decode("utf-8"))
        if header[2:3] == ["truth"]:
            # The first version did not ask for the sex.
            header, *rows = [_with_sex(*row) for row in (header, *rows)]
        systems = tuple(dict.fromkeys(name.partition(":")[0] for name in header[len(_COLUMNS) :]))
        if header != _header(systems, classes):
            return None
        for name, speaker, sex, truth, *cells in rows:
            probabilities = np.array(cells, dtype=np.float64).reshape(len(systems), len(classes))
            by_system = dict(zip(systems, probabilities, strict=True))
            results.append(ClipResult(name, speaker, truth, by_system, _known_sex(sex)))
    except ValueError:
        return None
    return tuple(results) or None


def _header(systems: Sequence[str], classes: Sequence[str]) -> list[str]:
    return [*_COLUMNS, *(f"{system}:{label}" for system in systems for label in classes)]


def _with_sex(name: str, speaker: str, truth: str, *cells: str) -> list[str]:
    sex = "sex" if (name, speaker, truth) == ("name", "speaker", "truth") else ""
    return [name, speaker, sex, truth, *cells]


def _known_sex(cell: str) -> Sex | None:
    return next((sex for sex in SEXES if sex == cell), None)
