"""TensorBoard's event files: what can be read back from them, and where they cannot be written."""

from pathlib import Path
from typing import Any

import pytest

from bilstm_hmm.config.loading import dump_recipe
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.progress import SilentProgress
from bilstm_hmm.training.tracking.choice import open_tracker
from bilstm_hmm.training.tracking.tensorboard import EventLog, TensorBoardTracker
from bilstm_hmm.training.tracking.tracker import NoTracker

# Of Keras and TensorBoard.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


def tensors(folder: Path) -> Any:
    """Read what the event files of one folder hold."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    events.Reload()
    return events


def network() -> Any:
    """A network that a callback may look at."""
    import keras

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def test_a_run_has_recipe_scores_report_and_pictures(tmp_path: Path) -> None:
    import tensorflow as tf

    report, picture = tmp_path / "report.md", tmp_path / "curves_final.png"
    report.write_text("# Evaluation", "utf-8")
    picture.write_bytes(tf.io.encode_png(tf.zeros((2, 3, 1), "uint8")).numpy())
    (tmp_path / "cut_off.png").write_bytes(b"\x89PNG\r\n")
    with open_tracker(Recipe(), tmp_path, "evaluate", SilentProgress()) as tracker:
        tracker.figures({"folds": [2, 5], "systems": {"hmm": {"ua_per_fold": [40.0, 60.0]}}})
        tracker.files([report, picture, tmp_path / "cut_off.png", tmp_path / "predictions.csv"])
        with tracker.fold(2) as fold:
            fold.figures({"systems": {"hmm": {"ua": 40.0}}})
            fold.bundle(tmp_path)
    events = tensors(tmp_path / "tensorboard")
    assert set(events.Tags()["tensors"]) == {
        *("recipe", "hmm/ua_per_fold", "report", "curves_final"),
    }

    def values(tag: str) -> list[Any]:
        return [(event.step, tf.make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)]

    assert values("hmm/ua_per_fold") == [(2, 40.0), (5, 60.0)]
    assert values("report") == [(0, b"# Evaluation")]
    ((_, recipe),) = values("recipe")
    lines = recipe.item().decode("utf-8").splitlines(keepends=True)
    assert "".join(line.removeprefix("    ") for line in lines) == dump_recipe(Recipe())
    ((_, (width, height, data)),) = values("curves_final")
    assert (width, height, data) == (b"3", b"2", picture.read_bytes())
    assert tensors(tmp_path / "tensorboard" / "fold2").Tags()["tensors"] == ["hmm/ua"]


def test_the_epochs_of_a_network_of_a_fold_have_a_folder(tmp_path: Path) -> None:
    with TensorBoardTracker(tmp_path).fold(3) as fold:
        (log,) = fold.callbacks("final")
        log.set_model(network())
        log.on_epoch_end(0, {"loss": 1.5})
        log.on_epoch_end(1, {"loss": 1.0})
        log.on_train_end()
    events = tensors(next(path.parent for path in (tmp_path / "fold3" / "final").rglob("events*")))
    assert [event.step for event in events.Tensors("epoch_loss")] == [0, 1]


def test_none_leaves_nothing(tmp_path: Path) -> None:
    recipe = Recipe(tracking="none")
    with open_tracker(recipe, tmp_path, "train", SilentProgress()) as tracker:
        assert isinstance(tracker, NoTracker)
        assert list(tracker.callbacks("final")) == []
        tracker.figures({"clips": 3})
        with tracker.fold(1) as fold:
            fold.files([tmp_path / "x.png"])
            fold.bundle(tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_event_log_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    log = EventLog(tmp_path / "file" / "events")
    log.set_model(network())
    words = r"^cannot write .*events: .*; choose another path$"
    with pytest.raises(ToolkitError, match=words):
        log.on_epoch_end(0, {"loss": 1.0})
    with pytest.raises(ToolkitError, match=words):
        TensorBoardTracker(tmp_path / "file" / "events").figures({"clips": 3})


def test_an_event_log_on_a_full_disk_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    def full(*_: object) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "pages of\nNo space left on device")

    log = EventLog(tmp_path)
    monkeypatch.setattr(log._callback, "on_train_begin", full)
    with pytest.raises(ToolkitError, match=r"^cannot write .*: the disk is full; free some space"):
        log.on_train_begin()
