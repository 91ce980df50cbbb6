"""Leaks: who sees which clips, with real networks and with stand-ins that keep a record."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")

from bilstm_hmm.data.splits.inner_folds import inner_folds  # noqa: E402
from bilstm_hmm.features.extraction.normalise import FeatureStatistics, fit_statistics  # noqa: E402
from bilstm_hmm.features.frames import Frames  # noqa: E402
from bilstm_hmm.features.quality.measures import AudioQuality  # noqa: E402
from bilstm_hmm.features.spectral.filterbanks import FilterBanks  # noqa: E402

from bilstm_hmm.config.schema import Recipe  # noqa: E402
from bilstm_hmm.config.training_settings import TrainingSettings  # noqa: E402
from bilstm_hmm.hmm.bank import mean_log_likelihoods  # noqa: E402
from bilstm_hmm.hmm.fusion import predict_proba  # noqa: E402
from bilstm_hmm.hmm.projection import project  # noqa: E402
from bilstm_hmm.network.outputs import NetworkOutput  # noqa: E402
from bilstm_hmm.progress import SilentProgress  # noqa: E402
from bilstm_hmm.training import out_of_fold  # noqa: E402
from bilstm_hmm.training.backend import DegradedOutputs, OutOfFoldOutputs  # noqa: E402
from bilstm_hmm.training.context import TrainingContext, TrainingTask  # noqa: E402
from bilstm_hmm.training.examples import Examples, normalised_frames  # noqa: E402
from bilstm_hmm.training.loop import TrainedNetwork, network_outputs  # noqa: E402
from bilstm_hmm.training.out_of_fold import TrainedSystem, n_epochs, train_system  # noqa: E402

TRAIN, TEST = list(range(18)), list(range(18, 24))
MakeRecipe = Callable[..., Recipe]


class Listener(SilentProgress):
    """Keeps the epochs it is told of."""

    def __init__(self) -> None:
        self.epochs: list[tuple[str, float]] = []
        self.work: dict[str, float] = {}

    def networks(self, work: Mapping[str, float]) -> None:
        assert self.epochs == []
        self.work = dict(work)

    def epoch(self, name: str, total: int, row: Mapping[str, float]) -> None:
        self.epochs.append((name, row["epoch"]))


@pytest.fixture(scope="module")
def recipe(quick_recipe: MakeRecipe) -> Recipe:
    return quick_recipe(
        network={"units": [6], "stack": 8, "dropout": 0.1},
        training={"epochs": 2, "learning_rate": 0.05, "weight_average": 0.0, "batch_size": 18},
        augmentation={"speed": {"probability": 0.3}},
    )


@dataclass(frozen=True)
class Fitted:
    system: TrainedSystem
    work: Path
    listener: Listener


@pytest.fixture(scope="module")
def fitted(
    eager_module: None, tones: Examples, recipe: Recipe, banks: FilterBanks, tmp_path_factory: Any
) -> Fitted:
    work, listener = tmp_path_factory.mktemp("clean"), Listener()
    found = train_system(TrainingContext(tones, recipe, banks, work, listener), TRAIN)
    return Fitted(found, work, listener)


def arrays_of(found: TrainedSystem) -> list[np.ndarray]:
    weights = [w for n in found.networks.values() for w in n.network.get_weights()]
    back_end = found.back_end
    fitted = [*back_end.hmm_bank.to_arrays().values(), *back_end.fusion.to_arrays().values()]
    return [*weights, back_end.projection.matrix, back_end.projection.offset, *fitted]


def test_no_clip_outside_the_training_part_is_looked_at(
    fitted: Fitted,
    tones: Examples,
    recipe: Recipe,
    banks: FilterBanks,
    poisoned: Callable[[Examples, list[int]], Examples],
    tmp_path: Path,
) -> None:
    """The test speaker's clips are not numbers, and nothing changes."""
    useless = poisoned(tones, TEST)
    found = train_system(TrainingContext(useless, recipe, banks, tmp_path), TRAIN)
    for left, right in zip(arrays_of(found), arrays_of(fitted.system), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6)


