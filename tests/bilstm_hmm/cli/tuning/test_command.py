"""The command as users run it: killed and gone on with, and one sentence for what is wrong."""

import os
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bilstm_hmm.config.loading import load_recipe
from bilstm_hmm.experiments.tuning.tune import BEST, REPORT

Command = Callable[..., object]
SPACE = """\
network.dropout: {low: 0.0, high: 0.5}
hmm.states: {low: 1, high: 3}
"""


@pytest.fixture
def space(tmp_path: Path) -> Path:
    path = tmp_path / "space.yaml"
    path.write_text(SPACE, encoding="utf-8")
    return path


def states(folder: Path) -> list[str]:
    """The states of the trials in a search's data base."""
    if not (folder / "study.db").is_file():
        return []
    with closing(sqlite3.connect(folder / "study.db")) as connection:
        try:
            rows = connection.execute("SELECT state FROM trials ORDER BY number").fetchall()
        except sqlite3.OperationalError:  # It is just being made.
            return []
    return [state for (state,) in rows]


def test_a_search_that_is_killed_goes_on_and_its_best_recipe_trains(
    start: Command, command: Command, tiny: Path, least: tuple[str, ...], space: Path
) -> None:
    folder = space.parent / "run"
    arguments = ("--config", tiny, *least, "--space", space, "--output", folder)
    arguments += ("--trials", "3", "--confirm", "1")
    process = start("tune.py", *arguments, fast=True)
    try:
        patient_until = time.monotonic() + 300
        while states(folder)[:2] != ["COMPLETE", "RUNNING"]:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < patient_until
            time.sleep(0.02)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    done = command("tune.py", *arguments, "--test", train=True, steps=False)
    assert done.returncode == 0, done.stderr
    assert states(folder) == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    first, *_, best, report = done.stdout.splitlines()
    assert first.startswith(("Yes: ", "No: "))
    assert best == f"Best recipe: {folder / BEST}"
    assert report == f"Report: {folder / REPORT}"
    assert "On the test speakers" in done.stdout
    assert load_recipe(str(folder / BEST)).name == "tiny"
    done = command(
        *("train.py", "--config", folder / BEST, "--output", space.parent / "trained"),
        train=True,
        steps=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--trials", "0"], "Invalid value for '--trials'"),
        (["--metric", "ua"], "--metric ua: choose from bilstm, hmm, hybrid."),
        (["--space", "nowhere.yaml"], "--space nowhere.yaml: no such file"),
        (["--config", "nowhere.yaml"], "--config nowhere.yaml: no such file"),
        (["--set", "data.fold=9"], "data.fold: there is no fold 9"),
        (["--set", "data.protocol=unheard"], "data.protocol: unheard"),
        (["--test", "--set", "data.protocol=out-of-fold"], "--test: out-of-fold has no test"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_leaves_no_folder(
    command: Command, tiny: Path, space: Path, arguments: list[str], sentence: str
) -> None:
    folder = space.parent / "run"
    given = ["--config", tiny, "--space", space, "--output", folder, *arguments]
    done = command("tune.py", *given)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert not folder.exists()


def test_a_search_of_another_recipe_is_not_gone_on_with(
    command: Command, tiny: Path, space: Path, least: tuple[str, ...]
) -> None:
    folder = space.parent / "run"
    given = ["--config", tiny, *least, "--space", space, "--output", folder, "--confirm", "0"]
    given += ["--trials", "1"]
    assert command("tune.py", *given, train=True, steps=False).returncode == 0
    done = command("tune.py", *given, "--set", "training.label_smoothing=0.05")
    assert (done.returncode, done.stdout) == (2, "")
    assert "training.label_smoothing is not what the run was started with" in done.stderr
