"""``predict --voices``: recordings of one voice are known by one another."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bilstm_hmm.features.audio.inputs import file_input
from bilstm_hmm.features.extraction.voice_statistics import merge_moments

from bilstm_hmm.cli.labelling import file_workers
from bilstm_hmm.cli.voice import two_passes
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.voice.clustering import without_emotion
from bilstm_hmm.inference.voice.learner import KnownVoice
from bilstm_hmm.inference.voice.learning import learn_inputs
from bilstm_hmm.inference.voice.recordings import LabelInput
from tests.oracle import EMOTIONS, RATE, say, talk

Program = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two voices in a folder each, a long recording of the second; silence and junk among them."""
    root = tmp_path_factory.mktemp("calls")
    for name, speaker in (("anna", 1), ("ben", 5)):
        (root / name).mkdir()
        for place, emotion in enumerate(EMOTIONS):
            soundfile.write(root / name / f"{place}.wav", say(emotion, speaker), RATE)
    soundfile.write(root / "ben" / "long.wav", talk(*("sad", 0.5, "happy", 0.5) * 9), RATE)
    soundfile.write(root / "anna" / "silence.wav", np.zeros(RATE), RATE)
    (root / "anna" / "junk.wav").write_bytes(b"nothing")
    return root


def files_of(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*.wav")) if path.stem != "junk"]


def expected(model: Model, files: list[Path]) -> dict[str, dict[str, object]]:
    """What is said of recordings of one voice, each known by all of them."""
    inputs = [LabelInput(file_input(path, RATE)) for path in files]
    learned = learn_inputs(model.scorer, inputs, 1)
    voice = merge_moments(moments for moments, _ in learned if moments is not None)
    known = KnownVoice(voice, is_complete=True)
    told = model.label([LabelInput(one.source, known) for one in inputs])
    return {result.file: result.to_dict() for result in told}


def rows_of(text: str) -> dict[str, dict[str, object]]:
    return {row["file"]: row for row in map(json.loads, text.splitlines())}


def assert_same(found: dict[str, dict[str, object]], wanted: dict[str, dict[str, object]]) -> None:
    for file, row in wanted.items():
        assert found[file]["emotion"] == row["emotion"]
        assert found[file]["probabilities"] == pytest.approx(row["probabilities"], abs=2e-4)


@pytest.fixture
def ask(oracle_voices: Path, calls: Path) -> tuple[str | Path, ...]:
    return ("predict", calls, "--model", oracle_voices, "--format", "jsonl")


def test_the_files_of_a_folder_are_of_one_voice(
    program: Program, ask: tuple[str, ...], calls: Path, voice_model: Model
) -> None:
    status, out, err = program(*ask, "--voices", "folders")
    assert status == 1
    assert "junk.wav" in err
    rows = rows_of(out)
    assert len(rows) == 13
    assert "error" in rows[str(calls / "anna" / "junk.wav")]
    for name in ("anna", "ben"):
        assert_same(rows, expected(voice_model, files_of(calls / name)))
    unknown = rows_of(program(*ask)[1])
    changed = [file for file in rows if rows[file] != unknown[file]]
    # All but silence and junk.
    assert len(changed) == 11


def test_one_voice_in_all(
    program: Program, ask: tuple[str, ...], calls: Path, voice_model: Model
) -> None:
    rows = rows_of(program(*ask, "--voices", "one")[1])
    assert_same(rows, expected(voice_model, files_of(calls)))


def test_a_manifest_says_who_speaks(
    program: Program, ask: tuple[str, ...], calls: Path, voice_model: Model, tmp_path: Path
) -> None:
    manifest = tmp_path / "voices.csv"
    of_x = [calls / "anna" / "0.wav", calls / "ben" / "1.wav", calls / "ben" / "2.wav"]
    lines = ["note,file,voice", *(f'"a, b",{path},x' for path in of_x), "", f"-,{of_x[0]},x"]
    manifest.write_text("\n".join(lines), encoding="utf-8-sig")
    _, out, err = program(*ask, "--voices", manifest)
    assert f"--voices {manifest}: 10 of 13 recordings are not in it, such as " in err
    rows, unknown = rows_of(out), rows_of(program(*ask)[1])
    assert_same(rows, expected(voice_model, of_x))
    rest = {file: row for file, row in unknown.items() if Path(file) not in of_x}
    assert_same(
        {k: v for k, v in rows.items() if "error" not in v},
        {file: row for file, row in rest.items() if "error" not in row},
    )


def test_recordings_that_sound_alike_are_of_one_voice(
    program: Program,
    ask: tuple[str, ...],
    calls: Path,
    voice_model: Model,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(two_passes, "THRESHOLD", 1e9)
    _, out, err = program(*ask, "--voices", "auto")
    assert "--voices auto: 1 voice in 11 recordings.\n" in err
    rows, unknown = rows_of(out), rows_of(program(*ask)[1])
    files = [path for path in files_of(calls) if path.stem != "silence"]
    inputs = [LabelInput(file_input(path, RATE)) for path in files]
    moments = [moments for moments, _ in learn_inputs(voice_model.scorer, inputs, 1)]
    told = [np.array([*unknown[str(path)]["probabilities"].values()]) for path in files]
    # The long one is not held, and its emotions are not asked for.
    shares = [None if path.stem == "long" else row for path, row in zip(files, told, strict=True)]
    known = KnownVoice(merge_moments(without_emotion(moments, shares)), is_complete=True)
    results = voice_model.label([LabelInput(one.source, known) for one in inputs])
    assert_same(rows, {result.file: result.to_dict() for result in results})
    assert rows != unknown
    monkeypatch.setattr(two_passes, "THRESHOLD", 0.0)
    _, out, err = program(*ask, "--voices", "auto")
    assert "--voices auto: 11 voices in 11 recordings.\n" in err
    assert rows_of(out) == rows_of(program(*ask)[1])


def test_what_is_not_kept_is_read_again_and_says_the_same(
    program: Program, ask: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = program(*ask, "--voices", "folders", "--jobs", "1")
    monkeypatch.setattr(two_passes, "MAX_KEPT_BYTES", 200_000)
    monkeypatch.setattr(file_workers, "FILES_PER_BATCH", 2)
    again = program(*ask, "--voices", "folders", "--jobs", "2")
    assert_same(rows_of(again[1]), {f: r for f, r in rows_of(kept[1]).items() if "error" not in r})


def test_a_run_that_was_cut_off_goes_on_with_the_same_voices(
    program: Program, ask: tuple[str, ...], tmp_path: Path
) -> None:
    table = tmp_path / "labels.jsonl"
    grouped = (*ask, "--voices", "folders", "--output", table)
    program(*grouped)
    whole = table.read_text("utf-8")
    lines = whole.splitlines(keepends=True)
    table.write_text("".join(lines[:4]), encoding="utf-8")
    assert program(*grouped, "--resume")[0] == 1
    assert_same(
        rows_of(table.read_text("utf-8")),
        {f: r for f, r in rows_of(whole).items() if "error" not in r},
    )
    status, _, err = program(*ask, "--output", table, "--voices", "one", "--resume")
    assert status == 2
    assert "written with --voices folders, not one" in err


def test_channels_of_a_folder_are_voices_of_their_own(
    program: Program, oracle_voices: Path, voice_model: Model, tmp_path: Path
) -> None:
    for place, emotion in enumerate(("sad", "happy", "angry")):
        one, other = say(emotion, 1), say("neutral", 5)
        count = min(len(one), len(other))
        soundfile.write(
            tmp_path / f"{place}.wav", np.stack([one[:count], other[:count]], axis=1), RATE
        )
    given = ("--model", oracle_voices, "--format", "jsonl", "--channels", "split")
    _, out, _ = program("predict", tmp_path, *given, "--voices", "folders")
    rows = [json.loads(line) for line in out.splitlines()]
    for channel in (1, 2):
        sources = [
            file_input(path, RATE).by_channel(channel)[0] for path in sorted(tmp_path.glob("*.wav"))
        ]
        learned = learn_inputs(voice_model.scorer, [LabelInput(one) for one in sources], 1)
        known = KnownVoice(merge_moments(moments for moments, _ in learned), is_complete=True)
        told = voice_model.label([LabelInput(one, known) for one in sources])
        found = [row for row in rows if row["channel"] == channel]
        for row, result in zip(found, told, strict=True):
            assert row["probabilities"] == pytest.approx(
                result.to_dict()["probabilities"], abs=2e-4
            )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("{calls}/anna/0.wav", "--voices", "one"), "name a folder"),
        (("{calls}", "--voices", "alone"), "--voices alone: give folders, one or auto, or a CSV"),
        (("-", "--voices", "one"), "name a folder"),
        (("{calls}", "--voices", "{calls}/anna/0.wav"), "it cannot be read (it is not text"),
        (("{calls}", "--voices", "bad.csv"), "its first line must name the columns file and voice"),
        (("{calls}", "--voices", "other.csv"), "it names none of the recordings"),
        (("{calls}", "--voices", "twice.csv"), "line 3: a.wav has another voice further up"),
        (("{calls}", "--voices", "half.csv"), "line 2: give a file and its voice"),
        (("{calls}", "--voices", "one", "--voice", "anna.voice"), "give one"),
        (("{calls}", "--voices", "one", "--model", "{oracle}"), "was not trained to know voices"),
    ],
)
def test_what_makes_no_sense_is_refused(
    program: Program,
    calls: Path,
    oracle: Path,
    oracle_voices: Path,
    voice_model: Model,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.csv").write_text("a,b\n")
    (tmp_path / "other.csv").write_text("file,voice\nz.wav,z\n")
    (tmp_path / "twice.csv").write_text("file,voice\na.wav,a\na.wav,b\n")
    (tmp_path / "half.csv").write_text("file,voice\na.wav,\n")
    voice_model.voice(say("sad"), rate=RATE).save(tmp_path / "anna.voice")
    given = [argument.format(calls=calls, oracle=oracle) for argument in arguments]
    model = () if "--model" in given else ("--model", oracle_voices)
    status, out, err = program("predict", *given, *model)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
