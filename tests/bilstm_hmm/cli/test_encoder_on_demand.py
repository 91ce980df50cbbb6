"""An encoder that is missing: a question on a terminal, --yes, or the command to type."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from bilstm_hmm.features.encoder import fetch as fetching
from bilstm_hmm.features.encoder.resolve import MissingEncoderError
from bilstm_hmm.features.errors import EncoderError
from bilstm_hmm.features.settings.encoder_catalogue import WHISPER_TINY

from bilstm_hmm.cli.encoder_on_demand import with_encoder

COMMAND = "python -m bilstm_hmm encoders fetch whisper-tiny"


class Machine:
    """A machine on which the encoder is missing until it is fetched."""

    def __init__(self) -> None:
        self.fetched: list[str] = []

    def load(self) -> str:
        if not self.fetched:
            raise MissingEncoderError(WHISPER_TINY, COMMAND)
        return "model"

    def fetch(self, name: str) -> SimpleNamespace:
        self.fetched.append(name)
        return SimpleNamespace(path=Path("cache") / "x.onnx")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(fetching, "fetch", machine.fetch)
    return machine


def type_in(monkeypatch: pytest.MonkeyPatch, typed: str, terminal: bool = True) -> None:
    stdin = io.StringIO(typed)
    monkeypatch.setattr(stdin, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(sys, "stdin", stdin)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)


def test_yes_needs_no_question(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    type_in(monkeypatch, "n\n")
    assert with_encoder(machine.load, yes=True) == "model"
    assert machine.fetched == ["whisper-tiny"]
    out, err = capsys.readouterr()
    assert out == ""
    assert "?" not in err
    assert "Fetching the encoder whisper-tiny (8.7 MB)." in err


@pytest.mark.parametrize("typed", ["\n", "y\n", "Yes\n"])
def test_on_a_terminal_it_is_asked_for(
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
) -> None:
    type_in(monkeypatch, typed)
    assert with_encoder(machine.load, yes=False) == "model"
    assert machine.fetched == ["whisper-tiny"]
    err = capsys.readouterr().err
    assert "(pipecat-ai==1.14.0, 8.7 MB, BSD-2-Clause" in err
    assert err.count("[Y/n]") == 1


@pytest.mark.parametrize(("typed", "terminal"), [("n\n", True), ("", True), ("y\n", False)])
def test_otherwise_it_is_refused_with_what_to_type(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, typed: str, terminal: bool
) -> None:
    type_in(monkeypatch, typed, terminal)
    said = rf"not on this machine; add --yes to fetch it \(8\.7 MB\), or type: {COMMAND}$"
    with pytest.raises(EncoderError, match=said):
        with_encoder(machine.load, yes=False)
    assert machine.fetched == []


def test_where_nothing_could_use_it_it_is_not_fetched(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bilstm_hmm.extras.is_installed", lambda _: False)
    with pytest.raises(MissingEncoderError):
        with_encoder(machine.load, yes=True)
    assert machine.fetched == []


def test_what_is_here_is_not_fetched(machine: Machine) -> None:
    assert with_encoder(lambda: 3, yes=True) == 3
    assert machine.fetched == []


def test_the_command_asks_for_it(
    command: Callable[..., object],
    machine: Machine,
    recording: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Another test may have opened the true one.
    monkeypatch.setattr("bilstm_hmm.features.encoder.model._encoders", {})
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = command("predict.py", recording, "--model", "accurate", **cache)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("The encoder whisper-tiny is not on this machine; add --yes to")
    assert done.stderr.endswith(f"{COMMAND}\n")
    command("predict.py", recording, "--model", "accurate", "--yes", **cache)
    assert machine.fetched == ["whisper-tiny"]
    given = ("--config", "encoder_bilstm_hmm", "--set", f"data.root={tmp_path}")
    done = command("train.py", *given, **cache)
    assert done.stderr.startswith("The encoder whisper-tiny is not on this machine; add --yes to")


def test_what_cuts_an_encoder_and_is_missing_is_one_sentence() -> None:
    def load() -> str:
        raise ModuleNotFoundError("No module named 'onnx'", name="onnx")

    sentence = r"The encoder needs onnx; install it with pip install 'bilstm-hmm\[encoders\]'\."
    with pytest.raises(EncoderError, match=sentence):
        with_encoder(load, yes=True)
