import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")

from bilstm_hmm.features.extraction.normalise import fit_statistics  # noqa: E402
from bilstm_hmm.features.spectral.filterbanks import FilterBanks  # noqa: E402

from bilstm_hmm.config.schema import Recipe  # noqa: E402
from bilstm_hmm.network.packing import Packing  # noqa: E402
from bilstm_hmm.network.weights import to_half_precision  # noqa: E402
from bilstm_hmm.ordered_map import ordered_map  # noqa: E402
from bilstm_hmm.progress import SilentProgress  # noqa: E402
from bilstm_hmm.training import loop  # noqa: E402
from bilstm_hmm.training.batches import Batch, bucket_batches, random_batches  # noqa: E402
from bilstm_hmm.training.checkpoint import load_state  # noqa: E402
from bilstm_hmm.training.context import TrainingContext, TrainingTask  # noqa: E402
from bilstm_hmm.training.examples import Examples  # noqa: E402
from bilstm_hmm.training.loop import TrainedNetwork, network_outputs, train_network  # noqa: E402
from tests.fast_runs import without_steps  # noqa: E402

TRAIN, VALIDATION = np.arange(18), np.arange(18, 24)


class Interrupted(Exception):
    """What a user's Ctrl-C, or a power cut, is in these tests."""


class Reporter(SilentProgress):
    """Hands on the row of each epoch."""

    def __init__(self, report: Callable[[Mapping[str, float]], None]) -> None:
        self.report = report

    def epoch(self, name: str, total: int, row: Mapping[str, float]) -> None:
        self.report(row)


Fit = Callable[..., TrainedNetwork]


@pytest.fixture(scope="module")
def fit_on(
    tones: Examples, banks: FilterBanks, quick_recipe: Callable[..., Recipe], tmp_path_factory: Any
) -> Fit:
    """Train the quick recipe on the first three speakers, the fourth for validation."""

    def train(
        *,
        examples: Examples = tones,
        epochs: int = 4,
        validation: np.ndarray = VALIDATION,
        state: Path | None = None,
        report: Callable[[Mapping[str, float]], None] = lambda row: None,
        callbacks: tuple[Any, ...] = (),
        seed: int = 5,
        **sections: Any,
    ) -> TrainedNetwork:
        sections.setdefault("network", {"units": [4], "stack": 8})
        sections["training"] = {"batch_size": 9, **sections.get("training", {})}
        state = state or tmp_path_factory.mktemp("work") / "state.npz"
        task = TrainingTask("toy", state.stem, TRAIN, validation, epochs, seed)
        context = TrainingContext(
            examples,
            quick_recipe(**sections),
            banks,
            state.parent,
            Reporter(report),
            lambda _: callbacks,
        )
        return train_network(context, task)

    return train


def weights_of(network: TrainedNetwork) -> list[np.ndarray]:
    return [np.array(w) for w in network.network.get_weights()]


def assert_same_weights(one: TrainedNetwork, other: TrainedNetwork) -> None:
    for left, right in zip(weights_of(one), weights_of(other), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-6)


def told(network: TrainedNetwork) -> list[dict[str, float]]:
    """The history but for how long it took."""
    return [{k: v for k, v in row.items() if k != "seconds"} for row in network.history]


#: With dropout, batch normalisation, augmentation and a running mean: all that has a state.
FULL = {
    "network": {
        "family": "cnn_bilstm",
        "units": [4],
        "dropout": 0.4,
        "convolutions": [{"filters": 4, "kernel": 3, "stride": 8}],
    },
    "augmentation": {"speed": {"probability": 0.5}, "mixup": 0.3},
}


