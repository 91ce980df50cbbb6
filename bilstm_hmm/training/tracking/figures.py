"""What a tracker takes of a run's results: scores as numbers with names, and the report's files."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bilstm_hmm.training.tracking.tracker import Tracker

#: Lists of scores that have one a fold, the numbers of which stand under `_FOLDS`.
_PER_FOLD, _FOLDS = "_per_fold", "folds"
#: Parts of the metrics that hold no scores of systems: how two of them differ, how sure to be.
_LEFT_OUT = frozenset({"comparison", "corpora", "models"})
#: What trackers take in names besides letters, digits, ``-``, ``.``, ``/`` and blanks.
_FOREIGN = re.compile(r"[^\w\-. /]")
_REPORT = ("report.md", "metrics.json", "history.csv", "predictions.csv", "timelines.csv")
_REPORT_PATTERNS = ("*.png", "confusion_*.csv")


class Figure(NamedTuple):
    """A score; `step` is the number of its fold, 0 of one that is of all."""

    name: str
    value: float
    step: int = 0


def figures(metrics: Mapping[str, Any]) -> Iterator[Figure]:
    """Yield the scores of ``metrics.json``: ``systems.hybrid.ua`` as ``hybrid/ua``.

    A list with a score a fold gives a figure a fold; other lists, and differences between
    systems, are left out.
    """
    folds = metrics.get(_FOLDS, ())
    for key, value in metrics.items():
        if key in _LEFT_OUT:
            continue
        inside = key == "systems" and isinstance(value, Mapping)
        yield from _figures("" if inside else key, value, folds)


def _figures(name: str, value: Any, folds: Sequence[int]) -> Iterator[Figure]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _figures(f"{name}/{key}" if name else str(key), below, folds)
    elif _is_number(value):
        yield Figure(_FOREIGN.sub("_", name), float(value))
    elif isinstance(value, list) and name.endswith(_PER_FOLD) and len(value) == len(folds):
        for number, of_fold in zip(folds, value, strict=True):
            if _is_number(of_fold):
                yield Figure(_FOREIGN.sub("_", name), float(of_fold), number)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def parameters(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the keys of a recipe that hold values, dotted as for ``--set``, with their values."""
    for key, value in tree.items():
        name = f"{above}{key}"
        if isinstance(value, dict) and value:
            yield from parameters(value, f"{name}.")
        else:
            yield name, value


def track_results(tracker: Tracker, folder: Path, metrics: Mapping[str, Any]) -> None:
    """Give a tracker the scores of a run, and what its folder has of the report."""
    tracker.figures(metrics)
    named = [path for name in _REPORT if (path := folder / name).is_file()]
    found = [path for pattern in _REPORT_PATTERNS for path in sorted(folder.glob(pattern))]
    tracker.files([*named, *found])