def test_statistics_are_those_of_each_networks_own_training_part(
    fitted: Fitted, tones: Examples, recipe: Recipe
) -> None:
    split = inner_folds(tones.clips, TRAIN, recipe.hmm.inner_folds, recipe.seed)
    parts = [*(fit_on for fit_on, _ in split.folds), TRAIN]
    for network, part in zip(fitted.system.networks.values(), parts, strict=True):
        own = fit_statistics(tones.frames[i].values for i in part)
        np.testing.assert_array_equal(network.statistics.mean, own.mean)
        np.testing.assert_array_equal(network.statistics.std, own.std)


def test_every_system_has_probabilities_of_an_unknown_speaker(
    fitted: Fitted, tones: Examples, recipe: Recipe
) -> None:
    network, back_end = fitted.system.network, fitted.system.back_end
    frames = normalised_frames(tones, TEST, recipe, network.statistics)
    outputs = network_outputs(network, frames, recipe.network.stride)
    clip_logits = np.stack([o.clip_logits for o in outputs])
    scores = np.stack(
        [mean_log_likelihoods(back_end.hmm_bank, project(back_end.projection, o)) for o in outputs]
    )
    for name in ("bilstm", "hmm", "hybrid"):
        found = predict_proba(back_end.fusion, clip_logits, scores, name)
        assert found.shape == (len(TEST), 3)
        assert (found >= 0.0).all()
        np.testing.assert_allclose(found.sum(axis=1), 1.0)


def test_the_final_network_trains_as_long_as_was_best_in_the_median(fitted: Fitted) -> None:
    best = [network.best_epoch for network in fitted.system.inner_networks]
    assert fitted.system.network.best_epoch == round(float(np.median(best)))
    assert "val_ua" not in fitted.system.network.history[0]


def test_what_is_finished_is_not_done_again(
    fitted: Fitted, tones: Examples, recipe: Recipe, banks: FilterBanks
) -> None:
    assert {name for name, _ in fitted.listener.epochs} == {"fold 1 of 2", "fold 2 of 2", "final"}
    # What comes is told before: clips times epochs.
    split = inner_folds(tones.clips, TRAIN, recipe.hmm.inner_folds, recipe.seed)
    clips = [*(len(fit_on) for fit_on, _ in split.folds), len(TRAIN)]
    names = ("fold 1 of 2", "fold 2 of 2", "final")
    expected = {n: c * recipe.training.epochs for n, c in zip(names, clips, strict=True)}
    assert fitted.listener.work == expected
    names = sorted(path.name for path in fitted.work.iterdir())
    assert names == ["final.npz", "fold1.npz", "fold2.npz"]
    listener = Listener()
    again = train_system(TrainingContext(tones, recipe, banks, fitted.work, listener), TRAIN)
    assert listener.epochs == []
    for left, right in zip(arrays_of(again), arrays_of(fitted.system), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6)


class Ledger:
    """Stands in for training and running networks, and writes down who sees what.

    The first feature of every clip is its index; the first two clip logits say which network
    made them and of which clip.
    """

    def __init__(self) -> None:
        self.tasks: list[TrainingTask] = []
        self.runs: list[tuple[TrainingTask, list[int]]] = []
        self.outputs: list[OutOfFoldOutputs] = []
        self.degraded: list[DegradedOutputs | None] = []

    def train(self, context: TrainingContext, task: TrainingTask) -> TrainedNetwork:
        self.tasks.append(task)
        nothing = np.zeros(0, np.float32)
        return TrainedNetwork(task, FeatureStatistics(nothing, nothing), len(self.tasks), ())

    def run(
        self, network: TrainedNetwork, frames: list[np.ndarray], stride: int
    ) -> list[NetworkOutput]:
        task: TrainingTask = network.network
        indices = [int(values[0, 0]) for values in frames]
        self.runs.append((task, indices))
        rng = np.random.default_rng(0)
        return [
            NetworkOutput(
                rng.normal(size=(9, 4)).astype(np.float32),
                rng.normal(size=(9, 3)).astype(np.float32),
                np.array([self.tasks.index(task), i, 0], np.float32),
            )
            for i in indices
        ]

    def fit(
        self, outputs: OutOfFoldOutputs, _classes: Any, _recipe: Any, degraded: Any = None
    ) -> Any:
        self.outputs.append(outputs)
        self.degraded.append(degraded)
        return SimpleNamespace(notes=("a note of the back end",))


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    kept = Ledger()
    monkeypatch.setattr(out_of_fold, "train_network", kept.train)
    monkeypatch.setattr(out_of_fold, "network_outputs", kept.run)
    monkeypatch.setattr(out_of_fold, "fit_back_end", kept.fit)
    return kept


