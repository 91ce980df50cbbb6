"""The commands as users run them: what goes to which stream, and with which exit status."""

import csv
import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bilstm_hmm.inference.model import Model
from bilstm_hmm.output.formats import FORMATS
from bilstm_hmm.output.resume import RESUMABLE_FORMATS

PER_FILE = {name for name, entry in FORMATS.items() if entry.per_file}
KEYS = [
    "file",
    "emotion",
    "confidence",
    "probabilities",
    "shares",
    "duration",
    "segments",
    "warnings",
    "notes",
]


@pytest.fixture
def folder(tmp_path: Path, synthetic: Path) -> Path:
    """Three recordings at three depths, one of an unusual name, among other things."""
    root = tmp_path / "a folder"
    (root / "deeper" / "yet").mkdir(parents=True)
    shutil.copy(synthetic / "sad" / "00" / "00.wav", root / "one.wav")
    shutil.copy(synthetic / "sad" / "00" / "01.wav", root / "deeper" / "二 été \U0001f600.WAV")
    shutil.copy(synthetic / "happy" / "01" / "00.wav", root / "deeper" / "yet" / "three.wav")
    (root / "notes.txt").write_text("no recording")
    return root


@pytest.fixture
def junk(folder: Path) -> Path:
    """The same with two files among them that cannot be labelled."""
    (folder / "empty.wav").write_bytes(b"")
    (folder / "text.wav").write_text("This is no recording. " * 50)
    return folder


@pytest.fixture
def predict(command: Callable[..., object], oracle: Path) -> Callable[..., object]:
    def run(*arguments: object, **options: object) -> object:
        return command("predict.py", "--model", oracle, *arguments, **options)

    return run


