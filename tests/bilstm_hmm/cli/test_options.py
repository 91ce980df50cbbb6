"""What goes together of the options for sound that is in no file."""

import io
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bilstm_hmm.cli.labelling.stdin import label_standard_input
from bilstm_hmm.cli.live.run import predict_live
from bilstm_hmm.cli.main import command, predict
from bilstm_hmm.cli.options import LiveOptions, PredictOptions, validate_options
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference import stream
from bilstm_hmm.inference.model import Model

ORDER = PredictOptions((), False, "text", None, False, False)
FILE, PIPE = LiveOptions(False, False, False), LiveOptions(True, False, False)
LIVE, MIC = LiveOptions(True, False, True), LiveOptions(False, True, False)


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on standard input."""
    given = SimpleNamespace(buffer=io.BytesIO(), isatty=lambda: False)
    monkeypatch.setattr("sys.stdin", given)


@pytest.mark.parametrize(
    ("asked", "changes", "order", "said"),
    [
        (FILE, {"live": True}, {}, "--live follows sound as it comes: use it with --file - or"),
        (FILE, {"pcm": 8000}, {}, "--pcm tells of samples on standard input: use it with --fi"),
        (MIC, {"pcm": 8000}, {}, "--pcm tells of samples on standard input"),
        (PIPE, {"channels": 2}, {}, "--channels tells of raw samples: use it with --pcm RATE."),
        (LIVE, {"device": "3"}, {}, "--device names a microphone: use it with --mic."),
        (PIPE, {"interval": 1.0}, {}, "--interval and --lookahead tell of updates: use them wi"),
        (FILE, {"lookahead": 1.0}, {}, "--interval and --lookahead tell of updates"),
        (LIVE, {}, {"format": "csv"}, "--live gives text or jsonl while sound comes, not csv."),
        (MIC, {}, {"format": "json"}, "--mic gives text or jsonl while sound comes, not json."),
        (MIC, {}, {"output": Path("x")}, "--mic writes to standard output: say > FILE instead"),
        (LIVE, {}, {"resume": True}, "--resume goes on with a folder, not with --live."),
        (FILE, {}, {"explain": True}, "--explain has no place in text; choose --format json, j"),
        (LIVE, {}, {"explain": True, "format": "jsonl"}, "--explain is of a recording that has"),
        (PIPE, {"pcm": 16}, {}, "--pcm 16: give the sampling rate in Hz, as in --pcm 16000."),
        (PIPE, {"pcm": 8000, "channels": 65}, {}, "--channels 65: give a number from 1 to 64."),
        (PIPE, {"pcm": 8000, "channels": 0}, {}, "--channels 0: give a number from 1 to 64."),
    ],
)
def test_what_does_not_go_together(
    empty: None, asked: LiveOptions, changes: dict[str, Any], order: dict[str, Any], said: str
) -> None:
    with pytest.raises(ToolkitError) as caught:
        validate_options(replace(asked, **changes), replace(ORDER, **order))
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    "asked",
    [
        FILE,
        PIPE,
        replace(PIPE, pcm=44100, channels=2),
        replace(LIVE, pcm=16000, interval=0.2),
        replace(MIC, device="3", lookahead=0.0),
    ],
)
def test_what_goes_together(empty: None, asked: LiveOptions) -> None:
    validate_options(asked, ORDER)


@pytest.mark.parametrize("asked", [LIVE, replace(LIVE, pcm=16000), PIPE])
def test_nothing_comes(
    empty: None, model: Model, capsys: pytest.CaptureFixture[str], asked: LiveOptions
) -> None:
    if asked.live:
        assert predict_live(model, asked, "text") == 1
    else:
        assert label_standard_input(model, ORDER, asked.raw) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Standard input ")
    assert err.count("\n") == 1


def test_the_help_has_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    command(predict)(["--help"], standalone_mode=False)
    help = " ".join(capsys.readouterr().out.split())
    for option, default in (("interval", stream.INTERVAL), ("lookahead", stream.LOOKAHEAD)):
        about = help.partition(f"--{option} ")[2].partition(" --")[0]
        assert about.endswith(f"(default: {default:g}).")