@pytest.fixture(scope="module")
def numbered(tones: Examples) -> Examples:
    frames = tuple(Frames(np.full((30, 5), i, np.float32), 100.0) for i in range(len(tones.clips)))
    return replace(tones, frames=frames)


@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("kind", ["lda", "logits"])
@pytest.mark.parametrize("folds", [2, 3])
def test_out_of_fold_outputs_come_from_networks_that_never_saw_the_clip(
    ledger: Ledger,
    numbered: Examples,
    quick_recipe: MakeRecipe,
    banks: FilterBanks,
    tmp_path: Path,
    refit: bool,
    kind: str,
    folds: int,
) -> None:
    chosen = quick_recipe(
        hmm={"input": kind, "inner_folds": folds},
        training={"refit": refit},
        features={"normalisation": "none"},
    )
    train_system(TrainingContext(numbered, chosen, banks, tmp_path), TRAIN)
    *inner, final = ledger.tasks
    assert len(inner) == folds
    speakers = np.array([clip.speaker for clip in numbered.clips])
    for task in ledger.tasks:
        everyone = np.concatenate([task.train, task.validation]).tolist()
        assert sorted(everyone) == TRAIN
        assert not set(speakers[task.train]) & set(speakers[task.validation])
    assert (len(final.validation) == 0) == refit
    (data,) = ledger.outputs
    indices = [int(o.clip_logits[1]) for o in data.outputs]
    assert sorted(indices) == TRAIN
    np.testing.assert_array_equal(data.labels, numbered.labels[indices])
    for found, index, fold in zip(data.outputs, indices, data.inner_folds, strict=True):
        network = inner[int(found.clip_logits[0])]
        assert index not in network.train
        assert network is inner[fold]
    # Alignments are fitted on what the inner network was trained on, never on the held-out part.
    alignments = [(t, seen) for t, seen in ledger.runs if set(seen) <= set(t.train.tolist())]
    if refit:
        assert len(alignments) == (2 * folds if kind == "lda" else 0)
    assert len({task.seed for task in ledger.tasks}) == folds + 1


