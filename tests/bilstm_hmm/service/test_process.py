"""The command as a process on loopback: it serves, its examples run, and it stops gracefully."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from benchmarks.service import main as load
from tests.bilstm_hmm.service.harness import pcm16, wav
from tests.bilstm_hmm.service.process import PATIENCE, REPOSITORY, server
from tests.oracle import say, talk

EXAMPLES = REPOSITORY / "examples" / "service"


@pytest.fixture(scope="module")
def served(oracle: Path) -> Iterator[str]:
    with server(oracle, "--threads", "1") as (url, _):
        yield url


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "talk.wav"
    path.write_bytes(wav(say("sad")))
    return path


def run(*command: object, stdin: bytes = b"") -> str:
    done = subprocess.run(
        [str(part) for part in command],
        input=stdin,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def needs(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"there is no {program}")
    return found


def test_the_example_of_curl(served: str, clip: Path) -> None:
    needs("curl")
    out = run("sh", EXAMPLES / "predict.sh", served, clip)
    assert '"file": "talk.wav"' in out
    assert out.count("\ntalk.wav,sad,") == 2


def test_the_examples_of_python(served: str, clip: Path) -> None:
    out = run(sys.executable, EXAMPLES / "predict.py", served, clip)
    assert out.startswith("sad 0.")
    sound = pcm16(talk("happy", 0.8, "sad"))
    out = run(sys.executable, EXAMPLES / "stream.py", served, stdin=sound)
    assert "happy" in out
    assert out.splitlines()[-1].split()[-1] in ("sad", "speech")


def test_the_examples_of_javascript(served: str, clip: Path, tmp_path: Path) -> None:
    node = needs("node")
    assert run(node, EXAMPLES / "predict.mjs", served, clip).startswith("sad 0.")
    samples = tmp_path / "samples"
    samples.write_bytes(pcm16(talk("happy", 0.8, "sad")))
    out = run(node, "--experimental-websocket", EXAMPLES / "stream.mjs", served, samples)
    assert "happy" in out


def test_app_py_starts_the_page_as_a_space(oracle: Path) -> None:
    with server(oracle, "--host", "127.0.0.1", start=("app.py",)) as (url, _):
        index = httpx.get(url)
    assert "Speech emotion recognition" in index.text
    policy = index.headers["content-security-policy"]
    assert policy.endswith("frame-ancestors 'self' https://huggingface.co")


@pytest.mark.parametrize("arguments", [("--connections", "2"), ("--rate", "5"), ("--streams", "2")])
def test_the_load_generator_finds_all_answers_right(
    arguments: tuple[str, ...], served: str, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--url", served, "--clips", str(clip.parent), "--seconds", "1", *arguments)
    assert load(options) == 0
    figures = json.loads(capsys.readouterr().out)
    if "--streams" in arguments:
        assert figures["updates"] >= 2 * 2
    else:
        assert figures["wrong"] == 0
        assert set(figures["statuses"]) == {"200"}
        assert figures["p99_ms"] > 0.0


@pytest.mark.parametrize("workers", [1, 2])
def test_it_serves_and_stops(oracle: Path, clip: Path, workers: int) -> None:
    with server(oracle, "--workers", str(workers)) as (url, process):
        for _ in range(4):
            # A connection each, so that every worker gets some.
            answer = httpx.post(f"{url}/v1/predict", content=clip.read_bytes())
            assert answer.json()["emotion"] == "sad"
        counted = httpx.get(f"{url}/metrics").text
        assert 'bilstm_hmm_requests_total{route="/v1/predict",status="200"} 4.0' in counted
        process.send_signal(signal.SIGTERM)
        out, log = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, log
    assert out == f"Serving at {url}; Ctrl+C stops it.\n"
    events = [json.loads(line)["event"] for line in log.splitlines()]
    assert events.count("started") == events.count("stopped") == workers


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model", "nix"), "nix: no such model"),
        (("--streams", "0"), "--streams 0"),
        (("--origin", "here"), "--origin here"),
        (("--token-file", "/nowhere"), "--token-file /nowhere"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from bilstm_hmm.cli.main import program

    with pytest.raises(SystemExit) as caught:
        program()(["serve", *arguments])
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert words in err


def test_an_address_that_is_taken_is_refused_in_a_sentence(
    oracle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from bilstm_hmm.cli.main import program

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with pytest.raises(SystemExit) as caught:
            program()(["serve", "--model", str(oracle), "--port", port])
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"--host 127.0.0.1 --port {port}: cannot listen there" in err


def test_matrices_have_one_thread_unless_the_user_says_otherwise(
    oracle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else OpenBLAS's own threads take as much time again as labelling does."""
    from bilstm_hmm.cli.main import main

    threads: list[str | None] = []
    monkeypatch.setattr(
        "bilstm_hmm.service.server.run_server",
        lambda *_: threads.append(os.environ.get("OPENBLAS_NUM_THREADS")),
    )
    monkeypatch.setattr(sys, "argv", ["bilstm-hmm", "serve", "--model", str(oracle)])
    for given, expected in (("3", "3"), (None, "1")):
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", given or "")
        if given is None:
            monkeypatch.delenv("OPENBLAS_NUM_THREADS")
        with suppress(SystemExit):
            main()
        assert threads.pop() == expected
