"""What a tracker is, and the one that tracks nothing.

The run's folder holds everything in any case: a tracker shows it elsewhere as well.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol


class Tracker(Protocol):
    """Shows a run where its researcher keeps an eye on all of them."""

    def callbacks(self, network: str) -> Sequence[Any]:
        """Return the Keras callbacks that follow the epochs of a network, named by its task."""

    def fold(self, number: int) -> "AbstractContextManager[Tracker]":
        """Open what a fold of the run is tracked by, a run of its own where there is such."""

    def figures(self, metrics: Mapping[str, Any]) -> None:
        """Take note of scores, as ``metrics.json`` has them: see `figures.figures`."""

    def files(self, files: Sequence[Path]) -> None:
        """Take reports, tables and pictures."""

    def bundle(self, folder: Path) -> None:
        """Take the model."""


class NoTracker:
    """Tracks nothing."""

    def callbacks(self, network: str) -> Sequence[Any]:  # noqa: ARG002
        """Return none."""
        return ()

    @contextmanager
    def fold(self, number: int) -> Iterator[Tracker]:  # noqa: ARG002
        """Track nothing of a fold either."""
        yield self

    def figures(self, metrics: Mapping[str, Any]) -> None:
        """Pass over them."""

    def files(self, files: Sequence[Path]) -> None:
        """Pass over them."""

    def bundle(self, folder: Path) -> None:
        """Pass over it."""
