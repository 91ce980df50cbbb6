"""Warnings on standard error: of one recording each, of a folder each kind once."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
import soundfile

from tests.oracle import say

Predict = Callable[..., CompletedProcess[str]]


@pytest.fixture
def predict(command: Predict, oracle: Path) -> Predict:
    return lambda *arguments: command("predict.py", "--model", oracle, *arguments)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five recordings at 44.1 kHz: three are clipped, one of those too short, and one is junk."""
    root = tmp_path / "in"
    root.mkdir()
    loud = np.clip(8 * say("happy"), -1.0, 1.0)
    soundfile.write(root / "a.wav", say("neutral"), 44100)
    soundfile.write(root / "b.wav", loud, 44100)
    soundfile.write(root / "c.wav", loud, 44100)
    soundfile.write(root / "d.wav", loud[8000:16000], 44100)
    (root / "e.wav").write_bytes(b"junk")
    return root


@pytest.mark.parametrize("format", ["text", "jsonl", "csv", "json", "rttm", "srt"])
def test_a_folder_s_are_said_once_a_kind_with_their_number(
    predict: Predict, folder: Path, format: str, tmp_path: Path
) -> None:
    output = ("--output", tmp_path / "out") if format == "srt" else ()
    lines = predict("--folder", folder, "--format", format, *output).stderr.splitlines()
    assert [line for line in lines if "clipped" in line] == [
        f"clipped: 3 of 4 recordings, such as {folder / 'b.wav'} "
        "(clipped: the loudest parts are cut off)"
    ]
    (short,) = (line for line in lines if "too short" in line)
    assert short.startswith(f"too short: 1 of 4 recordings, such as {folder / 'd.wav'} (too short:")
    assert not any("resampled" in line or "silent" in line for line in lines)


def test_those_of_the_channels_of_a_call_name_the_channel(predict: Predict, tmp_path: Path) -> None:
    left, right = say("happy"), np.clip(8 * say("sad"), -1.0, 1.0)
    n = min(len(left), len(right))
    path = tmp_path / "call.wav"
    soundfile.write(path, np.stack([left[:n], right[:n]], axis=1), 16000)
    err = predict(path, "--channels", "split").stderr
    assert f"clipped: 1 of 2 voices, such as {path} [channel 2] (clipped: " in err


@pytest.mark.parametrize("format", ["text", "rttm", "srt", "textgrid", "audacity"])
def test_those_of_one_recording_are_said_where_the_format_has_no_place_for_them(
    predict: Predict, folder: Path, format: str
) -> None:
    done = predict("--file", folder / "b.wav", "--format", format)
    assert done.stderr == f"{folder / 'b.wav'}: clipped: the loudest parts are cut off\n"
    assert predict("--file", folder / "a.wav", "--format", format).stderr == ""


@pytest.mark.parametrize("format", ["json", "jsonl", "csv", "tsv"])
def test_they_are_not_said_twice(predict: Predict, folder: Path, format: str) -> None:
    done = predict("--file", folder / "b.wav", "--format", format)
    assert done.stderr == ""
    assert "clipped: the loudest parts are cut off" in done.stdout
