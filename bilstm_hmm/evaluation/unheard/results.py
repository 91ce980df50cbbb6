"""What every system gives for test clips whose voice is known more or less, and its table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from bilstm_hmm.arrays import FloatMatrix, Indices
from bilstm_hmm.atomic_files import atomic_write
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.delimited_text import table_rows, table_text
from bilstm_hmm.hmm.fusion import SYSTEMS

_COLUMNS = ["known", "name", "speaker", "truth", "clips"]


@dataclass(frozen=True, slots=True, eq=False)
class KnownResult:
    """The test clips with so much of their voices known.

    Attributes
    ----------
    names, speakers, truths
        Of each test clip; the truth is its emotion.
    n_known
        How many clips of its voice were known, ``[n]``.
    probabilities
        Of each emotion that was trained, ``[n, C]`` by system.
    """

    names: tuple[str, ...]
    speakers: tuple[str, ...]
    truths: tuple[str, ...]
    n_known: Indices
    probabilities: Mapping[str, FloatMatrix]


#: By the name of what is known, see `KNOWN`.
KnownResults = Mapping[str, KnownResult]


def known_result(
    clips: Sequence[Clip], n_known: Indices, probabilities: Mapping[str, FloatMatrix]
) -> KnownResult:
    """Return the results of clips."""
    return KnownResult(
        tuple(clip.name for clip in clips),
        tuple(clip.speaker for clip in clips),
        tuple(clip.emotion for clip in clips),
        n_known,
        probabilities,
    )


def write_known_results(path: Path, results: KnownResults, classes: Sequence[str]) -> None:
    """Write a row for each clip and each amount that is known, probabilities to six digits."""
    rows = [_header(classes)]
    for known, result in results.items():
        stacked = np.concatenate([result.probabilities[system] for system in SYSTEMS], axis=1)
        table = zip(
            result.names, result.speakers, result.truths, result.n_known, stacked, strict=True
        )
        for name, speaker, truth, n_known, shares in table:
            cells = [f"{share:.6g}" for share in shares]
            rows.append([known, name, speaker, truth, str(n_known), *cells])
    atomic_write(path, table_text(rows))


def read_known_results(path: Path, classes: Sequence[str]) -> KnownResults | None:
    """Read what `write_known_results` wrote; None where there is nothing whole that fits."""
    if not path.is_file():
        return None
    try:
        header, *rows = table_rows(path.read_bytes().decode("utf-8"))
        if header != _header(classes):
            return None
        results = {
            known: _result(list(of_known), len(classes))
            for known, of_known in groupby(rows, key=lambda row: row[0])
        }
    except (ValueError, IndexError):
        return None
    return results or None


def _result(rows: Sequence[Sequence[str]], n_classes: int) -> KnownResult:
    names, speakers, truths = (tuple(row[place] for row in rows) for place in (1, 2, 3))
    n_known = np.array([row[4] for row in rows], dtype=np.intp)
    values = np.array([row[5:] for row in rows], dtype=np.float64)
    values = values.reshape(len(rows), len(SYSTEMS), n_classes)
    by_system: dict[str, FloatMatrix] = {
        system: values[:, place] for place, system in enumerate(SYSTEMS)
    }
    return KnownResult(names, speakers, truths, n_known, by_system)


def _header(classes: Sequence[str]) -> list[str]:
    return [*_COLUMNS, *(f"{system}:{label}" for system in SYSTEMS for label in classes)]
