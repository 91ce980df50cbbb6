"""``python -m data`` as users run it; in this process but for the ways to it."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bilstm_hmm.data.corpora.registry import CORPORA
from bilstm_hmm.data.download.corpora import DownloadedArchive

from bilstm_hmm.cli.corpora import download

REPOSITORY = Path(__file__).parents[2]


Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]


@pytest.fixture
def run(command: Run) -> Run:
    return partial(command, "data/__main__.py")


def process(module: str, *arguments: str) -> Done:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_list_names_every_corpus_and_licence(run: Run) -> None:
    done = run("list")
    assert done.returncode == 0
    assert not done.stderr
    for corpus in CORPORA.values():
        assert f"{corpus.name}: {corpus.title}" in done.stdout
        assert corpus.licence in done.stdout


def test_summary_counts_and_names_what_is_left_out(tmp_path: Path, run: Run) -> None:
    for number in range(14):
        path = tmp_path / f"{1001 + number}_DFA_ANG_XX.wav"
        soundfile.write(path, np.zeros(16000), 16000)
    for stem in (
        "1076_MTI_SAD_XX",
        "1001_DFA_SAD_XX",
        *(f"{n}_DFA_SAD_XX" for n in range(1020, 1035)),
    ):
        (tmp_path / f"{stem}.wav").write_bytes(b"")
    (tmp_path / "other.wav").write_bytes(b"")
    done = run("summary", "crema-d", "--root", str(tmp_path))
    assert done.returncode == 0
    assert not done.stderr
    for words in (
        "crema-d: 30 clips",
        "angry: 14, sad: 16",
        "16000 Hz: 14",
        "ignored    1 (audio",
        "1076_MTI_SAD_XX.wav: silent",
        "unreadable 16",
        "and 6 more",
    ):
        assert words in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("summary", "ravdess", "--root", "/nowhere"), "/nowhere does not exist"),
        (("summary", "ravdes", "--root", "/nowhere"), "there is no corpus 'ravdes'"),
        (("download", "savee", "--root", "/nowhere"), "SAVEE cannot be downloaded"),
    ],
)
def test_mistakes_are_one_sentence_and_status_2(
    arguments: tuple[str, ...], message: str, run: Run
) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert not done.stdout
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_download_without_a_network(tmp_path: Path, run: Run) -> None:
    closed = "http://127.0.0.1:9"
    done = run(
        "download",
        "emodb",
        "--root",
        str(tmp_path),
        http_proxy=closed,
        HTTP_PROXY=closed,
        NO_PROXY="",
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "cannot be fetched" in done.stderr


def test_download_of_what_is_there(tmp_path: Path, run: Run) -> None:
    (tmp_path / "emodb").mkdir()
    done = run("download", "emodb", "--root", str(tmp_path))
    assert done.returncode == 0
    assert "is there already" in done.stdout
    assert "Burkhardt" in done.stdout


def test_download_says_what_was_verified(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    done = (
        DownloadedArchive(tmp_path / "known", fetched=True, verified=True),
        DownloadedArchive(tmp_path / "unknown", fetched=True, sha256="0123", in_the_open=True),
    )
    monkeypatch.setattr("bilstm_hmm.data.download.corpora.download", lambda corpus, root: done)
    download("emodb", tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{tmp_path / 'known'}: downloaded, checksum right"
    assert lines[1].startswith(f"{tmp_path / 'unknown'}: downloaded, sha256 0123 recorded")
    assert "plain http" in lines[1]
    assert "must be the same" in lines[1]
    assert "free to use" in lines[2]


def test_synthesised_clips_are_a_folders_corpus(tmp_path: Path, run: Run) -> None:
    root = str(tmp_path / "synthetic")
    done = run("synthesise", "--root", root, "--speakers", "2", "--clips", "1", "--seed", "3")
    assert done.returncode == 0, done.stderr
    summary = run("summary", "folders", "--root", root)
    assert summary.returncode == 0
    assert "2 speakers" in summary.stdout


@pytest.mark.parametrize(
    ("module", "arguments"),
    [("data", ()), ("bilstm_hmm.data", ()), ("bilstm_hmm", ("corpora",))],
)
def test_the_ways_to_the_commands_in_a_checkout(
    module: str, arguments: tuple[str, ...], run: Run
) -> None:
    # The first is of a checkout alone, the others are what users of a wheel type as well.
    usage = " ".join(("Usage: python -m", module, *arguments))
    assert process(module, *arguments, "--help").stdout.strip().startswith(usage)
    assert process(module, *arguments, "list").stdout == run("list").stdout != ""


@pytest.mark.parametrize("arguments", [("--help",), ("summary", "--help"), ("download", "--help")])
def test_help(arguments: tuple[str, ...], run: Run) -> None:
    done = run(*arguments)
    assert done.returncode == 0
    assert "Usage" in done.stdout


def test_importing_the_package_is_light() -> None:
    heavy = ("librosa", "sklearn", "scipy", "tensorflow", "pooch", "requests", "rich", "typer")
    code = (
        "import bilstm_hmm.data.splits.folds, sys;"
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
