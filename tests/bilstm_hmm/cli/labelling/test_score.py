"""A model scored on labelled clips: the oracle is right about every clip of its own corpus."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from bilstm_hmm.cli.main import program

Score = Callable[..., Result]


@pytest.fixture
def score(oracle: Path, monkeypatch: pytest.MonkeyPatch) -> Score:
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: str | Path) -> Result:
        order = ["score", "--model", oracle, "--jobs", "1", *arguments]
        return CliRunner().invoke(program(), [*map(str, order)])

    return run


@pytest.fixture
def mine(synthetic: Path, tmp_path: Path) -> Path:
    """Two clips of each of three emotions, by speakers whom no folder names."""
    for emotion in ("happy", "sad", "angry"):
        (tmp_path / "mine" / emotion).mkdir(parents=True)
        for take in ("00", "01"):
            source = synthetic / emotion / "01" / f"{take}.wav"
            shutil.copy(source, tmp_path / "mine" / emotion / f"{take}.wav")
    return tmp_path / "mine"


def test_folders_of_emotions_and_speakers(score: Score, synthetic: Path, tmp_path: Path) -> None:
    done = score("--corpus", synthetic, "--output", tmp_path / "scored")
    assert done.exit_code == 0, done.output
    document = json.loads((tmp_path / "scored" / "metrics.json").read_text("utf-8"))
    assert (document["corpus"], document["clips"], document["speakers"]) == ("folders", 90, 6)
    found = document["systems"]["hybrid"]
    assert (found["ua"], found["wa"], found["f1"]) == (100.0, 100.0, 100.0)
    assert found["ua_interval"] == [100.0, 100.0]
    assert 0.0 < found["log_loss"] < 0.7
    assert "100.0 to 100.0" in done.stdout
    rows = [
        *csv.DictReader((tmp_path / "scored" / "predictions.csv").read_text("utf-8").splitlines())
    ]
    assert len(rows) == 90
    assert all(row["truth"] == row["hybrid"] for row in rows)
    assert (
        (tmp_path / "scored" / "report.md").read_text("utf-8").startswith("# oracle-0123abcd on ")
    )
    again = score("--corpus", synthetic, "--output", tmp_path / "scored")
    assert (again.exit_code, "the folder is not empty; choose another" in again.output) == (2, True)


def test_emotions_that_the_model_lacks_are_told_or_mapped(score: Score, mine: Path) -> None:
    (mine / "angry").rename(mine / "Grief")
    done = score("--corpus", mine)
    assert done.exit_code == 0
    assert "2 clips of Grief are left out: the model does not know it" in done.stdout
    assert "100.0" in done.stdout
    mapped = score("--corpus", mine, "--map", "Grief=sad")
    assert "Grief counts as sad." in mapped.stdout
    assert " 75.0 " in mapped.stdout  # half of what is called sad is angry
    assert "Grief are left out" not in mapped.stdout


def test_a_manifest_names_speakers(score: Score, mine: Path) -> None:
    lines = [
        f"{path.relative_to(mine)},{path.parent.name},s{path.stem}" for path in mine.rglob("*.wav")
    ]
    (mine / "mine.csv").write_text("path,emotion,speaker\n" + "\n".join(lines), "utf-8")
    done = score("--corpus", mine / "mine.csv")
    assert "By speaker UA is 100.0 (manifest-s0" in done.stdout
    assert "takes 6 or more, each of them known; 2 are." in done.stdout


def test_a_corpus_is_known_by_its_name_or_its_files(score: Score, mine: Path) -> None:
    (mine / "ravdess").mkdir()
    for emotion, code in (("sad", "04"), ("happy", "03")):
        shutil.copy(mine / emotion / "00.wav", mine / "ravdess" / f"03-01-{code}-01-01-01-05.wav")
    for corpus in ((mine / "ravdess",), ("ravdess", "--root", mine / "ravdess")):
        done = score("--corpus", *corpus)
        assert done.exit_code == 0, done.output
        assert "The model was trained on ravdess: if these are its speakers" in done.stdout
        assert "(ravdess-05)" not in done.stdout  # one speaker has no spread


def test_a_clip_that_cannot_be_read_does_not_count(score: Score, mine: Path) -> None:
    (mine / "sad" / "02.wav").write_bytes(b"RIFF and nothing else")
    done = score("--corpus", mine)
    assert done.exit_code == 1
    assert "1 clips cannot be read and do not count." in done.stdout
    assert "sad/02.wav: " in done.stdout
    assert "100.0" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--corpus", "nowhere"],
            "neither a folder or a manifest nor a corpus; give a folder with",
        ),
        (["--corpus", "emodb"], "say where it lies, with --root DIR"),
        (["--corpus", "{mine}", "--map", "calm"], "give two emotions, as in --map calm=neutral"),
        (
            ["--corpus", "{mine}", "--map", "calm=sad"],
            "no clip is calm; there are angry, happy, sad",
        ),
        (["--corpus", "{mine}", "--map", "joy=bored"], "the model does not know bored; it knows "),
        (["--corpus", "{mine}/../other"], "is one that the model knows"),
        (
            ["--corpus", "{mine}", "--output", "{mine}/sad/00.wav"],
            "it is a file; give the name of a",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence(
    score: Score, mine: Path, arguments: list[str], words: str
) -> None:
    (mine.parent / "other" / "own word").mkdir(parents=True)
    shutil.copy(mine / "sad" / "00.wav", mine.parent / "other" / "own word")
    done = score(*(argument.format(mine=mine) for argument in arguments))
    assert done.exit_code == 2
    assert words in " ".join(done.output.split())
    assert "Traceback" not in done.output


def test_a_model_that_knows_voices_is_scored_with_them_known(
    oracle_voices: Path, synthetic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    order = ("score", "--corpus", synthetic, "--voices", "--jobs", "1", "--model")
    done = CliRunner().invoke(
        program(), [*map(str, (*order, oracle_voices, "--output", tmp_path / "scored"))]
    )
    assert done.exit_code == 0, done.output
    assert "With the voices known" in done.stdout
    assert "10, 7 of them neutral" in done.stdout
    document = json.loads((tmp_path / "scored" / "metrics.json").read_text("utf-8"))
    drawn = {known: found["clips_known"] for known, found in document["known"].items()}
    # Three clips of each emotion by every speaker, of which the tested one is one.
    assert (drawn["0"], drawn["5"], drawn["all"]) == (0.0, 5.0, 14.0)
    assert document["known"]["0"]["systems"]["hybrid"]["recalls"].keys() == {
        *document["systems"]["hybrid"]["recalls"]
    }
    report = (tmp_path / "scored" / "report.md").read_text("utf-8")
    assert "## With the voices known" in report


def test_voices_that_cannot_be_known_are_refused(
    score: Score, oracle_voices: Path, mine: Path
) -> None:
    done = score("--corpus", mine, "--voices")
    assert done.exit_code == 2
    assert "was not trained to know voices" in done.output
    done = score("--corpus", mine, "--voices", "--model", oracle_voices)
    assert done.exit_code == 2
    assert "--voices: the speaker of 6 of 6 clips is not known" in done.output
