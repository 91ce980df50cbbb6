"""Evaluation fold by fold: what is stored, and what an interrupted one goes on with."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from bilstm_hmm.data.splits.folds import Fold
from bilstm_hmm.features.audio.reading import read_audio

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.evaluation.baselines import BASELINES
from bilstm_hmm.evaluation.clip_results import read_results
from bilstm_hmm.experiments.evaluate import fold_numbers
from bilstm_hmm.experiments.fold_store import FoldFiles, read_summary
from bilstm_hmm.hmm.fusion import SYSTEMS
from bilstm_hmm.inference.model import load
from bilstm_hmm.training import loop
from bilstm_hmm.training.checkpoint import TrainingState, save_state

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


class CutOff(BaseException):
    """A kill: nobody catches it. That files withstand a true one, the test of training shows."""


def test_an_evaluation_that_is_cut_off_within_a_fold_goes_on_there(
    tiny: Path,
    synthetic: Path,
    least: tuple[str, ...],
    tmp_path: Path,
    command: Callable[..., object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "evaluation"
    order = ("evaluate.py", "--config", tiny, *least, "--folds", "2,4", "--output", folder)
    # What is learned, and that it is gone on with, the tests of training show.
    how = {"train": True, "steps": False}
    first, within = folder / "fold2.csv", folder / "work4" / "fold2.npz"

    def save_or_stop(path: Path, state: TrainingState) -> None:
        if path == within:
            raise CutOff
        save_state(path, state)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "save_state", save_or_stop)
        with pytest.raises(CutOff):
            command(*order, **how)
    assert not (folder / "metrics.json").exists()
    written = (first.read_bytes(), first.stat().st_mtime_ns)
    done = command(*order, "--resume", **how)
    assert done.returncode == 0, done.stderr
    assert (first.read_bytes(), first.stat().st_mtime_ns) == written
    assert "Fold 4 of 5" in done.stderr
    assert not any(f"Fold {n} of 5" in done.stderr for n in (1, 2, 3, 5))
    # What fold 4 had trained before it was cut off is not trained again.
    log = (folder / "evaluate.log").read_text("utf-8")
    assert log.count("fold 1 of 2, epoch 1:") == 2
    assert log.count("final, epoch 1:") == 2
    # Of two folds to run, a half is done when the second begins, and all in its last epoch.
    assert re.search(r"final, epoch 1: .*; whole run: about 0\.0 s left\n.*\Z", log, re.DOTALL)
    assert "Traceback" not in done.stderr
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    assert metrics["folds"] == [2, 4]
    assert tuple(metrics["systems"]) == ALL
    costs = [read_summary(FoldFiles(folder, n)) for n in (2, 4)]
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
        model = load(folder / f"fold{number}")
        whole = model.score(read_audio(next(synthetic.rglob(clip.name))).samples)
        assert model.probabilities_by_system(whole)["hybrid"] == pytest.approx(
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
