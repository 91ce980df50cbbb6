"""Labelling in one process: what is tested as a command is in ``tests/test_commands.py``."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bilstm_hmm.cli.labelling import writing
from bilstm_hmm.cli.labelling.inputs import find_inputs
from bilstm_hmm.cli.labelling.label import write_predictions
from bilstm_hmm.cli.options import PredictOptions
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference.model import Model


def ignore(_done: int, _total: int) -> None:
    """Take no note of progress."""


def audio_files_in(folder: Path) -> tuple[Path, ...]:
    return find_inputs((folder,), (), ()).files


@pytest.fixture
def files(synthetic: Path) -> tuple[Path, ...]:
    return audio_files_in(synthetic / "happy")


def order(files: tuple[Path, ...], **changes: object) -> PredictOptions:
    defaults = {"many": True, "format": "jsonl", "output": None, "timeline": False}
    return PredictOptions(files, **{**defaults, "resume": False, **changes})


def test_progress_counts_every_file(
    model: Model, files: tuple[Path, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[tuple[int, int]] = []
    assert (
        write_predictions(model, order(files), lambda done, total: seen.append((done, total))) == 0
    )
    assert seen == [(done, len(files)) for done in range(1, len(files) + 1)]
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [document["file"] for document in documents] == [os.fspath(path) for path in files]


def test_results_are_in_order_however_long_each_takes(
    model: Model, files: tuple[Path, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    predict = Model.predict
    assert write_predictions(model, order(files[::-1], format="csv"), ignore) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    for line, path in zip(lines, files[::-1], strict=True):
        assert line.startswith(f"{path},{predict(model, path).emotion},")


def test_what_was_labelled_before_an_interruption_stays(
    model: Model, files: tuple[Path, ...], tmp_path: Path
) -> None:
    target = tmp_path / "out.jsonl"

    def interrupt(done: int, _total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_predictions(model, order(files, output=target), interrupt)
    assert len(target.read_text("utf-8").splitlines()) == 3
    again: list[int] = []
    resumed = order(files, output=target, resume=True)
    assert write_predictions(model, resumed, lambda _, total: again.append(total)) == 0
    assert again == [len(files) - 3] * (len(files) - 3)
    documents = [json.loads(line) for line in target.read_text("utf-8").splitlines()]
    assert [document["file"] for document in documents] == [os.fspath(path) for path in files]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe", "cannot be read as text to resume from it"),
        (b"my own notes\n", "choose another output or start afresh"),
    ],
)
def test_a_file_of_another_kind_is_not_resumed(
    model: Model, files: tuple[Path, ...], tmp_path: Path, content: bytes, words: str
) -> None:
    target = tmp_path / "mine"
    target.write_bytes(content)
    with pytest.raises(ToolkitError, match=words):
        write_predictions(model, order(files, output=target, resume=True), ignore)
    assert target.read_bytes() == content


@pytest.mark.parametrize("content", [None, b"", b"\n"])
def test_resuming_what_has_not_begun(
    model: Model, files: tuple[Path, ...], tmp_path: Path, content: bytes | None
) -> None:
    target = tmp_path / "out.tsv"
    if content is not None:
        target.write_bytes(content)
    assert (
        write_predictions(model, order(files, format="tsv", output=target, resume=True), ignore)
        == 0
    )
    assert target.read_text("utf-8").lstrip("\n").startswith("file\temotion\t")
    assert len(target.read_text("utf-8").strip().splitlines()) == 1 + len(files)


@pytest.mark.parametrize("format", ["jsonl", "json"])
def test_a_full_disk_is_one_sentence(model: Model, files: tuple[Path, ...], format: str) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(ToolkitError, match=r"^cannot write /dev/full: the disk is full; free"):
        write_predictions(model, order(files, format=format, output=full), ignore)


def test_a_network_that_cannot_run_is_told_once(model: Model, files: tuple[Path, ...]) -> None:
    broken = Model(replace(model.bundle, network=b"no network"))
    with pytest.raises(ToolkitError, match="its network cannot be run"):
        write_predictions(broken, order(files), ignore)


def test_recordings_of_one_name_do_not_meet(model: Model, recording: Path, tmp_path: Path) -> None:
    for name in ("a/x.wav", "b/x.wav", "a/x.wave"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(recording, tmp_path / "in" / name)
    tracks = order(audio_files_in(tmp_path / "in"), format="srt", output=tmp_path / "out")
    assert write_predictions(model, tracks, ignore) == 0
    written = {p.relative_to(tmp_path / "out").as_posix() for p in tmp_path.rglob("*.srt")}
    assert written == {"a/x.wav.srt", "a/x.wave.srt", "b/x.wav.srt"}


def test_a_picture_goes_into_a_pipe(
    model: Model, recording: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    one = order((recording,), many=False, format="png")
    assert write_predictions(model, one, ignore) == 0
    assert capsysbinary.readouterr().out.startswith(b"\x89PNG\r\n")


@pytest.mark.parametrize("format", ["png", "json", "srt"])
def test_probabilities_over_time_are_asked_for_where_they_are_shown(
    model: Model, recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    seen = []
    render = writing.render

    def kept(results, *arguments: object, **options: object) -> object:
        seen.extend(results)
        return render(results, *arguments, **options)

    monkeypatch.setattr(writing, "render", kept)
    one = order((recording,), many=False, format=format, output=tmp_path / "x")
    assert write_predictions(model, one, ignore) == 0
    assert [result.curves is not None for result in seen] == [format == "png"]


def test_pictures_go_on_after_a_recording_that_has_gone(
    model: Model, recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.wav", "b.wav", "c.wav"):
        shutil.copy(recording, tmp_path / name)
    pictures = order(audio_files_in(tmp_path), format="png", output=tmp_path / "out")

    def remove(done: int, _total: int) -> None:
        # All of a small folder is labelled before the first is written.
        (tmp_path / "b.wav").unlink(missing_ok=True)

    assert write_predictions(model, pictures, remove) == 1
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a.wav.png", "c.wav.png"}
    gone = tmp_path / "b.wav"
    said, summary = capsys.readouterr().err.splitlines()
    assert said == f"{gone} does not exist; check the path."
    assert summary.startswith("2 labelled (sad 2), 0 no speech, 1 failed; ")


def test_each_of_several_is_explained_or_says_why_not(
    model: Model,
    files: tuple[Path, ...],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert write_predictions(model, order(files[:2], explain=True), ignore) == 0
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    explained = [model.explain(path).to_dict() for path in files[:2]]
    assert [document["explanation"] for document in documents] == explained
    monkeypatch.setattr("bilstm_hmm.inference.explanation.explain.MAX_SECONDS", 1)
    assert write_predictions(model, order(files[:2], explain=True), ignore) == 2
    for line in capsys.readouterr().out.splitlines():
        assert "is longer than 1 seconds" in json.loads(line)["error"]
