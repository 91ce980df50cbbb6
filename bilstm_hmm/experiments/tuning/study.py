"""The study of a search, in SQLite: opened by any number of processes, and whole after any kill.

A trial belongs to the process that began it, which holds a lock while it lives. The system frees
the lock of a process that has ended, however it ended; so a trial that runs and whose lock is free
is lost. It is marked failed then, and its parameters are enqueued again.
"""

import os
import secrets
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.experiments.tuning.space import Choice, Dimension, Space
from bilstm_hmm.output.lock import output_lock

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial, Trial

STUDY = "study.db"
WORKERS = "workers"
_NAME = "search"
#: How often a trial whose process ended is begun in all.
ATTEMPTS = 3
#: Seconds that a process waits for others to begin their trials.
_PATIENCE = 300.0

# Attributes of a trial.
WORKER, BASE, RETRY_OF, ATTEMPT, ERROR = "worker", "base", "retry_of", "attempt", "error"


@dataclass(frozen=True, slots=True)
class Search:
    """A study in a folder, and what it searches.

    Attributes
    ----------
    worker
        The name of this process in it.
    base_params
        What the recipe that the search starts from has of the space.
    """

    study: "Study"
    folder: Path
    space: Space
    seed: int
    base_params: Mapping[str, Any]
    prune: bool = True
    worker: str = field(
        default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
    )

    def trials(self) -> "list[FrozenTrial]":
        """Return all trials as they now are, by their numbers."""
        return self.study.get_trials(deepcopy=False)


def open_study(folder: Path, identity: Mapping[str, Any]) -> "Study":
    """Open the study of a folder, or make one there.

    Parameters
    ----------
    identity
        What a search is of, by the name of its option: with anything else it is another one.

    Raises
    ------
    ToolkitError
        The file is no study, or one of another search.
    """
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = folder / STUDY
    try:
        # Others may be writing: each waits for its turn.
        storage = optuna.storages.RDBStorage(
            f"sqlite:///{path}", engine_kwargs={"connect_args": {"timeout": 120}}
        )
        study = optuna.create_study(
            storage=storage, study_name=_NAME, direction="maximize", load_if_exists=True
        )
        stored = study.user_attrs
    except (SQLAlchemyError, optuna.exceptions.OptunaError, RuntimeError):
        raise ToolkitError(
            f"{path}: cannot be opened as a study; move it elsewhere or choose another --output."
        ) from None
    for name, value in identity.items():
        if name not in stored:
            study.set_user_attr(name, value)
        elif stored[name] != value:
            raise ToolkitError(_other_search(folder, name, stored[name], value))
    return study


def _other_search(folder: Path, name: str, before: Any, now: Any) -> str:
    if isinstance(before, dict) and isinstance(now, dict):
        keys = [key for key in before | now if before.get(key) != now.get(key)]
        return (
            f"{folder}: {name} differs from that of the search there in {', '.join(keys)}; give "
            "the same, or choose another --output."
        )
    return (
        f"{folder}: the search there was started with {name} {before}, not {now}; give the same, "
        "or choose another --output."
    )


@contextmanager
def at_work(search: Search) -> Iterator[None]:
    """Hold the lock that says that this process lives, while the block runs."""
    with output_lock(search.folder / WORKERS / search.worker):
        yield


@contextmanager
def claiming(folder: Path) -> Iterator[None]:
    """Let one process at a time open the search and begin trials; the others wait."""
    patient_until = time.monotonic() + _PATIENCE
    while True:
        lock = output_lock(folder)
        try:
            lock.__enter__()
        except ToolkitError:
            if time.monotonic() > patient_until:
                raise
            time.sleep(0.05)
            continue
        try:
            yield
        finally:
            lock.__exit__(None, None, None)
        return