def rows(text: str, delimiter: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


def complaints(done: object) -> list[str]:
    """What is said about several recordings, but for the line that sums up.

    That a synthetic voice dies away as in a bare room is not of interest here.
    """
    *lines, summary = done.stderr.splitlines()
    assert re.match(r"\d+ labelled.*, \d+ failed", summary), done.stderr
    return [line for line in lines if not line.startswith("reverberant: ")]


def without_speed(text: str) -> str:
    return re.sub(r", \S+ times real time", "", text)


def test_a_process_says_the_same(
    script: Callable[..., object], predict, oracle: Path, recording: Path, junk: Path
) -> None:
    """The other tests run the commands in their own process."""
    for arguments in (("--file", recording), ("--folder", junk, "--format", "jsonl")):
        done, expected = script("predict.py", "--model", oracle, *arguments), predict(*arguments)
        assert done.stdout == expected.stdout
        assert without_speed(done.stderr) == without_speed(expected.stderr)
        assert done.returncode == expected.returncode


def test_one_file_is_one_line(predict, model: Model, recording: Path) -> None:
    done = predict("--file", recording)
    assert done.returncode == 0
    confidence = model.predict(recording).confidence
    assert done.stdout == f"Predicted Emotion: sad (Confidence: {confidence:.2f})\n"
    assert done.stderr == ""


def test_the_timeline_is_printed_below(predict, model: Model, recording: Path) -> None:
    first, *lines = predict("--file", recording, "--timeline").stdout.splitlines()
    assert first.startswith("Predicted Emotion: ")
    found = model.predict(recording).segments
    assert len(lines) == len(found)
    for line, segment in zip(lines, found, strict=True):
        start, dash, end, unit, emotion, _ = line.split()
        assert (dash, unit, emotion) == ("-", "s", segment.emotion)
        assert float(start) == pytest.approx(segment.start, abs=0.006)
        assert float(end) == pytest.approx(segment.end, abs=0.006)


def test_json_of_one_file_is_the_contract(predict, model: Model, recording: Path) -> None:
    done = predict("--file", recording, "--format", "json")
    said = json.loads(done.stdout)
    assert list(said) == [*KEYS, "model"]
    assert said == model.predict(recording).to_dict()
    assert list(said["probabilities"]) == list(model.classes)
    assert said["emotion"] == max(said["probabilities"], key=said["probabilities"].get)
    assert sum(said["probabilities"].values()) == pytest.approx(1.0, abs=1e-3)
    shares = [said["confidence"], *said["probabilities"].values()]
    assert all(share == round(share, 4) for share in shares)
    for segment in said["segments"]:
        assert list(segment) == ["start", "end", "emotion", "confidence"]
        assert segment["start"] == round(segment["start"], 3)
        assert 0.0 <= segment["start"] < segment["end"] <= said["duration"] + 1e-9


@pytest.mark.parametrize("format", [name for name in FORMATS if not FORMATS[name].binary])
def test_every_format_of_one_file(predict, recording: Path, tmp_path: Path, format: str) -> None:
    printed = predict("--file", recording, "--format", format)
    target = tmp_path / "new" / f"x{FORMATS[format].suffix}"
    written = predict("--file", recording, "--format", format, "--output", target)
    assert (printed.returncode, printed.stderr) == (0, "")
    assert (written.returncode, written.stdout, written.stderr) == (0, "", "")
    assert printed.stdout.strip()
    assert target.read_bytes().decode("utf-8") == printed.stdout
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_a_picture_of_one_file(predict, recording: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "x.png"
    done = predict("--file", recording, "--format", "png", "--output", target)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert target.read_bytes().startswith(b"\x89PNG\r\n")
    assert [path.name for path in target.parent.iterdir()] == [target.name]


@pytest.mark.parametrize("format", sorted(set(FORMATS) - PER_FILE))
def test_a_folder_with_junk_in_it(predict, junk: Path, tmp_path: Path, format: str) -> None:
    target = tmp_path / "out"
    done = predict("--folder", junk, "--format", format, "--output", target)
    assert done.returncode == 1
    assert done.stdout == ""
    first, second = complaints(done)
    assert str(junk / "empty.wav") in first
    assert str(junk / "text.wav") in second
    text = target.read_text("utf-8")
    for name in ("one", "二 été", "three", "empty", "text"):
        # RTTM parts its fields by spaces.
        assert (name.replace(" ", "_") if format == "rttm" else name) in text
    assert "notes.txt" not in text


def test_a_folder_without_junk(predict, folder: Path) -> None:
    done = predict("--folder", folder)
    assert (done.returncode, complaints(done)) == (0, [])
    names = [line.rsplit(": ", 1)[0] for line in done.stdout.splitlines()]
    assert names == sorted(names)
    assert len(names) == 3


def test_json_of_a_folder_is_a_list_with_errors(predict, junk: Path) -> None:
    done = predict("--folder", junk, "--format", "json")
    said = json.loads(done.stdout)
    assert len(said) == 5
    for entry in said:
        assert list(entry) in ([*KEYS, "model"], ["file", "error"])
    assert {Path(entry["file"]).name for entry in said if "error" in entry} == {
        "empty.wav",
        "text.wav",
    }


def test_tables_of_a_folder_agree_with_json(predict, junk: Path) -> None:
    documents = json.loads(predict("--folder", junk, "--format", "json").stdout)
    for format, delimiter in (("csv", ","), ("tsv", "\t")):
        table = rows(predict("--folder", junk, "--format", format).stdout, delimiter)
        assert len(table) == len(documents)
        for row, document in zip(table, documents, strict=True):
            assert row["file"] == document["file"]
            assert row["emotion"] == document.get("emotion", "")
            assert row["error"] == document.get("error", "")
            for emotion, share in document.get("probabilities", {}).items():
                assert float(row[emotion]) == pytest.approx(share, abs=1e-9)


@pytest.mark.parametrize("format", sorted(PER_FILE))
def test_a_folder_becomes_a_folder(predict, junk: Path, tmp_path: Path, format: str) -> None:
    target = tmp_path / "tracks"
    done = predict("--folder", junk, "--format", format, "--output", target)
    assert done.returncode == 1
    assert len(complaints(done)) == 2
    written = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    end = FORMATS[format].suffix
    assert written == {
        f"one.wav{end}",
        f"deeper/二 été \U0001f600.WAV{end}",
        f"deeper/yet/three.wav{end}",
    }


@pytest.mark.parametrize("format", RESUMABLE_FORMATS)
def test_a_folder_is_resumed_after_a_cut(
    predict, folder: Path, tmp_path: Path, format: str
) -> None:
    target = tmp_path / f"out.{format}"
    order = ("--folder", folder, "--format", format, "--output", target)
    assert predict(*order).returncode == 0
    whole = target.read_bytes()
    # Cut in the middle of the last record; what is left of the first is marked to be known again.
    lines = whole.splitlines(keepends=True)
    first = len(lines) - 3
    lines[first] = lines[first].replace(b"happy", b"marked", 1)
    assert b"marked" in lines[first]
    marked = b"".join(lines)
    target.write_bytes(marked[: marked.rindex(b"\n", 0, -1) + 20])
    done = predict(*order, "--resume")
    assert (done.returncode, complaints(done)) == (0, [])
    assert target.read_bytes() == marked
    again = predict(*order, "--resume")
    assert again.returncode == 0
    assert target.read_bytes() == marked


def test_files_that_failed_are_tried_again(predict, junk: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    order = ("--folder", junk, "--format", "jsonl", "--output", target, "--resume")
    assert predict(*order).returncode == 1
    shutil.copy(junk / "one.wav", junk / "empty.wav")
    (junk / "text.wav").unlink()
    done = predict(*order)
    assert (done.returncode, complaints(done)) == (0, [])
    documents = [json.loads(line) for line in target.read_text("utf-8").splitlines()]
    assert sorted(Path(document["file"]).stem for document in documents) == sorted(
        ["one", "empty", "three", "二 été \U0001f600"]
    )
    assert not any("error" in document for document in documents)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Name recordings or folders to label, or give --mic."),
        (("--file", "nowhere/x.wav"), "--file nowhere/x.wav: No such file or directory; check"),
        (("--file", "."), "--file .: it is a folder; use --folder."),
        (("--folder", "nowhere"), "--folder nowhere: no such folder; check the path."),
        (("--folder", "{recording}"), "it is a file; use --file."),
        (("--folder", "."), "--folder .: no audio file in it or below; expected files such as"),
        (("--file", "{recording}", "--format", "xml"), "format 'xml' is not known; choose from"),
        (("--file", "{recording}", "--resume"), "--resume needs a folder or several recordings, -"),
        (("--folder", "{corpus}", "--resume", "--output", "x"), "--resume needs a folder or sev"),
        (("--folder", "{corpus}", "--format", "srt"), "give a folder with --output DIR."),
        (("--folder", "{corpus}", "--format", "srt", "--output", "{recording}"), "it is a file"),
        (("--file", "{recording}", "--output", "{corpus}"), "it is a folder; give the name of a"),
        (("--folder", "{corpus}", "--format", "json", "--output", "{corpus}"), "it is a folder; g"),
        (("--file", "{recording}", "--output", "{recording}/x"), "a part of its path is a file"),
        (("a", "--mic"), "Name recordings or folders to label, or give --mic."),
        (("--file", "{recording}", "--live"), "use it with --file - or --mic."),
        (("--file", "{recording}", "--model", "nowhere"), "nowhere: no such model; choose from"),
        (("--file", "{recording}", "--model", "."), ".: not a model (bundle.json is missing)"),
        (("--file", "{recording}", "--model", "{recording}"), "not a model (bundle.json is miss"),
    ],
)
def test_wrong_arguments_are_one_sentence_and_status_2(
    predict, recording: Path, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    known = {"recording": recording, "corpus": recording.parent}
    done = predict(*(text.format(**known) for text in arguments), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_output_of_an_earlier_call_outlives_a_file_that_fails(predict, tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_text("no recording")
    for name in ("out.txt", "out.json", "out.csv", "out.srt", "out.png"):
        target = tmp_path / name
        target.write_text("worked on for hours")
        done = predict(tmp_path / "bad.wav", "--output", target, "--overwrite")
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert str(tmp_path / "bad.wav") in done.stderr
        assert target.read_text() == "worked on for hours"


def test_several_recordings_are_summed_up(predict, junk: Path, tmp_path: Path) -> None:
    done = predict(junk, tmp_path / "gone.wav", "--output", tmp_path / "out.csv")
    said = without_speed(done.stderr.splitlines()[-1])
    seconds = re.search(r"; (\d+\.\d s) of audio", said)
    assert seconds is not None
    assert said == (
        f"3 labelled (sad 2, happy 1), 0 no speech, 3 failed; {seconds[1]} of audio; "
        f"written to {tmp_path / 'out.csv'}; 1 other file left out."
    )
    (junk / "empty.wav").unlink()
    (junk / "notes.txt").unlink()
    again = predict(junk, "--output", tmp_path / "out.csv", "--resume").stderr.splitlines()[-1]
    assert again == (
        f"0 labelled, 0 no speech, 1 failed, 3 labelled before; written to {tmp_path / 'out.csv'}."
    )


def test_names_outside_of_the_terminals_language(
    script: Callable[..., object], oracle: Path, folder: Path
) -> None:
    order = ("predict.py", "--model", oracle, "--folder", folder, "--format", "jsonl")
    done = script(*order, PYTHONIOENCODING="ascii")
    assert (done.returncode, complaints(done)) == (0, [])
    assert "二 été \U0001f600.WAV" in done.stdout


def test_a_model_that_ships_needs_no_name(
    script, oracle: Path, recording: Path, tmp_path: Path
) -> None:
    shutil.copytree(oracle, tmp_path / "models" / "default")
    done = script("predict.py", "--file", recording, "--format", "json", cwd=tmp_path)
    assert done.returncode == 0
    named = json.loads((oracle / "bundle.json").read_text())["model"]
    assert json.loads(done.stdout)["model"] == named


def test_a_reader_that_has_gone_is_no_error_worth_a_word(
    start: Callable[..., object], oracle: Path, synthetic: Path
) -> None:
    process = start("predict.py", "--folder", synthetic, "--model", oracle)
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(60) == 1
    process.stderr.close()
