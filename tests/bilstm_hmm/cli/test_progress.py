import logging
import sys
from pathlib import Path

import pytest

from bilstm_hmm import __version__
from bilstm_hmm.cli.progress import LOG, console_progress
from bilstm_hmm.errors import ToolkitError

ROW = {"epoch": 2.0, "loss": 1.23456, "val_ua": 51.25, "seconds": 0.1}


def test_what_is_said_is_shown_and_logged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "train.log"
    with console_progress(log) as progress:
        progress.update("Reading clips", 1, 2)
        progress.update("Reading clips", 2, 2)
        progress.message("[bold]as it is: é")
        progress.epoch("fold 1 of 2", 4, ROW)
        logging.getLogger("bilstm_hmm.deeper").warning("Left out: x")
    out, err = capsys.readouterr()
    assert out == ""
    assert "[bold]as it is: é" in err
    text = log.read_text("utf-8")
    assert "INFO [bold]as it is: é\n" in text
    assert "INFO fold 1 of 2, epoch 2: loss 1.235, val_ua 51.25\n" in text
    assert "WARNING Left out: x\n" in text
    assert not LOG.handlers


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("terminal", [False, True])
def test_where_no_bar_is_seen_a_line_comes_now_and_then(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "60")
    clock = Clock()
    with console_progress(tmp_path / "log", clock) as progress:
        for done in range(1, 101):
            clock.now += 0.5
            progress.update("Reading", done, 200)
        progress.networks({"final": 10.0})
        for epoch in range(1, 5):
            clock.now += 25.0
            progress.epoch("final", 8, {**ROW, "epoch": float(epoch)})
    said = [
        "Reading: 60 of 200, 2.03/s, 1 min 9 s left",
        "Network final: epoch 1 of 8, loss 1.23, validation UA 51.2; "
        "whole run: about 2 min 55 s left",
        "Network final: epoch 3 of 8, loss 1.23, validation UA 51.2; "
        "whole run: about 2 min 5 s left",
    ]
    lines = [line.rstrip() for line in capsys.readouterr().err.splitlines()]
    assert [line for line in lines if line in said] == ([] if terminal else said)
    log = (tmp_path / "log").read_text("utf-8")
    assert said[0] in log
    assert log.count("Reading: ") == 1
    assert log.count("; whole run: about ") == 4
    assert "final, epoch 4: loss 1.235, val_ua 51.25; whole run: about 1 min 40 s left" in log


def test_a_log_is_gone_on_with(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    for text in ("first", "second"):
        with console_progress(log) as progress:
            progress.message(text)
    said = [line.split("INFO ")[1] for line in log.read_text("utf-8").splitlines()]
    begun = f"Started: bilstm-hmm {__version__}"
    assert said == [begun, "first", "Finished", begun, "second", "Finished"]


def test_the_log_is_closed_when_something_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), console_progress(tmp_path / "train.log"):
        raise ZeroDivisionError
    assert not LOG.handlers


def test_a_log_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(ToolkitError, match=r"^cannot write .*: it is a folder; give the name of"),
        console_progress(tmp_path),
    ):
        pass


def test_a_full_disk_does_not_fill_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with console_progress(full) as progress:
        progress.message("still going")
    assert "still going" in capsys.readouterr().err
