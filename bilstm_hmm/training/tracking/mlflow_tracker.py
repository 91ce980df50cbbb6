"""Runs in MLflow: parameters, epochs, scores, reports and the model, with a run a fold inside.

What a server that is gone does not take in is kept and sent when it answers again. No run of
MLflow's is made twice: its identity stands in the run's folder, for a training that is resumed.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bilstm_hmm.atomic_files import atomic_write
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.config.without_paths import without_paths
from bilstm_hmm.training.tracking.figures import figures, parameters
from bilstm_hmm.training.tracking.mlflow_store import (
    EXPERIMENT_VARIABLE,
    Connection,
    connect,
    experiment_id,
    reaching,
    tracking_uri,
    without_password,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

#: The file that names the run of MLflow's, in the run's folder.
IDENTITY = "mlflow.json"
#: How much MLflow takes at a time, and of a parameter's value.
MOST_PARAMETERS, MOST_METRICS, LONGEST_VALUE = 100, 1000, 6000
_PARENT, _NAME = "mlflow.parentRunId", "mlflow.runName"
_BUNDLE = "bundle"


@dataclass(slots=True)
class MlflowTracker:
    """A run of MLflow's, made when it is first needed.

    Attributes
    ----------
    make
        Finds the run or makes it, and returns its identity.
    waiting, files_waiting
        What has not been sent, the oldest first; files with their folder in MLflow.
    missed
        Ends of folds that nobody answered to.
    """

    client: "MlflowClient"
    connection: Connection
    make: Callable[[], str]
    make_fold: Callable[[str, int], str]
    identity: str | None = None
    waiting: "list[Metric]" = field(default_factory=list)
    files_waiting: list[tuple[Path, str | None]] = field(default_factory=list)
    missed: list[Callable[[], None]] = field(default_factory=list)

    def callbacks(self, network: str) -> Sequence["EpochMetrics"]:
        """Return what sends the epochs of a network."""
        return (EpochMetrics(self, network),)

    @contextmanager
    def fold(self, number: int) -> Iterator["MlflowTracker"]:
        """Yield the tracker of a fold, whose run lies in this one."""

        def make() -> str:
            return self.make_fold(self._run(), number)

        inside = MlflowTracker(self.client, self.connection, make, self.make_fold)
        with inside.ended(self.missed):
            yield inside

    def figures(self, metrics: Mapping[str, Any]) -> None:
        """Send scores."""
        self.send((figure.name, figure.value, figure.step) for figure in figures(metrics))

    def send(self, rows: Iterator[tuple[str, float, int]]) -> None:
        """Send names, values and steps, after all that waits."""
        from mlflow.entities import Metric

        now = time.time_ns() // 1_000_000
        self.waiting.extend(Metric(name, value, now, step) for name, value, step in rows)
        self.connection.attempt(self._flush)

    def files(self, files: Sequence[Path]) -> None:
        """Send files."""
        self.files_waiting.extend((path, None) for path in files)
        self.connection.attempt(self._flush)

    def bundle(self, folder: Path) -> None:
        """Send the model, as a folder ``bundle``."""
        self.files_waiting.append((folder, _BUNDLE))
        self.connection.attempt(self._flush)

    @contextmanager
    def ended(self, missed: list[Callable[[], None]]) -> Iterator[None]:
        """Begin the run now, and end it with the block as that ends.

        Where nobody answers then, what is left to do is added to `missed`.
        """
        self.connection.attempt(self._run)
        status = "FAILED"
        try:
            yield
            status = "FINISHED"
        except KeyboardInterrupt:
            status = "KILLED"
            raise
        finally:
            end = partial(self._end, status)
            if not self.connection.attempt(end, at_once=True):
                missed.append(end)

    def _end(self, status: str) -> None:
        while self.missed:
            self.missed[0]()
            del self.missed[0]
        self._flush()
        self.client.set_terminated(self._run(), status)

    def _run(self) -> str:
        if self.identity is None:
            self.identity = self.make()
        return self.identity

    def _flush(self) -> None:
        while self.waiting:
            first = self.waiting[:MOST_METRICS]
            self.client.log_batch(self._run(), metrics=first)
            del self.waiting[: len(first)]
        while self.files_waiting:
            path, place = self.files_waiting[0]
            send = self.client.log_artifacts if path.is_dir() else self.client.log_artifact
            send(self._run(), str(path), place)
            del self.files_waiting[0]


@dataclass(frozen=True, slots=True)
class EpochMetrics:
    """A Keras callback, as far as the training loop calls it: sends the row of each epoch."""

    tracker: MlflowTracker
    network: str

    def set_model(self, model: Any) -> None:
        """Take no note of the model."""

    def on_train_begin(self) -> None:
        """Wait for the first epoch."""

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Send the scores of an epoch, the first of which is 0 here and 1 in MLflow."""
        named = ((key, value) for key, value in logs.items() if key != "epoch")
        self.tracker.send((f"{self.network}/{key}", value, epoch + 1) for key, value in named)

    def on_train_end(self) -> None:
        """Leave it at the last epoch."""


