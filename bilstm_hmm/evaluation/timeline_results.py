"""Predicted timelines beside the true ones, as tables that can be read back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from bilstm_hmm.atomic_files import atomic_write
from bilstm_hmm.delimited_text import table_rows, table_text
from bilstm_hmm.evaluation.timeline_systems import TIMELINE_SYSTEMS
from bilstm_hmm.prediction import LabelledInterval

TRUTH = "truth"
_COLUMNS = ["recording", "speaker", "system", "start", "end", "emotion"]


@dataclass(frozen=True, slots=True)
class TimelineResult:
    """A joined recording: its true turns, and those that each system predicted, by its name."""

    name: str
    speaker: str
    truth: tuple[LabelledInterval, ...]
    predicted: Mapping[str, tuple[LabelledInterval, ...]]


def write_timelines(path: Path, results: Sequence[TimelineResult]) -> None:
    """Write a row a segment, in full precision; the true ones are of the system ``truth``."""
    atomic_write(path, table_text([_COLUMNS, *chain.from_iterable(map(_rows, results))]))


def write_fold_timelines(path: Path, folds: Mapping[int, Sequence[TimelineResult]]) -> None:
    """Write what `write_timelines` does for all folds, a fold's number before each row."""
    rows = [["fold", *_COLUMNS]]
    for number, results in folds.items():
        rows.extend([str(number), *row] for row in chain.from_iterable(map(_rows, results)))
    atomic_write(path, table_text(rows))


def _rows(result: TimelineResult) -> list[list[str]]:
    return [
        [result.name, result.speaker, system, repr(float(start)), repr(float(end)), emotion]
        for system, intervals in ((TRUTH, result.truth), *result.predicted.items())
        for start, end, emotion in intervals
    ]


def read_timelines(path: Path) -> tuple[TimelineResult, ...] | None:
    """Read what `write_timelines` wrote; None where there is nothing whole that fits."""
    if not path.is_file():
        return None
    timelines: dict[tuple[str, str], dict[str, list[LabelledInterval]]] = {}
    try:
        header, *rows = table_rows(path.read_bytes().decode("utf-8"))
        if header != _COLUMNS:
            return None
        for name, speaker, system, start, end, emotion in rows:
            # A system may have no segment in a recording.
            none_yet: dict[str, list[LabelledInterval]] = {
                s: [] for s in (TRUTH, *TIMELINE_SYSTEMS)
            }
            by_system = timelines.setdefault((name, speaker), none_yet)
            by_system[system].append((float(start), float(end), emotion))
    except (ValueError, KeyError):
        return None
    results = []
    for (name, speaker), by_system in timelines.items():
        predicted = {system: tuple(by_system[system]) for system in TIMELINE_SYSTEMS}
        results.append(TimelineResult(name, speaker, tuple(by_system[TRUTH]), predicted))
    return tuple(results) or None
