"""The store or server of MLflow: where it is, how to reach it, and what to do when it is gone."""

import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bilstm_hmm.errors import ToolkitError

if TYPE_CHECKING:
    from mlflow import MlflowClient

#: The store where neither the recipe nor the environment names one; what it keeps of files
#: lies in the folder beside it.
STORE = Path("runs/mlflow.db")
ARTIFACTS = "mlflow-artifacts"
URI_VARIABLE, EXPERIMENT_VARIABLE = "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"
#: A user and a password in an address.
_USER = re.compile(r"(?<=://)[^/\s@]*@")
#: Seconds after which a server that was gone is asked again.
RETRY_AFTER = 300.0
#: MLflow's own settings, where the user has none: a server that is gone holds a training up for
#: seconds, not minutes, and nothing is reported to MLflow's makers or printed.
_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


def tracking_uri(of_recipe: str | None) -> str:
    """Return where runs are tracked: as the recipe says, or the environment, or `STORE`."""
    return of_recipe or os.environ.get(URI_VARIABLE) or f"sqlite:///{STORE.absolute().as_posix()}"


def without_password(uri: str) -> str:
    """Return an address as it may be shown."""
    parts = urlsplit(uri)
    host = parts.netloc.rpartition("@")[2]
    return uri if host == parts.netloc else parts._replace(netloc=host).geturl()


def connect(of_recipe: str | None) -> "MlflowClient":
    """Return a client of the store or server, which has answered once.

    Raises
    ------
    ToolkitError
        Nobody answers there, or with an error.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    for name in ("mlflow", "alembic"):  # They report how tables are made.
        logging.getLogger(name).setLevel(logging.WARNING)
    from mlflow import MlflowClient

    uri = tracking_uri(of_recipe)
    if (file := sqlite_file(uri)) is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    with reaching(uri):
        client = MlflowClient(tracking_uri=uri)
        client.search_experiments(max_results=1)
    return client


@contextmanager
def reaching(uri: str) -> Iterator[None]:
    """Make one sentence of whatever goes wrong when a run begins there.

    Raises
    ------
    ToolkitError
        MLflow cannot be reached, or does not do as it is asked.
    """
    try:
        yield
    except ToolkitError:
        raise
    except Exception as error:  # Of requests, SQLAlchemy, or its own.
        raise ToolkitError(
            f"tracking_uri {without_password(uri)}: MLflow cannot be reached there "
            f"({one_line(error)}); start its server, name another, or set tracking to none."
        ) from None


def sqlite_file(uri: str) -> Path | None:
    """Return the file of a local store, None of any other."""
    scheme, _, path = uri.partition(":///")
    return Path(path) if scheme == "sqlite" and path else None


def experiment_id(client: "MlflowClient", name: str, uri: str) -> str:
    """Return the identity of an experiment, which is made where there is none of that name."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    file = sqlite_file(uri)
    # Otherwise MLflow would make a folder for its files wherever the command is called.
    place = None if file is None else (file.absolute().parent / ARTIFACTS).as_uri()
    try:
        return str(client.create_experiment(name, artifact_location=place))
    except MlflowException:  # Another process was first.
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return str(found.experiment_id)


def one_line(error: BaseException) -> str:
    """Return what an error says, short enough for a sentence, and without a password.

    Where the network or a file is behind it, that says more than what MLflow makes of it.
    """
    behind = error
    while (inner := behind.__cause__ or behind.__context__) is not None:
        behind = inner
    said = str(behind if isinstance(behind, OSError) else error)
    text = _USER.sub("", " ".join(said.split())) or type(error).__name__
    return text if len(text) <= 160 else f"{text[:157]}..."


@dataclass(slots=True)
class Connection:
    """Asks a server for things, and goes on without it where it is gone.

    Attributes
    ----------
    report
        Says, once, that it is.
    clock
        Seconds, from any moment on.
    """

    report: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    ask_again: float = 0.0
    has_warned: bool = field(default=False, init=False)

    def attempt(self, ask: Callable[[], object], *, at_once: bool = False) -> bool:
        """Ask, and return whether it was answered; for a while after a failure it is not asked.

        Parameters
        ----------
        at_once
            Ask also within that while: there is no later occasion.
        """
        if not at_once and self.clock() < self.ask_again:
            return False
        try:
            ask()
        except Exception as error:  # Whatever it is, the training is worth more.
            self.ask_again = self.clock() + RETRY_AFTER
            if not self.has_warned:
                self.has_warned = True
                self.report(
                    f"MLflow: no answer any more ({one_line(error)}); the run goes on, with all "
                    "its results in its folder, and MLflow is tried again later"
                )
            return False
        self.ask_again = 0.0
        return True