def test_degraded_clips_are_scored_by_networks_that_never_saw_them(
    ledger: Ledger,
    tones: Examples,
    quick_recipe: MakeRecipe,
    banks: FilterBanks,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Some clips of every inner fold, changed, where training changes clips so; else none."""

    def marked(
        examples: Examples, indices: np.ndarray, *_: Any
    ) -> tuple[Examples, tuple[AudioQuality, ...]]:
        chosen = [int(i) for i in indices]
        frames = tuple(Frames(np.full((30, 5), i, np.float32), 100.0) for i in chosen)
        clips = tuple(examples.clips[i] for i in chosen)
        samples = tuple(examples.samples[i] for i in chosen)
        degraded = Examples(clips, examples.classes, examples.labels[chosen], samples, frames)
        return degraded, (AudioQuality(20.0, 0.0, 0.0, None, 15.0, 0.0),) * len(chosen)

    monkeypatch.setattr(out_of_fold, "degraded_examples", marked)
    monkeypatch.setattr(out_of_fold, "DEGRADED_CLIPS", 9)
    plain = {"hmm": {"input": "logits", "inner_folds": 3}, "features": {"normalisation": "none"}}
    chosen = quick_recipe(**plain, augmentation={"telephone": {"probability": 0.2}})
    train_system(TrainingContext(tones, chosen, banks, tmp_path), TRAIN)
    (degraded,) = ledger.degraded
    assert degraded is not None
    assert np.bincount(degraded.inner_folds).tolist() == [3, 3, 3]
    assert len(degraded.qualities) == 9
    for output, label, fold in zip(
        degraded.outputs, degraded.labels, degraded.inner_folds, strict=True
    ):
        number, index = map(int, output.clip_logits[:2])
        assert number == fold
        assert index in TRAIN
        assert index not in ledger.tasks[number].train
        assert tones.labels[index] == label
    ledger.tasks.clear()
    train_system(TrainingContext(tones, quick_recipe(**plain), banks, tmp_path), TRAIN)
    assert ledger.degraded[1] is None


@pytest.mark.parametrize(
    ("clips", "steps", "expected"),
    [
        (430, None, 40),  # 14 batches of 32 an epoch
        (430, 560, 40),
        (430, 561, 41),
        (430, 1500, 108),
        (1000, 1500, 47),
        (1, 50, 50),
    ],
)
def test_few_clips_have_more_epochs(clips: int, steps: int | None, expected: int) -> None:
    settings = TrainingSettings(epochs=40, batch_size=32, steps=steps)
    assert n_epochs(clips, settings) == expected


@pytest.mark.parametrize("keep", ["best", "last"])
def test_each_network_has_at_least_so_many_steps(
    ledger: Ledger,
    numbered: Examples,
    quick_recipe: MakeRecipe,
    banks: FilterBanks,
    tmp_path: Path,
    keep: str,
) -> None:
    """The final network of 18 clips, three batches, goes as far as those of 12, two batches."""
    training = {"epochs": 2, "steps": 12, "batch_size": 6, "keep": keep}
    chosen = quick_recipe(
        training=training, hmm={"inner_folds": 3}, features={"normalisation": "none"}
    )
    train_system(TrainingContext(numbered, chosen, banks, tmp_path), TRAIN)
    *inner, final = ledger.tasks
    assert [task.epochs for task in inner] == [6, 6, 6]
    # The stand-ins keep the first, second and third epoch of six: a third of the way.
    assert final.epochs == (4 if keep == "last" else 1)


@pytest.mark.parametrize("refit", [True, False])
def test_clips_are_held_out_where_test_speakers_are_in_training(
    ledger: Ledger,
    numbered: Examples,
    quick_recipe: MakeRecipe,
    banks: FilterBanks,
    tmp_path: Path,
    refit: bool,
) -> None:
    chosen = quick_recipe(
        training={"refit": refit}, features={"normalisation": "none"}, hmm={"input": "logits"}
    )
    context = TrainingContext(numbered, chosen, banks, tmp_path)
    found = train_system(context, TRAIN, speaker_dependent=True)
    assert found.notes[0] == (
        "Test speakers are in training, so validation holds out clips, not speakers."
    )
    speakers = np.array([clip.speaker for clip in numbered.clips])
    # The final network of all clips has none held out.
    for task in ledger.tasks[:-1] if refit else ledger.tasks:
        assert set(speakers[task.train]) & set(speakers[task.validation])


def test_a_single_speaker_is_noted(
    ledger: Ledger,
    numbered: Examples,
    quick_recipe: MakeRecipe,
    banks: FilterBanks,
    tmp_path: Path,
) -> None:
    chosen = quick_recipe(features={"normalisation": "none"}, hmm={"input": "logits"})
    found = train_system(TrainingContext(numbered, chosen, banks, tmp_path), list(range(6)))
    assert found.notes == (
        "The training part has one speaker, so validation holds out clips, not speakers.",
        "a note of the back end",
    )
