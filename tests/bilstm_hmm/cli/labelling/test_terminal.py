"""A folder's results on a terminal: each line whole, each error once, and no bar between them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from tests.oracle import say

pty = pytest.importorskip("pty")
REPOSITORY = Path(__file__).parents[4]


def on_terminal(*arguments: str | Path, columns: int) -> str:
    """Run predict.py with a terminal for both outputs, and return what is on it."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, REPOSITORY / "predict.py", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "COLUMNS": str(columns), "TERM": "xterm"},
    ):
        os.close(slave)
        shown = b""
        try:
            while chunk := os.read(master, 65536):
                shown += chunk
        except OSError:
            # Linux says so that nobody holds the other end any more.
            pass
    os.close(master)
    return shown.decode("utf-8").replace("\r\n", "\n")


def test_lines_are_whole_and_errors_said_once(oracle: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a recording with quite a long name.wav", say("happy"), 16000)
    (tmp_path / "bad.wav").write_bytes(b"no audio at all")
    text = on_terminal("--model", oracle, tmp_path, columns=40)
    first, second, last = text.splitlines()
    assert first.startswith(f"{tmp_path / 'a recording with quite a long name.wav'}: happy (")
    assert second.startswith(f"{tmp_path / 'bad.wav'}: no label: cannot be read as audio")
    assert last.startswith("1 labelled (happy 1), 0 no speech, 1 failed")
    assert "\x1b" not in text


def test_a_bar_is_shown_where_the_results_are_not(oracle: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "one.wav", say("happy"), 16000)
    (tmp_path / "bad.wav").write_bytes(b"no audio at all")
    output = ("--output", tmp_path / "labels.csv")
    text = on_terminal("--model", oracle, tmp_path, *output, columns=200)
    assert "Labelling" in text
    assert f"{tmp_path / 'bad.wav'} cannot be read as audio" in text
