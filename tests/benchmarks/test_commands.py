"""``python -m benchmarks`` as a user runs it, on next to nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

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
    corpora: Path, oracle_in_keras: Path, tmp_path: Path
) -> None:
    pytest.importorskip("keras")
    output = tmp_path / "results.md"
    few = ["--repeats", "1", "--seconds", "20"]
    done = benchmarks(
        *["--corpora", corpora, "--model", oracle_in_keras, "--output", output],
        *["--only", "long,warm", *few],
    )
    assert done.returncode == 0, done.stderr
    text = output.read_text("utf-8")
    assert done.stdout == text
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