def begin_trial(search: Search, total: int) -> "Trial | None":
    """Begin the next trial; None where `total` of them are finished or under way.

    Lost ones are enqueued again first, and the recipe that the search starts from is the first.
    """
    import optuna

    with claiming(search.folder):
        recover(search)
        trials = search.trials()
        own = {trial.state.name for trial in trials if trial.user_attrs.get(BASE)}
        # Without it there is nothing to compare with, whatever ended its process before.
        is_base_due = not own & {"RUNNING", "COMPLETE"}
        if is_base_due and "WAITING" not in own:
            search.study.enqueue_trial(dict(search.base_params), user_attrs={BASE: True})
        running = [trial for trial in trials if trial.state.name == "RUNNING"]
        if not is_base_due and len(finished(trials)) + len(running) >= total:
            return None
        # A seed of the trial's own: with one of the process, one that goes on would draw again
        # what the one before drew.
        seed = (search.seed * 100_003 + len(trials)) % 2**32
        search.study.sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
        search.study.pruner = optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=2)
        trial = search.study.ask()
        trial.set_user_attr(WORKER, search.worker)
        known = search.base_params if trial.user_attrs.get(BASE) else None
        for dimension in search.space.dimensions:
            if known is None or dimension.key in known:
                _suggest(trial, dimension)
        return trial


def _suggest(trial: "Trial", dimension: Dimension) -> None:
    key = dimension.key
    if isinstance(dimension, Choice):
        trial.suggest_categorical(key, list(dimension.values))
        return
    low, high, step, log = dimension.low, dimension.high, dimension.step, dimension.log
    if dimension.whole:
        trial.suggest_int(key, int(low), int(high), step=int(step or 1), log=log)
    else:
        trial.suggest_float(key, float(low), float(high), step=step, log=log)


def recover(search: Search) -> None:
    """Mark trials failed whose process has ended, and enqueue their parameters again."""
    import optuna

    trials = search.trials()
    retried = {trial.user_attrs.get(RETRY_OF) for trial in trials}
    for trial in trials:
        if trial.state.name != "RUNNING" or _lives(search.folder, trial):
            continue
        attempt = trial.user_attrs.get(ATTEMPT, 1)
        # Enqueued before it is marked: a kill between the two loses nothing.
        if attempt < ATTEMPTS and trial.number not in retried:
            attributes = {RETRY_OF: trial.number, ATTEMPT: attempt + 1}
            if trial.user_attrs.get(BASE):
                attributes[BASE] = True
            search.study.enqueue_trial(dict(trial.params), user_attrs=attributes)
        search.study.tell(trial.number, state=optuna.trial.TrialState.FAIL)


def _lives(folder: Path, trial: "FrozenTrial") -> bool:
    """Say whether the process of a trial that runs is there; without one it ended at once."""
    worker = trial.user_attrs.get(WORKER)
    if worker is None:
        return False
    try:
        with output_lock(folder / WORKERS / worker):
            return False
    except ToolkitError:
        return True


def finished(trials: "Sequence[FrozenTrial]") -> "list[FrozenTrial]":
    """Return the trials that count: complete, pruned, or failed and not to be tried again."""
    retried = {trial.user_attrs.get(RETRY_OF) for trial in trials}
    return [
        trial
        for trial in trials
        if trial.state.name in ("COMPLETE", "PRUNED")
        or (trial.state.name == "FAIL" and trial.number not in retried)
    ]


def lost(trials: "Sequence[FrozenTrial]") -> "list[FrozenTrial]":
    """Return the trials whose process ended and that were begun anew under another number."""
    retried = {trial.user_attrs.get(RETRY_OF) for trial in trials}
    return [t for t in trials if t.state.name == "FAIL" and t.number in retried]


def complete(trials: "Sequence[FrozenTrial]") -> "list[FrozenTrial]":
    """Return the trials that were measured to their end."""
    return [trial for trial in trials if trial.state.name == "COMPLETE"]


def base_trial(trials: "Sequence[FrozenTrial]") -> "FrozenTrial | None":
    """Return the measured trial of the recipe that the search starts from, None before it is."""
    return next((trial for trial in complete(trials) if trial.user_attrs.get(BASE)), None)
