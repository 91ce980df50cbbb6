"""How a long piece of work shows how far it is."""

from collections.abc import Mapping
from typing import Protocol


class Progress(Protocol):
    """Shows how far a run is; `bilstm_hmm.cli.progress` shows it at the terminal."""

    def message(self, text: str) -> None:
        """Show a sentence for the user."""

    def update(self, label: str, done: int, total: int) -> None:
        """Show that `done` of `total` things are finished of what `label` names."""

    def fold(self, done: int, total: int) -> None:
        """Take note that a fold begins, after `done` of `total`."""

    def networks(self, work: Mapping[str, float]) -> None:
        """Take note of the networks that a fold will have, in their order.

        Parameters
        ----------
        work
            How much work each is, by its name, in any unit: clips times epochs.
        """

    def epoch(self, name: str, total: int, row: Mapping[str, float]) -> None:
        """Show an epoch of the training of the network `name`.

        Parameters
        ----------
        total
            The most epochs that it may have.
        row
            ``epoch``, ``loss``, ``seconds`` and what else its history has of the epoch.
        """


class SilentProgress:
    """Shows nothing."""

    def message(self, text: str) -> None:
        """Keep silent."""

    def update(self, label: str, done: int, total: int) -> None:
        """Keep silent."""

    def fold(self, done: int, total: int) -> None:
        """Keep silent."""

    def networks(self, work: Mapping[str, float]) -> None:
        """Keep silent."""

    def epoch(self, name: str, total: int, row: Mapping[str, float]) -> None:
        """Keep silent."""
