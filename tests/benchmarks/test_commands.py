"""``python -m benchmarks`` as a user runs it, on next to nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import warm, warm_worker
from benchmarks.__main__ import main
from benchmarks.peers import opensmile_svm
from benchmarks.setting import REPOSITORY

Done = subprocess.CompletedProcess[str]


def benchmarks(*arguments: str | Path) -> Done:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *map(str, arguments)],
        cwd=REPOSITORY,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )


def test_tables_are_printed_and_written(
    corpora: Path,
    oracle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Ours labels in the place of the peer too, which takes seconds to load."""
    monkeypatch.setattr(warm_worker, "LIBROSA", warm_worker.OURS)
    monkeypatch.setattr(warm, "CALLS", 2)
    monkeypatch.setattr(warm, "PAUSE", 0.0)
    monkeypatch.setattr(opensmile_svm, "is_installed", lambda: False)
    output = tmp_path / "results.md"
    few = ["--repeats", "1", "--seconds", "20"]
    status = main(
        [
            *["--corpora", str(corpora), "--model", str(oracle), "--output", str(output)],
            *["--only", "long,warm", *few],
        ]
    )
    assert status == 0
    text = output.read_text("utf-8")
    assert capsys.readouterr().out == text
    titles = [line for line in text.splitlines() if line.startswith("## ")]
    assert titles == [
        "## One 3-second clip in a running process",
        "## A recording of 0.00556 hours",
    ]
    for row in ("| ours, Model.predict |", "| librosa + Keras + hmmlearn |", "--timeline |"):
        assert row in text
    # What is published tells nothing of the folders of a machine.
    for folder in (corpora, tmp_path, REPOSITORY):
        assert str(folder) not in text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--only", "start,sprint"],
            "--only: there is no sprint; choose from start,warm,folder",
        ),
        (["--model", "nowhere"], "nowhere: no such model"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(
    corpora: Path, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    output = tmp_path / "results.md"
    done = benchmarks("--corpora", corpora, "--output", output, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(sentence)
    assert len(done.stderr.splitlines()) == 1
    assert not output.exists()
