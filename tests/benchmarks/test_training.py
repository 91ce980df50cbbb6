"""The two trainings that are compared: the same network, losses and data."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bilstm_hmm.features.settings.augmentation import AugmentationSettings
from bilstm_hmm.features.spectral.filterbanks import build_filter_banks

from benchmarks.epoch import losses, times
from benchmarks.timing import Cost
from bilstm_hmm.config.loading import load_recipe
from bilstm_hmm.training.dataset import load_dataset
from bilstm_hmm.training.examples import load_examples

pytest.importorskip("keras")

from benchmarks.peers.padded_fit import fit_padded
from benchmarks.training import AUGMENTED, KINDS, count_waiting, overrides, train_epochs


# Of the reading of data, which has a graph all the same.
@pytest.mark.filterwarnings("ignore:Even though the `tf.config:UserWarning")
@pytest.mark.usefixtures("eager")
def test_all_trainings_go_the_same_way(tiny: Path) -> None:
    # All clips in one batch, nothing at random and small steps: then only the padding differs.
    given = ["training.batch_size=1000", "training.learning_rate=1e-3", "network.dropout=0"]
    recipe = load_recipe(str(tiny), given)
    recipe = recipe.model_copy(update={"augmentation": AugmentationSettings.none()})
    selection = load_dataset(recipe.data)
    clips = selection.clips[::9]
    banks = build_filter_banks(recipe.features)
    examples = load_examples(clips, selection.classes, recipe, banks, lambda _: None)
    everyone = np.arange(len(clips))
    theirs = fit_padded(examples, everyone, recipe, 2)
    for bucketed in (True, False):
        training = recipe.training.model_copy(update={"bucketed": bucketed})
        own = recipe.model_copy(update={"training": training})
        ours = train_epochs(examples, everyone, own, banks, 2)
        for key in ("loss", "frame_loss"):
            curve = [row[key] for row in ours]
            assert [row[key] for row in theirs] == pytest.approx(curve, rel=1e-3)
            # They are trained: otherwise they would agree whatever they did.
            assert abs(curve[1] - curve[0]) > 0.01 * curve[0]
        assert all(0 <= row["waited"] <= row["seconds"] for row in ours)


@pytest.mark.parametrize("kind", KINDS)
def test_corpora_are_trained_on_together_and_whole(kind: str, tmp_path: Path) -> None:
    settings = overrides(kind, tmp_path, "ravdess+tess+emodb")
    recipe = load_recipe("default_model.yaml", settings)
    assert [recipe.data.corpus, *recipe.data.also] == ["ravdess", "tess", "emodb"]
    assert (recipe.data.root, recipe.data.home) == (tmp_path / "ravdess", tmp_path)
    assert recipe.training.clips_per_speaker == (200 if kind == AUGMENTED else None)
    single = load_recipe("config.yaml", overrides(kind, tmp_path, "emodb")).data
    assert (single.corpus, single.also, single.root) == ("emodb", (), tmp_path / "emodb")
    alone = load_recipe("default_model.yaml", overrides(kind, tmp_path, "emodb")).data
    assert (alone.corpus, alone.also) == ("emodb", ())


def test_waiting_is_what_the_reader_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])

    def passing(seconds: float) -> None:
        clock[0] += seconds

    def make(batches: int, wait: Callable[[float], None]):
        for batch in range(batches):
            wait(2.0)
            yield batch

    waited: list[float] = []
    for batch in count_waiting(make, waited)(3, wait=passing):
        assert batch in range(3)
        passing(100.0)
    assert waited == [6.0]


def row(seconds: float, loss: float, **more: float) -> dict[str, float]:
    return {"seconds": seconds, "loss": loss, "frame_loss": 2 * loss, **more}


ROWS = {
    "ours": [
        [row(9.0, 3.0, waited=8.0), row(2.0, 2.0, waited=0.5), row(2.0, 1.0, waited=0.5)],
        [row(9.0, 3.0, waited=8.0), row(4.0, 2.0, waited=1.0), row(4.0, 1.0, waited=1.0)],
    ],
    "fit": [
        [row(50.0, 3.0), row(6.0, 2.0), row(6.0, 1.5)],
        [row(50.0, 3.0), row(12.0, 3.0), row(12.0, 1.5)],
    ],
}


def test_the_first_epoch_does_not_count() -> None:
    costs = {name: [Cost(0.0, 100.0, ""), Cost(0.0, 200.0, "")] for name in ROWS}
    header, ours, fit = times("emodb", costs, ROWS)
    assert header == ["emodb", "an epoch, s", "times ours", "waiting, %", "peak, MB"]
    assert ours[1:4] == ["3.00 (2.00 to 4.00)", "1", "25.0 (25.0 to 25.0)"]
    assert fit[1:] == ["9.00 (6.00 to 12.0)", "3.00 (3.00 to 3.00)", "", "150 (100 to 200)"]


def test_losses_stand_side_by_side() -> None:
    assert losses(ROWS) == [
        ["epoch", "ours: loss", "fit: loss"],
        ["1", "3.00 (3.00 to 3.00)", "3.00 (3.00 to 3.00)"],
        ["2", "2.00 (2.00 to 2.00)", "2.50 (2.00 to 3.00)"],
        ["3", "1.00 (1.00 to 1.00)", "1.50 (1.50 to 1.50)"],
    ]
