"""The commands' own part: exceptions to sentences, and progress on a terminal."""

import sys

import pytest
import typer
from bilstm_hmm.data.errors import DataError
from bilstm_hmm.features.errors import AudioError

from bilstm_hmm.cli import main as cli
from bilstm_hmm.cli.errors import user_errors
from bilstm_hmm.cli.predict import _folder_progress
from bilstm_hmm.errors import ToolkitError


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ToolkitError("a: b;\n c."), 2, "a: b; c.\n"),
        (DataError("no such corpus"), 2, "no such corpus\n"),
        (AudioError("x.wav is empty"), 2, "x.wav is empty\n"),
        (KeyboardInterrupt(), 130, "Interrupted; what was finished is kept, go on with --res"),
        (MemoryError(), 2, "Not enough memory; use a machine with more, or fewer clips.\n"),
        (PermissionError(13, "Permission denied", "x"), 2, "x: Permission denied; check the path"),
    ],
)
def test_what_a_user_can_cause_is_one_sentence(
    capsys: pytest.CaptureFixture[str], error: BaseException, status: int, said: str
) -> None:
    with pytest.raises(typer.Exit) as caught, user_errors():
        raise error
    assert caught.value.exit_code == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(said)
    assert err.count("\n") == 1


def test_a_fault_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), user_errors():
        raise ZeroDivisionError


@pytest.mark.parametrize(("shown", "terminal", "said"), [(True, True, True), (True, False, False)])
def test_a_bar_is_for_terminals(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    shown: bool,
    terminal: bool,
    said: bool,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setenv("TERM", "xterm")
    with _folder_progress(shown) as moved:
        moved(1, 2)
    out, err = capsys.readouterr()
    assert out == ""
    assert ("Labelling" in err) is said


def test_one_program_has_all_commands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bilstm-hmm", "--help"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 0
    said = capsys.readouterr().out
    for command in ("train", "evaluate", "predict"):
        assert command in said
