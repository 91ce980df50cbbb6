"""A fold is run once: its files say that it is finished, and only when it is."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from bilstm_hmm.data.splits.folds import Fold

from bilstm_hmm.experiments.fold_store import FoldFiles, FoldOutcome, read_summary, run_or_read
from bilstm_hmm.inference.bundle_files import read_bundle
from bilstm_hmm.inference.model import Model
from bilstm_hmm.training.tracking.tracker import NoTracker, Tracker

FOLD = Fold(3, (0,), (1,))


def read(path: Path) -> str | None:
    return path.read_text("utf-8") if path.is_file() else None


def write(path: Path, results: str) -> None:
    path.write_text(results, encoding="utf-8")


def forbidden(*_: object) -> FoldOutcome[str]:
    raise AssertionError("the fold is finished")


def test_a_fold_is_run_once_and_then_read(tmp_path: Path, model: Model) -> None:
    def run(fold: Fold, _: object) -> FoldOutcome[str]:
        (tmp_path / "work3").mkdir()
        return FoldOutcome(f"results of {fold.number}", {"parameters": 7}, model.bundle)

    for once in (run, forbidden):
        assert run_or_read(tmp_path, FOLD, read, once, write, NoTracker()) == "results of 3"
        assert {path.name for path in tmp_path.iterdir()} == {"fold3.csv", "fold3.json", "fold3"}
    assert (tmp_path / "fold3.json").read_text("utf-8") == '{\n  "parameters": 7\n}\n'
    assert read_bundle(tmp_path / "fold3").model_id == model.bundle.model_id


def test_a_fold_is_tracked_with_what_is_stored_of_it(tmp_path: Path, model: Model) -> None:
    seen: list[object] = []

    class Fold3(NoTracker):
        def figures(self, metrics: object) -> None:
            seen.append(metrics)

        def files(self, files: Sequence[Path]) -> None:
            assert all(path.is_file() for path in files)
            seen.append([path.name for path in files])

        def bundle(self, folder: Path) -> None:
            seen.append(read_bundle(folder).model_id)

    class Whole(NoTracker):
        @contextmanager
        def fold(self, number: int) -> Iterator[NoTracker]:
            seen.append(number)
            yield Fold3()

    def run(_: Fold, tracker: Tracker) -> FoldOutcome[str]:
        assert isinstance(tracker, Fold3)
        scores = {"systems": {"hmm": {"ua": 50.0}}}
        return FoldOutcome("results", {"parameters": 7}, model.bundle, scores)

    for once in (run, forbidden):
        run_or_read(tmp_path, FOLD, read, once, write, Whole())
    figures = {"parameters": 7, "systems": {"hmm": {"ua": 50.0}}}
    assert seen == [3, figures, ["fold3.json", "fold3.csv"], model.bundle.model_id]


def test_a_model_that_was_there_before_is_not_written_again(tmp_path: Path) -> None:
    run_or_read(tmp_path, FOLD, read, lambda *_: FoldOutcome("results", {}), write, NoTracker())
    assert not FoldFiles(tmp_path, 3).bundle.exists()


def test_an_interrupted_fold_keeps_its_checkpoints_and_has_no_results(tmp_path: Path) -> None:
    def cut_off(*_: object) -> FoldOutcome[str]:
        (tmp_path / "work3").mkdir()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_or_read(tmp_path, FOLD, read, cut_off, write, NoTracker())
    assert [path.name for path in tmp_path.iterdir()] == ["work3"]


def test_results_come_last(tmp_path: Path) -> None:
    """Where writing them fails, the fold is not finished, and its checkpoints are still there."""

    def run(*_: object) -> FoldOutcome[str]:
        (tmp_path / "work3").mkdir()
        return FoldOutcome("results", {"parameters": 7})

    def full(*_: object) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        run_or_read(tmp_path, FOLD, read, run, full, NoTracker())
    assert {path.name for path in tmp_path.iterdir()} == {"work3", "fold3.json"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"parameters": 7, "train_seconds": 1.5}', {"parameters": 7, "train_seconds": 1.5}),
        (b'{"parameters": 7, "tr', {}),
        (b"\xff", {}),
        (b"[]", {}),
        (None, {}),
    ],
)
def test_a_summary_that_is_not_whole_is_not_known(
    tmp_path: Path, content: bytes | None, expected: dict[str, float]
) -> None:
    if content is not None:
        (tmp_path / "fold1.json").write_bytes(content)
    assert read_summary(FoldFiles(tmp_path, 1)) == expected
