import logging
from pathlib import Path

import pytest

from bilstm_hmm.cli.progress import LOG, console_progress
from bilstm_hmm.errors import ToolkitError

ROW = {"epoch": 2.0, "loss": 1.23456, "val_ua": 51.25, "seconds": 0.1}


def test_what_is_said_is_shown_and_logged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "train.log"
    with console_progress(log) as progress:
        progress.move("Reading clips", 1, 2)
        progress.move("Reading clips", 2, 2)
        progress.say("[bold]as it is: é")
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


def test_a_log_is_gone_on_with(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    for text in ("first", "second"):
        with console_progress(log) as progress:
            progress.say(text)
    assert [line.split()[-1] for line in log.read_text("utf-8").splitlines()] == ["first", "second"]


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
        progress.say("still going")
    assert "still going" in capsys.readouterr().err