@contextmanager
def mlflow_run(
    recipe: Recipe, folder: Path, kind: str, report: Callable[[str], None]
) -> Iterator[MlflowTracker]:
    """Yield the tracker of the run in `folder`, and end it with the block.

    The experiment has the recipe's name, or that of the variable ``MLFLOW_EXPERIMENT_NAME``, and
    the run that of its folder.

    Parameters
    ----------
    report
        Shows a sentence to the user.

    Raises
    ------
    ToolkitError
        MLflow cannot be reached when the run begins; later it may be gone.
    """
    client, uri = connect(recipe.tracking_uri), tracking_uri(recipe.tracking_uri)
    with reaching(uri):
        name = os.environ.get(EXPERIMENT_VARIABLE) or recipe.name
        runs = _Runs(client, experiment_id(client, name, uri), recipe, kind)
        identity = runs.open(folder)
    report(f"Tracked by MLflow: run {folder.resolve().name} at {without_password(uri)}")
    tracker = MlflowTracker(client, Connection(report), lambda: identity, runs.open_fold, identity)
    with tracker.ended([]):
        yield tracker


@dataclass(frozen=True, slots=True)
class _Runs:
    """Makes runs, or finds those of a training that is resumed."""

    client: "MlflowClient"
    experiment: str
    recipe: Recipe
    kind: str

    def open(self, folder: Path) -> str:
        """Return the identity of the run in `folder`."""
        known = self._known(folder / IDENTITY)
        if known is not None:
            self.client.update_run(known, status="RUNNING")
            return known
        tags = {
            "mlflow.source.name": f"bilstm-hmm {self.kind}",
            "corpus": self.recipe.data.corpus,
            "protocol": self.recipe.data.protocol or "",
        }
        made = self.client.create_run(
            self.experiment, tags=tags, run_name=folder.resolve().name
        ).info.run_id
        self._log_recipe(made)
        atomic_write(folder / IDENTITY, json.dumps({"run_id": made}) + "\n")
        return str(made)

    def open_fold(self, parent: str, number: int) -> str:
        """Return the identity of the run of a fold."""
        name = f"fold {number}"
        found = self.client.search_runs(
            [self.experiment], f"tags.`{_PARENT}` = '{parent}' and tags.`{_NAME}` = '{name}'"
        )
        if found:
            identity = str(found[0].info.run_id)
            self.client.update_run(identity, status="RUNNING")
            return identity
        made = self.client.create_run(self.experiment, tags={_PARENT: parent}, run_name=name)
        self.client.log_param(made.info.run_id, "fold", number)
        return str(made.info.run_id)

    def _known(self, path: Path) -> str | None:
        """The run of an earlier process, None where there is none here any more."""
        from mlflow.exceptions import MlflowException

        try:
            identity = str(json.loads(path.read_bytes())["run_id"])
            self.client.get_run(identity)
        except (OSError, ValueError, KeyError, TypeError, MlflowException):
            return None
        return identity

    def _log_recipe(self, identity: str) -> None:
        from mlflow.entities import Param

        tree = without_paths(self.recipe).model_dump(mode="json")
        params = [
            Param(name, (value if isinstance(value, str) else json.dumps(value))[:LONGEST_VALUE])
            for name, value in parameters(tree)
        ]
        for start in range(0, len(params), MOST_PARAMETERS):
            self.client.log_batch(identity, params=params[start : start + MOST_PARAMETERS])
