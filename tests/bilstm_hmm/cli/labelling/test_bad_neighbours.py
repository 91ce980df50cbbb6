"""One bad thing in a folder costs the others nothing, whatever it is called."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bilstm_hmm.data import audio_files

from bilstm_hmm.cli.labelling.inputs import find_inputs
from tests.oracle import say

REPOSITORY = Path(__file__).parents[4]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "calls"
    folder.mkdir()
    soundfile.write(folder / "a.wav", say("happy"), 16000)
    soundfile.write(folder / "z.wav", say("sad"), 16000)
    return folder


def named(folder: Path, name: bytes) -> Path:
    path = Path(os.fsdecode(os.fsencode(folder) + b"/" + name))
    try:
        path.touch()
    except OSError:
        pytest.skip("this file system takes no such names")
    return path


def test_what_cannot_be_labelled_is_a_row(
    command: Callable[..., object], oracle: Path, folder: Path, tmp_path: Path
) -> None:
    content = (folder / "a.wav").read_bytes()
    named(folder, b"bad\xff.wav").write_bytes(content)
    named(folder, b"empty\xff.wav")
    soundfile.write(folder / "slow.wav", say("happy"), 1)
    loud = 1e13 * say("happy").astype(np.float64)
    soundfile.write(folder / "loud.wav", loud, 16000, subtype="FLOAT")
    table = tmp_path / "labels.csv"
    done = command("predict.py", folder, "--model", oracle, "--output", table)
    assert done.returncode == 1  # type: ignore[attr-defined]
    with table.open(encoding="utf-8", newline="") as file:
        rows = {Path(row["file"]).name: row for row in csv.DictReader(file)}
    assert len(rows) == 6
    labels = {name: row["emotion"] for name, row in rows.items() if row["emotion"]}
    assert sorted(labels.values()) == ["happy", "happy", "sad"]
    assert "1 Hz" in rows["slow.wav"]["error"]
    assert "far too large" in rows["loud.wav"]["error"]
    # Nothing is labelled twice where the run goes on.
    done = command("predict.py", folder, "--model", oracle, "--output", table, "--resume")
    assert "3 labelled before" in done.stderr  # type: ignore[attr-defined]


@pytest.mark.skipif(os.name == "nt", reason="no such names")
def test_a_name_is_shown_and_not_obeyed(
    command: Callable[..., object], oracle: Path, folder: Path
) -> None:
    named(folder, b"new\nline\x1b[31m.wav")
    done = command("predict.py", folder, "--model", oracle, "--format", "json")
    said = done.stderr  # type: ignore[attr-defined]
    assert "\x1b" not in said
    assert r"new\nline\x1b[31m.wav is empty" in said
    assert len(json.loads(done.stdout)) == 3  # type: ignore[attr-defined]
    alone = command("predict.py", folder / "no\x1b[2J.wav", "--model", oracle)
    assert r"no\x1b[2J.wav" in alone.stderr  # type: ignore[attr-defined]


def test_a_folder_that_cannot_be_read_is_a_row(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = folder / "closed"
    closed.mkdir()
    scan = os.scandir

    def forbidden(path: Path) -> object:
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(audio_files.os, "scandir", forbidden)
    for given in ((folder,), (folder, folder / "a.wav")):
        found = find_inputs(given, (), ())
        assert [path.name for path in found.files] == ["a.wav", "z.wav", "closed"]
        assert list(found.problems) == [closed]
        assert found.problems[closed].startswith(f"{closed} cannot be read (Permission denied)")


@pytest.mark.skipif(os.name == "nt", reason="a shell of Unix")
@pytest.mark.parametrize(
    ("redirection", "words"),
    [(">&-", "Bad file descriptor"), (">/dev/full", "No space left on device")],
)
def test_an_output_that_takes_nothing(
    oracle: Path, folder: Path, redirection: str, words: str
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    line = f'"$0" "$1" "$2" --model "$3" {redirection}'
    predict = (sys.executable, REPOSITORY / "predict.py", folder / "a.wav", oracle)
    done = subprocess.run(
        ["sh", "-c", line, *predict], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 2
    assert done.stderr == f"cannot write to standard output: {words}; name a file with --output.\n"


@pytest.mark.skipif(os.name == "nt", reason="a shell of Unix")
@pytest.mark.parametrize("option", ["--help", "--version"])
@pytest.mark.parametrize("redirection", [">&-", ">/dev/full", "2>&-"])
def test_what_is_asked_for_goes_into_a_closed_or_full_stream(redirection: str, option: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    done = subprocess.run(
        ["sh", "-c", f'"$0" -m bilstm_hmm {option} {redirection}', sys.executable],
        cwd=REPOSITORY,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.stderr.startswith("" if redirection == "2>&-" else "Writing failed: ")
    assert done.stderr.count("\n") == (0 if redirection == "2>&-" else 1)
    assert done.returncode == (0 if redirection == "2>&-" else 2)
    assert (done.stdout != "") == (redirection == "2>&-")
