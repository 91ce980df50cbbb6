"""Answers from some emotions alone, and the runners-up in text."""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bilstm_hmm.inference.model import Model
from tests.oracle import RATE, say


@pytest.fixture
def predict(command: Callable[..., object], oracle: Path) -> Callable[..., object]:
    return lambda *arguments, **options: command("predict.py", "--model", oracle, *arguments)


@pytest.fixture
def happy(tmp_path: Path) -> Path:
    import soundfile

    soundfile.write(tmp_path / "happy.wav", say("happy"), RATE)
    return tmp_path / "happy.wav"


def test_the_answer_is_one_of_those_that_are_named(
    predict, model: Model, happy: Path, recording: Path
) -> None:
    some = ("neutral", "sad")
    said = json.loads(predict(happy, "--emotions", " sad,neutral", "--format", "json").stdout)
    found = model.predict(happy, emotions=some)
    assert said == found.to_dict()
    assert list(said["probabilities"]) == list(some)
    assert sum(said["probabilities"].values()) == pytest.approx(1.0, abs=1e-3)
    table = predict(happy, recording, "--emotions", "sad,neutral", "--format", "csv").stdout
    first, second = csv.DictReader(io.StringIO(table))
    assert "happy" not in first
    assert {first["emotion"], second["emotion"]} <= {*some}


def test_a_table_of_other_emotions_is_not_gone_on_with(
    predict, happy: Path, recording: Path, tmp_path: Path
) -> None:
    order = (happy, recording, "--output", tmp_path / "x.csv", "--resume")
    assert predict(*order).returncode == 0
    said = predict(*order, "--emotions", "happy,sad").stderr
    assert "it was written with the emotions neutral, happy, sad, angry, fearful, not" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--emotions", "happy,bored"),
            "has no emotion 'bored'; choose from neutral, happy, ",
        ),
        (("--emotions", "happy"), "Name two emotions at least, of neutral, happy, sad, angry, fe"),
        (("--top", "2", "--format", "csv"), "--top names runners-up in text, and not while sound"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(
    predict, happy: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = predict(happy, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_runners_up_are_named(predict, model: Model, happy: Path, recording: Path) -> None:
    probabilities = model.predict(happy).probabilities
    ranked = sorted(probabilities, key=lambda emotion: -probabilities[emotion])
    shown = [f"{emotion} ({probabilities[emotion]:.2f})" for emotion in ranked]
    alone = predict(happy).stdout.splitlines()[0]
    assert alone == f"Predicted Emotion: happy (Confidence: {probabilities['happy']:.2f})"
    for top in (1, 2, 3, 9):
        others = "".join(f", then {other}" for other in shown[1:top])
        assert predict(happy, "--top", top).stdout.splitlines()[0] == alone + others
    lines = predict(happy, recording, "--top", "2").stdout.splitlines()
    assert lines[0] == f"{happy}: {shown[0]}, then {shown[1]}"
    assert re.fullmatch(r".*: sad \(0\.\d\d\), then \w+ \(0\.\d\d\)", lines[1])
