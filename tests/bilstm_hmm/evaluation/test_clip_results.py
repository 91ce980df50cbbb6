"""Tables of clips and their probabilities: read back to the last digit, or not at all."""

from pathlib import Path

import numpy as np
import pytest
from bilstm_hmm.data.clip import Clip, Sex
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm.delimited_text import table_rows
from bilstm_hmm.evaluation.clip_results import (
    ClipResult,
    clip_result,
    read_results,
    write_predictions,
    write_results,
)

CLASSES = ("happy", "sad")
ALL = ("bilstm", "hmm", "hybrid", "posterior-mean", "hmm-raw")


def result(name: str, share: float, sex: Sex | None = None) -> ClipResult:
    probabilities = np.array([share, 1.0 - share])
    return ClipResult(name, "own-ann", "sad", dict.fromkeys(ALL, probabilities), sex)


def test_a_result_is_that_of_its_clip() -> None:
    clip = Clip(Path("1.wav"), "tess/1.wav", "sad", "tess-OAF", "tess", sex="female")
    probabilities = {"hmm": np.array([0.25, 0.75])}
    expected = ClipResult("tess/1.wav", "tess-OAF", "sad", probabilities, "female")
    assert clip_result(clip, probabilities) == expected


@given(
    names=st.lists(st.text(min_size=1, max_size=12).map(lambda t: f"{t}.wav"), min_size=1),
    share=st.floats(0.0, 1.0),
    sex=st.sampled_from(["female", "male", None]),
)
@settings(deadline=None, max_examples=50)
def test_results_come_back_to_the_last_digit(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], share: float, sex: Sex | None
) -> None:
    path = tmp_path_factory.getbasetemp() / "fold.csv"
    write_results(path, [result(name, share, sex) for name in names], CLASSES)
    results = read_results(path, CLASSES)
    assert results is not None
    assert [entry.name for entry in results] == names
    for entry in results:
        assert (entry.speaker, entry.truth, entry.sex) == ("own-ann", "sad", sex)
        for system in ALL:
            assert entry.probabilities[system].tolist() == [share, 1.0 - share]


def test_results_of_an_earlier_version_are_read_and_written_alike(tmp_path: Path) -> None:
    """An evaluation that it began is gone on with."""
    text = (
        "name,speaker,sex,truth,bilstm:happy,bilstm:sad,hmm-raw:happy,hmm-raw:sad\n"
        "a.wav,own-ann,female,sad,0.25,0.75,0.5,0.5\n"
        "'=b.wav,own-ben,,happy,1e-05,0.99999,0.3333333333333333,0.6666666666666666\n"
    )
    (tmp_path / "fold1.csv").write_text(text, encoding="utf-8")
    results = read_results(tmp_path / "fold1.csv", CLASSES)
    assert results is not None
    assert [(r.name, r.speaker, r.sex, r.truth) for r in results] == [
        ("a.wav", "own-ann", "female", "sad"),
        ("=b.wav", "own-ben", None, "happy"),
    ]
    assert results[1].probabilities["hmm-raw"].tolist() == [1 / 3, 2 / 3]
    write_results(tmp_path / "again.csv", results, CLASSES)
    assert (tmp_path / "again.csv").read_text("utf-8") == text


@pytest.mark.parametrize("damage", ["missing", "empty", "header", "cut", "binary", "other"])
def test_results_that_are_not_whole_are_not_there(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "fold1.csv"
    write_results(path, [result("a.wav", 0.25), result("b.wav", 0.5)], CLASSES)
    content = path.read_bytes()
    damaged = {
        "missing": None,
        "empty": b"",
        "header": content[: content.index(b"\n") + 1],
        "cut": content[:-30],
        "binary": b"\xff\xfe" + content,
        "other": content.replace(b"happy", b"bored"),
    }[damage]
    path.unlink()
    if damaged is not None:
        path.write_bytes(damaged)
    assert read_results(path, CLASSES) is None


def test_predictions_are_a_row_a_clip(tmp_path: Path) -> None:
    results = [
        ClipResult(
            f"{number}.wav",
            f"s{number % 3}",
            CLASSES[number % 2],
            {"bilstm": np.array([0.1 * number, 1 - 0.1 * number]), "hybrid": np.array([0.4, 0.6])},
            ("female", "male", None)[number % 3],
        )
        for number in range(8)
    ]
    write_predictions(tmp_path / "new" / "predictions.csv", results, CLASSES)
    text = (tmp_path / "new" / "predictions.csv").read_text(encoding="utf-8")
    header, *rows = table_rows(text)
    systems = ["bilstm", "bilstm happy", "bilstm sad", "hybrid", "hybrid happy", "hybrid sad"]
    assert header == ["name", "speaker", "sex", "truth", *systems]
    for row, clip in zip(rows, results, strict=True):
        assert row[:4] == [clip.name, clip.speaker, clip.sex or "", clip.truth]
        for start, system in ((4, "bilstm"), (7, "hybrid")):
            probabilities = np.array(row[start + 1 : start + 3], dtype=float)
            np.testing.assert_allclose(probabilities, clip.probabilities[system], atol=6e-7)
            assert row[start] == CLASSES[int(probabilities.argmax())]
