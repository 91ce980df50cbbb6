"""The load generator where it cannot work; with a service it is run by the tests of that."""

import socket
import sys
from pathlib import Path

import pytest

from benchmarks.service import main

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.mark.parametrize("load", [(), ("--streams", "2")])
def test_without_a_service_it_is_one_sentence(
    capsys: pytest.CaptureFixture[str], load: tuple[str, ...]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert main(["--url", url, "--clips", str(SAMPLES), *load]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        f"--url {url}: no service answers there; start one with bilstm-hmm serve --rate 0.\n"
    )


def test_a_package_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.service.find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "websockets", None)
    assert main(["--clips", str(SAMPLES), "--streams", "2"]) == 2
    err = capsys.readouterr().err
    assert "needs websockets; install it with pip install websockets." in err
