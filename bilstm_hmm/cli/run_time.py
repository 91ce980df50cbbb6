"""How long the rest of a training run will take, from what of it is done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class RunTime:
    """Estimates the time left of all networks of all folds, at the pace so far.

    Work that an earlier, interrupted run did counts as done and not for the pace. A network that
    stops early makes the estimate smaller at once.

    Attributes
    ----------
    clock
        Seconds, from any moment on.
    """

    clock: Callable[[], float]
    folds_done: int = 0
    n_folds: int = 1
    work: Mapping[str, float] = field(default_factory=dict)
    _started: float | None = None
    _done_before: float | None = None

    def begin_fold(self, done: int, total: int) -> None:
        """Take note that `done` of `total` folds are finished and another one begins."""
        self.folds_done, self.n_folds = done, total

    def begin_networks(self, work: Mapping[str, float]) -> None:
        """Take note of the networks of a fold, in their order, and how much work each is."""
        self.work = work
        if self._started is None:
            self._started = self.clock()

    def left(self, network: str, epoch: int, total: int) -> float | None:
        """Return the seconds left of the run after an epoch of a network, None if not known.

        Parameters
        ----------
        total
            The most epochs that the network may have.
        """
        if network not in self.work or self._started is None:
            return None
        if self._done_before is None:
            self._done_before = self._fraction(network, (epoch - 1) / total)
        done = self._fraction(network, epoch / total)
        elapsed = self.clock() - self._started
        return elapsed * (1.0 - done) / (done - self._done_before)

    def _fraction(self, network: str, share: float) -> float:
        names = list(self.work)
        before = sum(self.work[name] for name in names[: names.index(network)])
        in_fold = (before + share * self.work[network]) / sum(self.work.values())
        return (self.folds_done + in_fold) / self.n_folds
