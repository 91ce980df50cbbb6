"""Evaluation fold by fold: what is stored, and what an interrupted one goes on with."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bilstm_hmm.data.clip import Sex
from bilstm_hmm.data.splits.folds import Fold
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.evaluation.baselines import BASELINES
from bilstm_hmm.evaluation.clip_results import ClipResult
from bilstm_hmm.experiments.evaluate import fold_numbers, read_cost, read_results, write_results
from bilstm_hmm.hmm.fusion import SYSTEMS
from bilstm_hmm.inference.model import load

CLASSES = ("happy", "sad")
ALL = (*SYSTEMS, *BASELINES)
FOLDS = tuple(Fold(number, (), ()) for number in (1, 2, 3))


@pytest.mark.parametrize(
    ("text", "expected"),
    [(None, [1, 2, 3]), ("2", [2]), ("3,1", [1, 3]), (" 2 , 2", [2]), ("7", [7])],
)
def test_fold_numbers(text: str | None, expected: list[int]) -> None:
    assert fold_numbers(text, FOLDS) == expected


@pytest.mark.parametrize("text", ["", "one", "1,", "1;2", "1.5"])
def test_fold_numbers_that_are_none(text: str) -> None:
    with pytest.raises(ToolkitError, match=r"^--folds .*: expected numbers as in 1,2"):
        fold_numbers(text, FOLDS)


def result(name: str, share: float, sex: Sex | None = None) -> ClipResult:
    shares = np.array([share, 1.0 - share])
    return ClipResult(name, "own-ann", "sad", dict.fromkeys(ALL, shares), sex)


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
    found = read_results(path, CLASSES)
    assert found is not None
    assert [entry.name for entry in found] == names
    for entry in found:
        assert (entry.speaker, entry.truth, entry.sex) == ("own-ann", "sad", sex)
        for system in ALL:
            assert entry.probabilities[system].tolist() == [share, 1.0 - share]


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


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b'{"parameters": 7, "train_seconds": 1.5}', {"parameters": 7, "train_seconds": 1.5}),
        (b'{"parameters": 7, "tr', {}),
        (b"\xff", {}),
        (b"[]", {}),
        (None, {}),
    ],
)
def test_a_cost_that_is_not_whole_is_not_known(
    tmp_path: Path, content: bytes | None, found: dict[str, float]
) -> None:
    if content is not None:
        (tmp_path / "fold1.json").write_bytes(content)
    assert read_cost(tmp_path / "fold1.json") == found


def test_an_evaluation_that_is_killed_within_a_fold_goes_on_there(
    tiny: Path,
    synthetic: Path,
    least: tuple[str, ...],
    tmp_path: Path,
    script: Callable[..., object],
    start: Callable[..., object],
) -> None:
    folder = tmp_path / "evaluation"
    order = ("evaluate.py", "--config", tiny, *least, "--folds", "2,4", "--output", folder)
    process = start(*order, hasty=True)
    first, within = folder / "fold2.csv", folder / "work4" / "fold1.npz"
    patient_until = time.monotonic() + 300
    while not within.exists():
        assert process.poll() is None
        assert time.monotonic() < patient_until
        time.sleep(0.02)
    process.kill()
    process.communicate()
    assert not (folder / "metrics.json").exists()
    written = (first.read_bytes(), first.stat().st_mtime_ns)
    done = script(*order, "--resume", hasty=True)
    assert done.returncode == 0, done.stderr
    assert (first.read_bytes(), first.stat().st_mtime_ns) == written
    assert "Fold 4 of 5" in done.stderr
    assert not any(f"Fold {n} of 5" in done.stderr for n in (1, 2, 3, 5))
    # What fold 4 had trained before it was killed is not trained again.
    log = (folder / "evaluate.log").read_text("utf-8")
    assert log.count("fold 1 of 2, epoch 1:") == 2
    assert log.count("final, epoch 1:") == 2
    assert "Traceback" not in done.stderr
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    assert metrics["folds"] == [2, 4]
    assert tuple(metrics["systems"]) == ALL
    costs = [read_cost(folder / f"fold{n}.json") for n in (2, 4)]
    assert metrics["train_seconds_per_fold"] == [cost["train_seconds"] for cost in costs]
    assert all(cost["train_seconds"] > 0.0 for cost in costs)
    assert metrics["parameters"] == costs[0]["parameters"] > 0
    assert f"The network has {metrics['parameters']:,} parameters." in (
        folder / "report.md"
    ).read_text("utf-8")
    assert metrics["speaker_independent"] is True
    assert [len(scores["ua_per_fold"]) for scores in metrics["systems"].values()] == [2] * 5
    read = [read_results(folder / f"fold{n}.csv", metrics["classes"]) for n in (2, 4)]
    tested = [{entry.speaker for entry in fold} for fold in read]
    assert tested[0].isdisjoint(tested[1])
    assert metrics["clips"] == sum(map(len, read))
    # The model of each fold says of a test clip what the results say of it.
    for number, results in zip((2, 4), read, strict=True):
        clip = results[0]
        said = load(folder / f"fold{number}").predict(next(synthetic.rglob(clip.name)))
        assert list(said.probabilities.values()) == pytest.approx(
            clip.probabilities["hybrid"], abs=1e-6
        )
    for name in ("report.md", "predictions.csv", "config.yaml", "evaluate.log"):
        assert (folder / name).stat().st_size > 0
    assert not list(folder.glob("work*"))
    assert "speaker-independent" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--folds", "9"), "--folds: there is no fold 9; choose from 1, 2, 3, 4, 5."),
        (("--folds", "x"), "--folds x: expected numbers as in 1,2."),
        (("--protocol", "x"), "there is no protocol 'x': use one of ravdess-emobox,"),
        (("--protocol", "emodb-loso"), "the protocol emodb-loso is for emodb, but there are"),
        (("--resume",), "no run to resume there; leave out --resume."),
    ],
)
def test_wrong_arguments(
    tiny: Path,
    tmp_path: Path,
    command: Callable[..., object],
    arguments: tuple[str, ...],
    said: str,
) -> None:
    folder = tmp_path / "evaluation"
    done = command("evaluate.py", "--config", tiny, "--output", folder, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not folder.exists()
