"""A run in MLflow, whose server may be gone at any moment: the run goes on, and nothing is lost."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace as Bag
from typing import Any

import pytest

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.training.tracking import mlflow_store, mlflow_tracker
from bilstm_hmm.training.tracking.mlflow_store import (
    Connection,
    connect,
    one_line,
    tracking_uri,
    without_password,
)
from bilstm_hmm.training.tracking.mlflow_tracker import MlflowTracker, mlflow_run

pytest.importorskip("mlflow")

ROW = {"epoch": 1.0, "loss": 0.5, "val_ua": 40.0}


@dataclass
class Server:
    """What a client of MLflow is to a tracker, and a server that can be shut down."""

    is_gone: bool = False
    asked: int = 0
    names: dict[str, str] = field(default_factory=dict)
    tags: dict[str, Any] = field(default_factory=dict)
    status: dict[str, str] = field(default_factory=dict)
    metrics: Any = field(default_factory=lambda: defaultdict(list))
    params: Any = field(default_factory=lambda: defaultdict(dict))
    files: Any = field(default_factory=lambda: defaultdict(list))

    def ask(self) -> None:
        self.asked += 1
        if self.is_gone:
            raise ConnectionError("nobody is\nthere")

    def get_experiment_by_name(self, _name: str) -> None:
        self.ask()

    def create_experiment(self, name: str, artifact_location: str | None) -> str:
        self.ask()
        self.experiment = (name, artifact_location)
        return "7"

    def create_run(self, experiment: str, tags: Any, run_name: str) -> Bag:
        self.ask()
        assert experiment == "7"
        identity = f"run{len(self.names)}"
        self.names[identity], self.tags[identity] = run_name, tags
        self.status[identity] = "RUNNING"
        return Bag(info=Bag(run_id=identity))

    def get_run(self, identity: str) -> str:
        from mlflow.exceptions import MlflowException

        self.ask()
        if identity not in self.names:
            raise MlflowException("no such run")
        return identity

    def search_runs(self, _experiments: list[str], filter_string: str) -> list[Bag]:
        self.ask()
        return [
            Bag(info=Bag(run_id=identity))
            for identity, name in self.names.items()
            if f"= '{name}'" in filter_string
            and f"= '{self.tags[identity].get('mlflow.parentRunId')}'" in filter_string
        ]

    def update_run(self, identity: str, status: str) -> None:
        self.ask()
        self.status[identity] = status

    def set_terminated(self, identity: str, status: str) -> None:
        self.update_run(identity, status)

    def log_param(self, identity: str, key: str, value: object) -> None:
        self.ask()
        self.params[identity][key] = str(value)

    def log_batch(self, identity: str, metrics: Any = (), params: Any = ()) -> None:
        self.ask()
        assert len(params) <= 100
        assert len(metrics) <= 1000
        self.metrics[identity] += [(m.key, m.value, m.step) for m in metrics]
        self.params[identity].update({p.key: p.value for p in params})

    def log_artifact(self, identity: str, path: str, place: str | None) -> None:
        self.ask()
        self.files[identity].append((Path(path).name, place))

    log_artifacts = log_artifact


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server that every run of the test is tracked by."""
    server = Server()
    monkeypatch.setattr(mlflow_tracker, "connect", lambda _uri: server)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    return server


@pytest.fixture
def said() -> list[str]:
    """What the user was shown."""
    return []


@pytest.fixture
def begin(server: Server, tmp_path: Path, said: list[str]) -> Callable[..., Any]:
    """Begin a run in a folder of the test."""

    def begin(**keys: Any) -> Any:
        folder = tmp_path / "tiny-2"
        folder.mkdir(exist_ok=True)
        return mlflow_run(Recipe(name="tiny", **keys), folder, "evaluate", said.append)

    return begin


def follow(tracker: MlflowTracker, epochs: int, network: str = "final") -> None:
    (callback,) = tracker.callbacks(network)
    callback.set_model(None)
    callback.on_train_begin()
    for epoch in range(epochs):
        callback.on_epoch_end(epoch, ROW)
    callback.on_train_end()


