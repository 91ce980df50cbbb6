"""No result is lost: outputs that are there, that another run wrote, that are being written."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bilstm_hmm.cli.labelling.output import claimed_output
from bilstm_hmm.cli.options import PredictOptions
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference.bundle_files import read_bundle, write_bundle
from bilstm_hmm.output.lock import output_lock
from bilstm_hmm.output.resume import RESUMABLE_FORMATS

PICTURE = PredictOptions((Path("x.wav"),), False, "png", None, False, False)


@pytest.fixture
def folder(tmp_path: Path, synthetic: Path) -> Path:
    """The folder in which the command runs: two recordings in `in`."""
    shutil.copytree(synthetic / "sad" / "00", tmp_path / "in")
    (tmp_path / "in" / "02.wav").unlink()
    return tmp_path


@pytest.fixture
def predict(command: Callable[..., object], oracle: Path, folder: Path) -> Callable[..., object]:
    return lambda *arguments, model=oracle: command(
        "predict.py", "--model", model, *arguments, cwd=folder
    )


@pytest.fixture
def other(oracle: Path, tmp_path: Path) -> Path:
    """The same model under another name."""
    write_bundle(tmp_path / "other", replace(read_bundle(oracle), model_id="other-0123abcd"))
    return tmp_path / "other"


@pytest.mark.parametrize(
    ("given", "name", "kept", "cure"),
    [
        (("in/00.wav",), "x.json", "x.json", "replace it."),
        (("in/00.wav",), "x.png", "x.png", "replace it."),
        (("in",), "x.txt", "x.txt", "replace it."),
        (("in",), "x.json", "x.json", "replace it."),
        (("in",), "x.csv", "x.csv", "replace it, or --resume to go on with it."),
        (("in", "--format", "srt"), "tracks", "tracks/01.wav.srt", "replace it."),
    ],
)
def test_what_is_there_is_replaced_only_when_asked(
    predict, folder: Path, given: tuple[str, ...], name: str, kept: str, cure: str
) -> None:
    mine = folder / kept
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("worked on for hours")
    before = sorted(path for path in folder.rglob("*") if path.is_file())
    done = predict(*given, "--output", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{kept} exists already; add --overwrite to {cure}\n"
    assert mine.read_text() == "worked on for hours"
    assert sorted(path for path in folder.rglob("*") if path.is_file()) == before
    assert predict(*given, "--output", name, "--overwrite").returncode == 0
    assert b"worked on" not in mine.read_bytes()


def test_all_tracks_that_are_there_are_counted(predict, folder: Path) -> None:
    order = ("in", "--format", "srt", "--output", "tracks")
    assert predict(*order).returncode == 0
    said = predict(*order).stderr
    assert said.startswith("tracks/00.wav.srt (and 1 more) exists already; add --overwrite to")


def test_an_empty_file_is_there_to_be_written(predict, folder: Path) -> None:
    (folder / "x.csv").touch()
    assert predict("in", "--output", "x.csv").returncode == 0
    assert len((folder / "x.csv").read_text("utf-8").splitlines()) == 3


def test_a_recording_is_no_output(predict, folder: Path) -> None:
    content = (folder / "in" / "00.wav").read_bytes()
    order = ("in", "--format", "csv", "--output", "in/../in/00.wav", "--overwrite")
    done = predict(*order)
    assert done.stderr.startswith("in/../in/00.wav is a recording to be labelled; choose another")
    assert (folder / "in" / "00.wav").read_bytes() == content


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("format", RESUMABLE_FORMATS)
def test_a_table_of_another_model_is_not_gone_on_with(
    predict, folder: Path, other: Path, format: str, recorded: bool
) -> None:
    name = f"x.{format}"
    assert predict("in/00.wav", "in/gone.wav", "--output", name).returncode == 1
    if not recorded:  # As from an earlier version.
        (folder / f"{name}.run.json").unlink()
    before = (folder / name).read_bytes()
    done = predict("in", "--output", name, "--resume", model=other)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"--output {name}: it was written with the model oracle-")
    assert done.stderr.count("\n") == 1
    assert (folder / name).read_bytes() == before
    assert predict("in", "--output", name, "--resume").returncode == 0
    assert (folder / f"{name}.run.json").exists()
    # The one that failed was not asked for again.
    assert len((folder / name).read_text("utf-8").splitlines()) == 2 + (format != "jsonl")


@pytest.mark.parametrize("format", RESUMABLE_FORMATS)
def test_a_table_of_other_emotions_is_not_gone_on_with(predict, folder: Path, format: str) -> None:
    name = f"x.{format}"
    assert predict("in", "--output", name).returncode == 0
    (folder / f"{name}.run.json").unlink()
    text = (folder / name).read_text("utf-8").replace("fearful", "surprised")
    (folder / name).write_text(text, encoding="utf-8")
    said = predict("in", "--output", name, "--resume").stderr
    what = "emotions" if format == "jsonl" else "columns"
    assert said.startswith(f"--output {name}: it was written with the {what} ")
    assert (folder / name).read_text("utf-8") == text


def test_a_table_written_with_other_options_is_not_gone_on_with(predict, folder: Path) -> None:
    assert predict("in", "--output", "x.csv").returncode == 0
    record = folder / "x.csv.run.json"
    document = json.loads(record.read_text("utf-8"))
    record.write_text(json.dumps({**document, "options": {"--channels": "split"}}), "utf-8")
    said = predict("in", "--output", "x.csv", "--resume").stderr
    assert said.startswith("--output x.csv: it was written with --channels split, not its default")


def test_a_second_process_is_refused(predict, folder: Path) -> None:
    for given in (("in", "--resume"), ("in", "--overwrite"), ("in/00.wav",)):
        with output_lock(folder / "x.csv"):
            done = predict(*given, "--output", "x.csv")
        assert done.returncode == 2
        assert done.stderr.startswith("--output x.csv: another process is writing to it; wait for")
        assert not (folder / "x.csv").exists()


def test_nothing_but_the_output_and_its_record_is_left(predict, folder: Path) -> None:
    assert predict("in", "--output", "new/x.csv").returncode == 0
    left = {path.name for path in (folder / "new").iterdir()}
    assert left == {"x.csv", "x.csv.run.json"}
    assert predict("in", "--output", "text/x.txt").returncode == 0
    assert {path.name for path in (folder / "text").iterdir()} == {"x.txt"}


def test_the_format_follows_the_name(predict, folder: Path) -> None:
    assert predict("in/00.wav", "--output", "x.png").returncode == 0
    assert (folder / "x.png").read_bytes().startswith(b"\x89PNG")
    assert predict("in", "--output", "x.json").returncode == 0
    assert len(json.loads((folder / "x.json").read_text("utf-8"))) == 2
    assert predict("in", "--output", "-").stdout.count(": sad (") == 2


def test_several_recordings_are_no_one_picture(predict, folder: Path) -> None:
    for name in ("x.png", "x.SRT", "x.TextGrid"):
        done = predict("in", "--output", name)
        assert (done.returncode, done.stdout) == (2, "")
        suffix = name.partition(".")[2]
        said = f"--output {name}: .{suffix} holds one recording, and here are several; give a fo"
        assert done.stderr.startswith(said)
        assert not (folder / name).exists()


def test_a_picture_is_nothing_for_a_terminal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with claimed_output(PICTURE):
        pass
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    said = r"^--format png is nothing for a terminal: name a file with --output FILE\.$"
    with pytest.raises(ToolkitError, match=said), claimed_output(PICTURE):
        pass
    with claimed_output(replace(PICTURE, format="srt")):
        pass


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals to open here")
def test_a_terminal_by_its_name_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    held, terminal = os.openpty()
    try:
        named = replace(PICTURE, output=Path(os.ttyname(terminal)))
        with pytest.raises(ToolkitError, match="is nothing for a terminal"), claimed_output(named):
            pass
        with claimed_output(replace(PICTURE, output=Path(os.devnull))):
            pass
    finally:
        os.close(held)
        os.close(terminal)