@pytest.fixture(scope="module", params=[True, False], ids=["of like length", "by chance"])
def sections(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {**FULL, "training": {"bucketed": request.param}}


@pytest.mark.usefixtures("eager")
def test_an_interrupted_training_continues_as_if_nothing_had_been(
    fit_on: Fit,
    sections: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Interrupted after the first epoch, and again in the middle of the second."""
    whole = fit_on(epochs=2, **sections)

    def stop(row: dict[str, float]) -> None:
        raise Interrupted

    arguments, batches = loop.batch_arguments, [0]

    def fail_at_the_second(batch: Batch, pack: Packing) -> Any:
        batches[0] += 1
        if batches[0] == 2:
            raise Interrupted
        return arguments(batch, pack)

    state = tmp_path / "state.npz"
    with pytest.raises(Interrupted):
        fit_on(epochs=2, state=state, report=stop, **sections)
    monkeypatch.setattr(loop, "batch_arguments", fail_at_the_second)
    with pytest.raises(Interrupted):
        fit_on(epochs=2, state=state, **sections)
    monkeypatch.undo()
    epochs: list[float] = []
    rest = {"epochs": 2, "state": state, "report": lambda row: epochs.append(row["epoch"])}
    resumed = fit_on(**rest, **sections)
    assert epochs == [2.0]
    assert resumed.best_epoch == whole.best_epoch
    for left, right in zip(told(resumed), told(whole), strict=True):
        assert left == pytest.approx(right, abs=1e-5)
    assert_same_weights(resumed, whole)
    # A finished training is not done again.
    again = fit_on(**rest, **sections)
    assert epochs == [2.0]
    assert_same_weights(again, whole)


def damage(state: Path, how: str) -> None:
    if how == "cut":
        state.write_bytes(state.read_bytes()[:-100])
        return
    with np.load(state) as stored:
        kept = dict(stored)
    # The last one, so that the others still count up from zero.
    last = max((n for n in kept if n.startswith(how)), key=lambda n: int(n.split(".")[1]))
    del kept[last]
    np.savez(state, **kept)


@pytest.fixture(scope="module")
def finished(eager_module: None, fit_on: Fit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state file of a training of one epoch."""
    state = tmp_path_factory.mktemp("finished") / "state.npz"
    fit_on(state=state, epochs=1)
    return state


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("how", ["cut", "model", "optimizer", "average", "best", "other network"])
def test_a_useless_state_file_means_starting_over(
    fit_on: Fit, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    state = tmp_path / "state.npz"
    if how == "other network":
        fit_on(state=state, epochs=1, network={"units": [3], "stack": 16})
    else:
        shutil.copy(finished, state)
        damage(state, how)
    monkeypatch.setattr(loop, "_train_on", without_steps)
    epochs: list[float] = []
    found = fit_on(state=state, epochs=1, report=lambda row: epochs.append(row["epoch"]))
    assert epochs == [1.0]
    assert len(found.history) == 1


@pytest.mark.usefixtures("eager")
def test_seeds_repeat_a_training(fit_on: Fit) -> None:
    one, again, other = (fit_on(seed=seed, epochs=1) for seed in (5, 5, 6))
    assert_same_weights(one, again)
    assert any(
        not np.allclose(a, b) for a, b in zip(weights_of(one), weights_of(other), strict=True)
    )


@pytest.fixture(scope="module")
def long(fit_on: Fit) -> TrainedNetwork:
    training = {"epochs": 12, "stop_patience": 12, "weight_average": 0.5, "learning_rate": 0.02}
    return fit_on(epochs=12, training=training)


def test_an_easy_task_is_learned(long: TrainedNetwork) -> None:
    """The only test that says what is learned: with 20 seeds by wide margins.

    The last loss was 0.32 to 0.52 of the first, and the UA of the last nine epochs always 100.
    """
    losses = [row["loss"] for row in long.history]
    assert losses[-1] < 0.8 * losses[0]
    assert long.history[-1]["val_ua"] > 80.0
    assert [row["epoch"] for row in long.history] == list(range(1, len(losses) + 1))


@pytest.mark.usefixtures("eager")
def test_what_is_kept_is_the_epoch_of_the_best_validation_ua(
    fit_on: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores, weights = iter([30.0, 90.0, 60.0]), []

    def validate(training: Any) -> dict[str, float]:
        variables = training.network.network.trainable_variables
        weights.append([np.array(w) for w in variables])
        return {"val_loss": 1.0, "val_accuracy": 50.0, "val_ua": next(scores)}

    monkeypatch.setattr(loop, "_validate", validate)
    found = fit_on(epochs=3, training={"epochs": 3, "weight_average": 0.0})
    assert found.best_epoch == 2
    for kept, best in zip(found.network.trainable_variables, weights[1], strict=True):
        np.testing.assert_array_equal(np.array(kept), to_half_precision(best))


def test_the_cosine_falls_from_full_to_little(long: TrainedNetwork) -> None:
    rates = np.array([row["learning_rate"] for row in long.history])
    assert rates[0] == pytest.approx(0.02)
    assert np.all(np.diff(rates) < 0)
    assert rates[5] == pytest.approx(0.02 * (0.02 + 0.49 * (1 + np.cos(np.pi * 5 / 12))))
    assert rates[-1] < 0.05 * rates[0]


@pytest.mark.usefixtures("eager")
def test_training_stops_when_patience_is_over(fit_on: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    """No epoch is better than the first."""
    scores = {"val_loss": 1.0, "val_accuracy": 50.0, "val_ua": 50.0}
    monkeypatch.setattr(loop, "_validate", lambda *_: scores)
    monkeypatch.setattr(loop, "_train_on", without_steps)
    found = fit_on(epochs=20, training={"epochs": 20, "stop_patience": 3})
    assert found.best_epoch == 1
    assert len(found.history) == 4


@pytest.mark.usefixtures("eager")
def test_a_plateau_lowers_the_learning_rate(fit_on: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    losses = iter([1.0, 0.9, 0.95, 0.96, 0.97, 0.5, 0.6, 0.7, 0.8])

    def validate(*_: object) -> dict[str, float]:
        return {"val_loss": next(losses), "val_accuracy": 50.0, "val_ua": 50.0}

    monkeypatch.setattr(loop, "_validate", validate)
    monkeypatch.setattr(loop, "_train_on", without_steps)
    found = fit_on(
        epochs=9,
        training={
            "epochs": 9,
            "schedule": "plateau",
            "reduce_patience": 2,
            "reduce_factor": 0.5,
            "learning_rate": 0.01,
        },
    )
    rates = [row["learning_rate"] for row in found.history]
    # Two epochs without a better loss after the second one, and two after the sixth.
    assert rates == pytest.approx([0.01] * 4 + [0.005] * 4 + [0.0025])


@pytest.mark.usefixtures("eager")
def test_without_validation_the_last_epoch_is_kept(fit_on: Fit, tmp_path: Path) -> None:
    nobody = np.zeros(0, np.intp)
    state = tmp_path / "state.npz"
    found = fit_on(validation=nobody, epochs=3, state=state, training={"stop_patience": 1})
    assert found.best_epoch == 3
    assert "val_ua" not in found.history[0]
    stored = load_state(state)
    assert stored is not None
    # The running mean, not the last step's weights.
    trainable = [np.array(w) for w in found.network.trainable_variables]
    for kept, running in zip(trainable, stored.average, strict=True):
        np.testing.assert_array_equal(kept, to_half_precision(running))


@pytest.mark.usefixtures("eager")
def test_the_running_mean_is_that_of_the_steps(
    fit_on: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compared with the recursion written down from its definition."""
    nobody, momentum, steps = np.zeros(0, np.intp), 0.6, []
    average = loop._average

    def spy(state: Any, trainer: Any, given: float) -> None:
        steps.append([np.array(w) for w in trainer.trainable_variables])
        average(state, trainer, given)

    monkeypatch.setattr(loop, "_average", spy)
    found = fit_on(validation=nobody, epochs=2, training={"epochs": 2, "weight_average": momentum})
    expected = [w.astype(np.float64) for w in steps[0]]
    for count, current in enumerate(steps[1:], start=2):
        kept = min(momentum, count / (count + 10))
        expected = [kept * e + (1 - kept) * w for e, w in zip(expected, current, strict=True)]
    trainable = [np.array(w) for w in found.network.trainable_variables]
    for left, right in zip(trainable, expected, strict=True):
        np.testing.assert_allclose(
            left, to_half_precision(right.astype(np.float32)), atol=1e-5, rtol=1e-3
        )


@pytest.mark.usefixtures("eager")
def test_no_running_mean_keeps_the_weights_themselves(fit_on: Fit, tmp_path: Path) -> None:
    state, nobody = tmp_path / "state.npz", np.zeros(0, np.intp)
    found = fit_on(validation=nobody, epochs=2, state=state, training={"weight_average": 0.0})
    stored = load_state(state)
    assert stored is not None
    for kept, last in zip(stored.best, stored.model, strict=True):
        np.testing.assert_allclose(kept, last, atol=1e-6)
    assert found.best_epoch == 2


@pytest.mark.usefixtures("eager")
def test_only_training_clips_are_looked_at(
    fit_on: Fit,
    tones: Examples,
    poisoned: Callable[[Examples, list[int]], Examples],
) -> None:
    """Clips of neither part are not numbers: nothing changes."""
    chosen = {"training": {"epochs": 2}, "epochs": 2, "validation": np.arange(18, 21)}
    lively = {"augmentation": {"speed": {"probability": 0.5}}}
    clean = fit_on(**chosen, **lively)
    found = fit_on(examples=poisoned(tones, [21, 22, 23]), **chosen, **lively)
    assert_same_weights(found, clean)
    assert told(found) == told(clean)
    own = fit_statistics(tones.frames[int(i)].values for i in TRAIN)
    np.testing.assert_array_equal(found.statistics.mean, own.mean)
    np.testing.assert_array_equal(found.statistics.std, own.std)


@pytest.mark.usefixtures("eager")
def test_validation_clips_are_never_augmented(
    fit_on: Fit, tones: Examples, poisoned: Callable[[Examples, list[int]], Examples]
) -> None:
    """Their samples are useless: only the frames computed beforehand can have been used."""
    deaf = poisoned(tones, VALIDATION.tolist())
    examples = replace(tones, samples=deaf.samples)
    lively = {"augmentation": {"speed": {"probability": 1.0}, "mixup": 0.5}}
    found = fit_on(examples=examples, epochs=1, **lively)
    assert all(np.isfinite(value) for value in found.history[0].values())


@pytest.mark.usefixtures("eager")
def test_callbacks_are_told_of_every_epoch(fit_on: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_train_on", without_steps)
    calls: list[Any] = []

    class Listener(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_begin(self, logs: Any = None) -> None:
            calls.append(("begin", self.model is not None))

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            calls.append((epoch, logs["epoch"]))

        def on_train_end(self, logs: Any = None) -> None:
            calls.append("end")

    fit_on(epochs=2, callbacks=(Listener(),))
    assert calls == [("begin", True), (0, 1.0), (1, 2.0), "end"]


def test_outputs_come_in_order_and_without_padding(long: TrainedNetwork, tones: Examples) -> None:
    rng = np.random.default_rng(1)
    frames = [rng.normal(size=(n, 5)).astype(np.float32) for n in (60, 3, 17, 64, 1)]
    together = network_outputs(long, frames, 8, batch_size=2)
    for sequence, found in zip(frames, together, strict=True):
        (alone,) = network_outputs(long, [sequence], 8)
        assert found.hidden.shape == (-(-len(sequence) // 8), 8)
        assert found.frame_logits.shape == (-(-len(sequence) // 8), 3)
        np.testing.assert_allclose(found.hidden, alone.hidden, atol=1e-5)
        np.testing.assert_allclose(found.frame_logits, alone.frame_logits, atol=1e-5)
        np.testing.assert_allclose(found.clip_logits, alone.clip_logits, atol=1e-5)


@pytest.mark.parametrize("bucketed", [True, False])
def test_batches_are_of_like_length_or_drawn_by_chance(
    fit_on: Fit, tones: Examples, monkeypatch: pytest.MonkeyPatch, eager: None, bucketed: bool
) -> None:
    seen: list[list[int]] = []

    def watched(make: Any, groups: Any, jobs: int) -> Any:
        seen.extend(group.tolist() for group in groups)
        return ordered_map(make, groups, jobs)

    monkeypatch.setattr(loop, "ordered_map", watched)
    fit_on(epochs=1, seed=5, training={"bucketed": bucketed})
    chance = np.random.default_rng([5, 0])
    lengths = tones.lengths[TRAIN].tolist()
    groups = (
        bucket_batches(lengths, 9, chance) if bucketed else random_batches(len(TRAIN), 9, chance)
    )
    assert seen == [TRAIN[group].tolist() for group in groups]
