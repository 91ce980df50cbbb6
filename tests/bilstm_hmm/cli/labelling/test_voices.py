"""Calls: an answer for each channel or each speaker, in every format."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
import soundfile

from bilstm_hmm.inference.model import Model
from bilstm_hmm.output.formats import FORMATS
from tests.oracle import say

Predict = Callable[..., CompletedProcess[str]]


@pytest.fixture
def predict(command: Predict, oracle: Path) -> Predict:
    return lambda *arguments: command("predict.py", "--model", oracle, *arguments)


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent on the left is happy, the customer on the right is sad."""
    agent, customer = say("happy"), say("sad")
    samples = np.zeros((max(len(agent), len(customer)), 2), np.float32)
    samples[: len(agent), 0], samples[: len(customer), 1] = agent, customer
    path = tmp_path_factory.mktemp("calls") / "call.wav"
    soundfile.write(path, samples, 16000)
    return path


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Anna, who is angry, then Bo, who is sad; and the RTTM file that says so."""
    folder = tmp_path_factory.mktemp("talks")
    anna, bo = say("angry"), say("sad")
    soundfile.write(folder / "talk.wav", np.concatenate([anna, bo]), 16000)
    end = len(anna) / 16000
    (folder / "talk.rttm").write_text(
        f"SPEAKER talk 1 0.0 {end} <NA> <NA> anna <NA> <NA>\n"
        f"SPEAKER talk 1 {end} {len(bo) / 16000} <NA> <NA> bo/2 <NA> <NA>\n"
    )
    return folder / "talk.wav", folder / "talk.rttm"


def test_each_channel_has_an_answer_in_python(model: Model, call: Path) -> None:
    left, right = model.predict(call, channels="split")
    assert [(p.channel, p.emotion) for p in (left, right)] == [(1, "happy"), (2, "sad")]
    samples, rate = soundfile.read(call)
    from_array = model.predict(samples, rate, channels="split")
    assert [p.emotion for p in from_array] == ["happy", "sad"]
    alone = model.predict(samples[:, 1], rate)
    assert right.probabilities == pytest.approx(alone.probabilities, abs=1e-4)
    assert model.predict(call, channels=2).emotion == "sad"
    assert "channel" not in model.predict(call).to_dict()
    assert model.predict(call, channels=2).to_dict()["channel"] == 2


def test_text_and_rows_name_the_channel(predict: Predict, call: Path) -> None:
    done = predict(call, "--channels", "split")
    assert done.returncode == 0
    first, second = done.stdout.splitlines()
    assert first.startswith(f"{call} [channel 1]: happy (")
    assert second.startswith(f"{call} [channel 2]: sad (")
    for format, delimiter in (("csv", ","), ("tsv", "\t")):
        text = predict(call, "--channels", "split", "--format", format).stdout
        rows = list(csv.DictReader(io.StringIO(text), delimiter=delimiter))
        assert [(row["channel"], row["emotion"]) for row in rows] == [("1", "happy"), ("2", "sad")]
        assert "channel" not in predict(call, "--format", format).stdout.splitlines()[0]
    for format in ("json", "jsonl"):
        text = predict(call, "--channels", "split", "--format", format).stdout
        found = json.loads(text) if format == "json" else list(map(json.loads, text.splitlines()))
        assert [(p["channel"], p["emotion"]) for p in found] == [(1, "happy"), (2, "sad")]


def test_rttm_and_textgrid_have_a_place_for_channels(
    predict: Predict, call: Path, tmp_path: Path
) -> None:
    lines = predict(call, "--channels", "split", "--format", "rttm").stdout.splitlines()
    assert {tuple(line.split()[i] for i in (2, 7)) for line in lines} >= {
        ("1", "happy"),
        ("2", "sad"),
    }
    grid = ("--format", "textgrid", "--output", tmp_path)
    assert predict(call, "--channels", "split", *grid).returncode == 0
    text = (tmp_path / "call.wav.TextGrid").read_text("utf-8")
    assert 'name = "emotion, channel 1"' in text
    assert 'name = "emotion, channel 2"' in text
    assert "size = 2" in text


@pytest.mark.parametrize("format", ["srt", "audacity", "png"])
def test_other_tracks_have_a_file_for_each_channel(
    predict: Predict, call: Path, tmp_path: Path, format: str
) -> None:
    output = ("--format", format, "--output", tmp_path)
    assert predict(call, "--channels", "split", *output).returncode == 0
    suffix = FORMATS[format].suffix
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".")) == [
        f"call.wav.1{suffix}",
        f"call.wav.2{suffix}",
    ]
    if format == "srt":
        assert "sad" in (tmp_path / f"call.wav.2{suffix}").read_text()
    again = predict(call, "--channels", "split", *output)
    assert again.returncode == 2
    assert "exists already" in again.stderr


def test_one_channel_is_one_answer(predict: Predict, call: Path, tmp_path: Path) -> None:
    assert predict(call, "--channels", "2").stdout.startswith("Predicted Emotion: sad")
    soundfile.write(tmp_path / "mono.wav", say("sad"), 16000)
    done = predict(tmp_path / "mono.wav", call, "--channels", "2")
    first, second = done.stdout.splitlines()
    assert done.returncode == 1
    assert "has 1 channel and no channel 2" in first
    assert second.startswith(f"{call} [channel 2]: sad")


def test_a_folder_with_calls_on_all_cores(
    model: Model, call: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bilstm_hmm.features.audio.voices import Voice

    from bilstm_hmm.cli.labelling import file_workers

    monkeypatch.setattr(file_workers, "FILES_PER_BATCH", 3)
    voices = [Voice(1), Voice(2)] * 4
    found = list(file_workers.predict_files(model, [call] * 8, 1, False, voices))
    assert [p.emotion for p in found if not isinstance(p, str)] == ["happy", "sad"] * 4  # type: ignore[union-attr]


def test_each_speaker_has_an_answer_at_the_recording_s_times(
    predict: Predict, talk: tuple[Path, Path], tmp_path: Path
) -> None:
    recording, rttm = talk
    text = predict(recording, "--speakers", rttm, "--format", "json").stdout
    anna, bo = json.loads(text)
    assert [(p["speaker"], p["emotion"]) for p in (anna, bo)] == [
        ("anna", "angry"),
        ("bo/2", "sad"),
    ]
    assert bo["duration"] == anna["duration"]
    assert any(s["emotion"] == "sad" and s["start"] > 1.0 for s in bo["segments"])
    lines = predict(recording, "--speakers", rttm.parent).stdout.splitlines()
    assert lines[0].startswith(f"{recording} [speaker anna]: angry")
    assert lines[1].startswith(f"{recording} [speaker bo/2]: sad")
    rows = predict(recording, "--speakers", rttm, "--format", "csv").stdout.splitlines()
    assert rows[0].startswith("file,speaker,emotion,")
    tracks = ("--speakers", rttm, "--format", "audacity", "--output", tmp_path)
    assert predict(recording, *tracks).returncode == 0
    assert {path.name for path in tmp_path.glob("talk*")} == {
        "talk.wav.anna.txt",
        "talk.wav.bo_2.txt",
    }


def test_a_folder_of_recordings_has_a_folder_of_rttm(
    predict: Predict, talk: tuple[Path, Path], call: Path
) -> None:
    done = predict(talk[0], call, "--speakers", talk[0].parent)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert [line.split(": ")[1].split(" (")[0] for line in lines[:2]] == ["angry", "sad"]
    assert f"{talk[0].parent / 'call.rttm'} cannot be read as RTTM" in lines[2]
    refused = predict(talk[0], call, "--speakers", talk[1])
    assert refused.returncode == 2
    assert "give a folder with an RTTM file for each" in refused.stderr


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
@pytest.mark.parametrize("parted", ["--channels", "--speakers"])
def test_an_interrupted_table_of_voices_goes_on_to_the_whole(
    predict: Predict,
    call: Path,
    talk: tuple[Path, Path],
    tmp_path: Path,
    parted: str,
    suffix: str,
) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name in ("a", "b", "c"):
        shutil.copy(call if parted == "--channels" else talk[0], folder / f"{name}.wav")
        shutil.copy(talk[1], folder / f"{name}.rttm")
    option = (parted, "split" if parted == "--channels" else folder)
    output = tmp_path / f"answers{suffix}"
    assert predict(folder, *option, "--output", output).returncode == 0
    whole = output.read_text("utf-8")
    lines = whole.splitlines(keepends=True)
    n_head = 0 if suffix == ".jsonl" else 1
    assert len(lines) == n_head + 6
    # Of the second recording, one of two answers was there, and the other in half.
    output.write_text("".join(lines[: n_head + 3]) + lines[n_head + 3][:9], "utf-8")
    done = predict(folder, *option, "--output", output, "--resume")
    assert done.returncode == 0
    assert "4 labelled (" in done.stderr
    assert "2 labelled before" in done.stderr
    assert output.read_text("utf-8") == whole
    refused = predict(folder, "--output", output, "--resume")
    assert refused.returncode == 2
    assert f"written with {parted} {option[1]}, not its default" in refused.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--channels", "left"), "--channels left: give mix, split or a number from 1 to 64."),
        (("--channels", "0"), "--channels 0: give mix, split or a number"),
        (("--channels", "split", "--speakers", "x.rttm"), "--speakers parts a recording as"),
        (("--speakers", "none.rttm"), "none.rttm cannot be read as RTTM (No such file"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(
    predict: Predict, call: Path, options: tuple[str, ...], words: str
) -> None:
    done = predict(call, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
