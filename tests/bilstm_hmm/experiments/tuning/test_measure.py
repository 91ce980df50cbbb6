"""A recipe is measured on the training speakers of its fold, and on nobody else."""

from dataclasses import replace
from pathlib import Path

import pytest
from bilstm_hmm.data.splits.folds import Fold

from bilstm_hmm.config.loading import load_recipe
from bilstm_hmm.evaluation.clip_results import system_probabilities
from bilstm_hmm.experiments.tuning.measure import STEPS_PER_FOLD, SpeakerMeasure
from bilstm_hmm.hmm.fusion import SYSTEMS
from bilstm_hmm.progress import SilentProgress
from bilstm_hmm.training.dataset import Dataset, dataset_folds, find_fold, load_dataset

pytestmark = pytest.mark.usefixtures("untrained")


@pytest.fixture(scope="module")
def recipe(tiny: Path):
    least = ["network={family: bilstm, stack: 16, units: [4]}", "training.epochs=5"]
    return load_recipe(str(tiny), [*least, "hmm={inner_folds: 2, states: 1, iterations: 1}"])


@pytest.fixture(scope="module")
def data(recipe) -> tuple[Dataset, Fold]:
    dataset = load_dataset(recipe.data)
    return dataset, find_fold(dataset_folds(dataset, recipe.seed), 1)


def test_every_training_clip_is_labelled_and_no_test_clip_is_opened(
    recipe, data: tuple[Dataset, Fold], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, fold = data
    gone = dict.fromkeys(fold.test, tmp_path / "gone.wav")
    clips = tuple(
        replace(clip, path=gone.get(index, clip.path)) for index, clip in enumerate(dataset.clips)
    )
    said: list[str] = []
    progress = SilentProgress()
    monkeypatch.setattr(progress, "message", said.append)
    measure = SpeakerMeasure(replace(dataset, clips=clips), fold, "hybrid", tmp_path, progress)
    steps: list[tuple[int, float]] = []
    measured = measure(recipe, "trial 0", lambda *step: steps.append(step))
    assert {r.name for r in measured.results} == {dataset.clips[i].name for i in fold.train}
    assert not any("cannot be read" in sentence for sentence in said)
    assert set(measured.by_system) == set(SYSTEMS)
    assert measured.value == measured.by_system["hybrid"]
    for system in SYSTEMS:
        sums = system_probabilities(measured.results, system).sum(axis=1)
        assert sums == pytest.approx(1.0)
    # Of two inner folds, five epochs each.
    expected = [fold * STEPS_PER_FOLD + 2 * epoch for fold in (0, 1) for epoch in range(1, 6)]
    assert [step for step, _ in steps] == expected
    assert all(0.0 <= value <= 100.0 for _, value in steps)


def test_no_hmm_is_fitted_for_the_network_alone(
    recipe, data: tuple[Dataset, Fold], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("bilstm_hmm.experiments.tuning.measure.fit_back_end")
    measure = SpeakerMeasure(*data, "bilstm", tmp_path, SilentProgress())
    measured = measure(recipe, "trial 0", lambda *_: None)
    assert list(measured.by_system) == ["bilstm"]


def test_what_ends_a_trial_comes_through(
    recipe, data: tuple[Dataset, Fold], tmp_path: Path
) -> None:
    class EndedError(Exception):
        pass

    def end(_step: int, _value: float) -> None:
        raise EndedError

    measure = SpeakerMeasure(*data, "bilstm", tmp_path, SilentProgress())
    with pytest.raises(EndedError):
        measure(recipe, "trial 0", end)


def test_clips_are_decoded_anew_for_other_features_alone(
    recipe, data: tuple[Dataset, Fold], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bilstm_hmm.experiments.tuning import measure as module

    decoded = []
    real = module.decode_dataset

    def counting(*arguments):
        decoded.append(arguments[1])
        return real(*arguments)

    monkeypatch.setattr(module, "decode_dataset", counting)
    measure = SpeakerMeasure(*data, "bilstm", tmp_path, SilentProgress())
    training = recipe.training.model_copy(update={"epochs": 1})
    for n_mfcc, units in ((13, 4), (13, 3), (12, 4)):
        features = recipe.features.model_copy(update={"n_mfcc": n_mfcc})
        network = recipe.network.model_copy(update={"units": (units,)})
        changes = {"features": features, "network": network, "training": training}
        changed = recipe.model_copy(update=changes)
        measure(changed, "trial", lambda *_: None)
    assert [r.features.n_mfcc for r in decoded] == [13, 12]