def epochs_of(epochs: Iterator[int], network: str = "final") -> list[tuple[str, float, int]]:
    keys = ("loss", "val_ua")
    return [(f"{network}/{key}", ROW[key], epoch) for epoch in epochs for key in keys]


def test_a_run_has_the_recipe_the_epochs_the_scores_and_the_model(
    server: Server, begin: Callable[..., Any], tmp_path: Path, said: list[str]
) -> None:
    with begin(data={"root": tmp_path / "mine", "corpus": "folders"}) as run:
        with run.fold(3) as fold:
            follow(fold, 2)
            fold.figures({"systems": {"hmm": {"ua": 50.0}}})
            fold.bundle(tmp_path)
        run.figures({"folds": [3], "systems": {"hmm": {"ua_per_fold": [50.0]}}})
        run.files([tmp_path / "report.md"])
        assert server.status == {"run0": "RUNNING", "run1": "FINISHED"}
    assert server.experiment == ("tiny", (Path("runs").absolute() / "mlflow-artifacts").as_uri())
    assert server.names == {"run0": "tiny-2", "run1": "fold 3"}
    assert server.tags["run1"] == {"mlflow.parentRunId": "run0"}
    assert server.tags["run0"]["mlflow.source.name"] == "bilstm-hmm evaluate"
    assert server.status == {"run0": "FINISHED", "run1": "FINISHED"}
    assert server.params["run0"]["training.epochs"] == str(Recipe().training.epochs)
    assert server.params["run0"]["features.normalisation"] == Recipe().features.normalisation
    # Where somebody's recordings lie is not sent.
    assert server.params["run0"]["data.root"] == "null"
    assert str(tmp_path) not in str(server.params)
    assert server.metrics["run1"] == [*epochs_of(range(1, 3)), ("hmm/ua", 50.0, 0)]
    assert server.metrics["run0"] == [("hmm/ua_per_fold", 50.0, 3)]
    assert server.files["run0"] == [("report.md", None)]
    assert server.files["run1"] == [(tmp_path.name, "bundle")]
    assert len(said) == 1


def test_a_server_that_comes_back_has_everything_in_the_end(
    server: Server, begin: Callable[..., Any], tmp_path: Path, said: list[str]
) -> None:
    with begin() as run:
        with run.fold(1) as fold:
            follow(fold, 1)
            server.is_gone = True
            follow(fold, 3, "other")
            fold.bundle(tmp_path)
        with run.fold(2) as fold:
            follow(fold, 1)
        server.is_gone = False
        run.files([tmp_path / "report.md"])
    assert sorted(server.names.values()) == ["fold 1", "fold 2", "tiny-2"]
    assert set(server.status.values()) == {"FINISHED"}
    by_name = {name: identity for identity, name in server.names.items()}
    first, second = by_name["fold 1"], by_name["fold 2"]
    assert server.metrics[first] == [*epochs_of(range(1, 2)), *epochs_of(range(1, 4), "other")]
    assert server.metrics[second] == epochs_of(range(1, 2))
    assert server.files[first] == [(tmp_path.name, "bundle")]
    assert server.files[by_name["tiny-2"]] == [("report.md", None)]
    warnings = [text for text in said if "no answer any more (nobody is there)" in text]
    assert len(warnings) == 1


def test_a_server_that_is_gone_ends_no_run_and_is_hardly_asked(
    server: Server, begin: Callable[..., Any], tmp_path: Path, said: list[str]
) -> None:
    with begin() as run:
        server.is_gone, before = True, server.asked
        for number in (1, 2):
            with run.fold(number) as fold:
                follow(fold, 50)
                fold.figures({"systems": {"hmm": {"ua": 50.0}}})
        run.files([tmp_path / "report.md"])
    # Once when it was found to be gone, at the end of each fold, and at the end of all.
    assert server.asked - before == 4
    assert len(said) == 2
    assert "the run goes on, with all its results in its folder" in said[1]


