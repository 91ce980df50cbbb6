"""Whole runs in MLflow itself: a local store, and a server on the loopback.

The server is no part of what the tests install. Where its package `mlflow` is not there, a program
of another environment may be named: ``MLFLOW_PROGRAM=/path/to/mlflow``.
"""

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.training.tracking.mlflow_store import connect
from bilstm_hmm.training.tracking.mlflow_tracker import mlflow_run

pytest.importorskip("mlflow")
# Of MLflow and SQLAlchemy, which leave connections to the end of the process.
pytestmark = pytest.mark.filterwarnings("default")

Command = Callable[..., "subprocess.CompletedProcess[str]"]
PROGRAM = os.environ.get("MLFLOW_PROGRAM") or (find_spec("flask") and shutil.which("mlflow"))
PATIENCE = 120.0


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An empty store, whose tables take seconds to make."""
    return f"sqlite:///{(tmp_path_factory.mktemp('mlflow') / 'mlflow.db').as_posix()}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with a store of its own."""
    if not PROGRAM:
        pytest.skip("MLflow's server is not installed")
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    uri = f"http://127.0.0.1:{port}"
    order = (
        *(PROGRAM, "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{folder}/mlflow.db"),
        *("--artifacts-destination", str(folder / "artifacts")),
    )
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment["MLFLOW_DISABLE_TELEMETRY"] = "true"
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            order, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            _wait_for(f"{uri}/health", process)
            yield uri
        finally:
            os.killpg(process.pid, 9)
            process.wait()


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    patient_until = time.monotonic() + PATIENCE
    while True:
        assert process.poll() is None
        assert time.monotonic() < patient_until
        try:
            with urllib.request.urlopen(url, timeout=5.0):
                return
        except OSError:
            time.sleep(0.2)


def runs_of(uri: str, name: str) -> dict[str, Any]:
    """Read the runs of an experiment, by their names."""
    client = connect(uri)
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    return {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}


def files_of(uri: str, run: Any, folder: str | None = None) -> set[str]:
    return {file.path for file in connect(uri).list_artifacts(run.info.run_id, folder)}


@pytest.mark.parametrize("store", ["local", "server"])
def test_a_training_is_there_with_all_it_left(
    request: pytest.FixtureRequest,
    command: Command,
    tiny: Path,
    least: tuple[str, ...],
    tmp_path: Path,
    store: str,
) -> None:
    uri = request.getfixturevalue(store)
    keys = ("--set", "tracking=mlflow", "--set", f"tracking_uri={uri}", "--set", "name=training")
    order = ("train.py", "--config", tiny, *least, *keys, "--output", tmp_path / "first")
    done = command(*order, train=True, steps=False)
    assert done.returncode == 0, done.stderr
    assert f"Tracked by MLflow: run first at {uri}" in done.stderr.replace("\n", "")
    (run,) = runs_of(uri, "training").values()
    assert (run.info.run_name, run.info.status) == ("first", "FINISHED")
    assert run.data.params["training.epochs"] == "1"
    assert run.data.params["network.family"] == "bilstm"
    assert {"fold1/val_ua", "final/loss", "hybrid/ua", "hybrid/ece"} <= set(run.data.metrics)
    history = connect(uri).get_metric_history(run.info.run_id, "final/loss")
    assert [metric.step for metric in history] == [1]
    files = files_of(uri, run)
    assert {"report.md", "metrics.json", "history.csv", "curves_final.png", "bundle"} <= files
    assert {"bundle/bundle.json", "bundle/network.onnx"} <= files_of(uri, run, "bundle")
    assert not (tmp_path / "first" / "tensorboard").exists()


@pytest.mark.parametrize("store", ["local", "server"])
def test_the_folds_of_an_evaluation_are_runs_within_its_own(
    request: pytest.FixtureRequest,
    command: Command,
    tiny: Path,
    least: tuple[str, ...],
    tmp_path: Path,
    store: str,
) -> None:
    uri = request.getfixturevalue(store)
    keys = ("--set", "tracking=mlflow", "--set", "name=evaluation", "--folds", "1,2")
    order = ("evaluate.py", "--config", tiny, *least, *keys, "--output", tmp_path / "both")
    done = command(*order, train=True, steps=False, MLFLOW_TRACKING_URI=uri)
    assert done.returncode == 0, done.stderr
    runs = runs_of(uri, "evaluation")
    assert set(runs) == {"both", "fold 1", "fold 2"}
    whole = runs.pop("both")
    for run in (whole, *runs.values()):
        assert run.info.status == "FINISHED"
        assert "hybrid/ua" in run.data.metrics
    history = connect(uri).get_metric_history(whole.info.run_id, "hybrid/ua_per_fold")
    scores = {metric.step: metric.value for metric in history}
    for number in (1, 2):
        run = runs[f"fold {number}"]
        assert run.data.tags["mlflow.parentRunId"] == whole.info.run_id
        assert run.data.metrics["hybrid/ua"] == pytest.approx(scores[number])
        assert {"final/loss", "train_seconds"} <= set(run.data.metrics)
        assert files_of(uri, run) == {"bundle", f"fold{number}.csv", f"fold{number}.json"}
    assert {"report.md", "predictions.csv"} <= files_of(uri, whole)


@pytest.mark.parametrize("store", ["local", "server"])
def test_a_run_that_is_resumed_is_found_again(
    request: pytest.FixtureRequest, tmp_path: Path, store: str
) -> None:
    uri = request.getfixturevalue(store)
    recipe = Recipe(name="resumed", tracking_uri=uri)
    said: list[str] = []
    for epoch in (0, 1):
        with mlflow_run(recipe, tmp_path, "evaluate", said.append) as run, run.fold(4) as fold:
            (callback,) = fold.callbacks("final")
            callback.on_epoch_end(epoch, {"epoch": epoch + 1.0, "loss": 0.5})
    assert said == [f"Tracked by MLflow: run {tmp_path.name} at {uri}"] * 2
    runs = runs_of(uri, "resumed")
    assert set(runs) == {tmp_path.name, "fold 4"}
    history = connect(uri).get_metric_history(runs["fold 4"].info.run_id, "final/loss")
    assert [metric.step for metric in history] == [1, 2]
    assert all(run.info.status == "FINISHED" for run in runs.values())


def test_a_store_that_cannot_be_reached_is_known_before_a_folder_is_made(
    command: Command, tiny: Path, tmp_path: Path
) -> None:
    keys = ("--set", "tracking=mlflow", "--set", "tracking_uri=http://127.0.0.1:9")
    for script in ("train.py", "evaluate.py"):
        done = command(script, "--config", tiny, *keys, "--output", tmp_path / "run")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("tracking_uri http://127.0.0.1:9: MLflow cannot be reached")
        assert done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()