@pytest.mark.parametrize(
    ("error", "status"), [(ToolkitError("x"), "FAILED"), (KeyboardInterrupt(), "KILLED")]
)
def test_how_a_run_ended_is_known(
    server: Server, begin: Callable[..., Any], error: BaseException, status: str
) -> None:
    with pytest.raises(type(error)), begin() as run, run.fold(1):
        raise error
    assert server.status == {"run0": status, "run1": status}


def test_a_run_that_is_resumed_is_the_same_run(server: Server, begin: Callable[..., Any]) -> None:
    with pytest.raises(KeyboardInterrupt), begin() as run, run.fold(1):
        raise KeyboardInterrupt
    with begin() as run, run.fold(1) as fold:
        assert server.status == {"run0": "RUNNING", "run1": "RUNNING"}
        follow(fold, 1)
    assert server.names == {"run0": "tiny-2", "run1": "fold 1"}
    assert server.status == {"run0": "FINISHED", "run1": "FINISHED"}
    assert server.metrics["run1"] == epochs_of(range(1, 2))


@pytest.mark.parametrize("identity", ['{"run_id": "elsewhere"}', "no JSON", "[]", "{}"])
def test_a_run_that_is_not_there_is_made_anew(
    server: Server, begin: Callable[..., Any], tmp_path: Path, identity: str
) -> None:
    path = tmp_path / "tiny-2" / "mlflow.json"
    path.parent.mkdir()
    path.write_text(identity, "utf-8")
    with begin():
        pass
    assert server.names == {"run0": "tiny-2"}
    assert json.loads(path.read_text("utf-8")) == {"run_id": "run0"}


def test_a_server_that_is_not_there_from_the_beginning_is_one_sentence(
    server: Server, begin: Callable[..., Any]
) -> None:
    server.is_gone = True
    uri = "http://anna:secret@localhost:1/path"
    words = (
        r"^tracking_uri http://localhost:1/path: MLflow cannot be reached there \(nobody is there"
        r"\); start its server, name another, or set tracking to none\.$"
    )
    with pytest.raises(ToolkitError, match=words), begin(tracking_uri=uri):
        pass


def test_nobody_at_an_address_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(ToolkitError) as caught:
        connect("http://anna:secret@127.0.0.1:9")
    sentence = str(caught.value)
    assert sentence.startswith("tracking_uri http://127.0.0.1:9: MLflow cannot be reached there (")
    assert "refused" in sentence
    assert "secret" not in sentence


def test_what_an_error_says_is_short_and_without_a_password() -> None:
    assert one_line(ValueError("at http://anna:secret@host/x\n  it broke")) == (
        "at http://host/x it broke"
    )
    assert one_line(ValueError()) == "ValueError"
    assert len(one_line(ValueError("x" * 1000))) == 160


def test_the_recipe_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking_uri(None) == f"sqlite:///{Path('runs/mlflow.db').absolute().as_posix()}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://of-environment")
    assert tracking_uri(None) == "http://of-environment"
    assert tracking_uri("http://of-recipe") == "http://of-recipe"


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://anna:secret@host:5000/x?y=1", "http://host:5000/x?y=1"),
        ("http://host:5000", "http://host:5000"),
        ("sqlite:////a/b.db", "sqlite:////a/b.db"),
    ],
)
def test_a_password_is_not_shown(uri: str, shown: str) -> None:
    assert without_password(uri) == shown


def test_a_server_is_asked_again_after_a_while() -> None:
    now, said = [0.0], []
    connection = Connection(said.append, lambda: now[0])
    is_gone = [True]

    def ask() -> None:
        if is_gone[0]:
            raise OSError

    assert not connection.attempt(ask)
    is_gone[0] = False
    now[0] = mlflow_store.RETRY_AFTER - 1.0
    assert not connection.attempt(ask)
    assert connection.attempt(ask, at_once=True)
    assert connection.attempt(ask)
    is_gone[0] = True
    assert not connection.attempt(ask)
    now[0] += mlflow_store.RETRY_AFTER
    is_gone[0] = False
    assert connection.attempt(ask)
    assert said == [said[0]]
