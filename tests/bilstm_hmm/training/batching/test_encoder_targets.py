"""What an encoder gives of the training clips: of these alone, standardised, moment by moment."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bilstm_hmm.features.extraction.normalise import FeatureStatistics
from bilstm_hmm.features.spectral.filterbanks import FilterBanks

from bilstm_hmm.config.loading import recipe_from_tree
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.training.augmented_batches import AugmentedDataset
from bilstm_hmm.training.batching.encoder_targets import EncoderTargets, encoder_targets
from bilstm_hmm.training.context import TrainingContext, TrainingTask
from bilstm_hmm.training.examples import Examples
from bilstm_hmm.training.loop import TrainedNetwork, train_network

MakeRecipe = Callable[..., Recipe]
COMPONENTS = 4


@pytest.fixture(scope="module")
def distilling(
    quick_recipe: MakeRecipe,
    make_encoder: Callable[..., Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> MakeRecipe:
    """Make a quick recipe that learns a tiny encoder, of which a frame is made of 40 ms."""
    path = make_encoder(tmp_path_factory.mktemp("encoder") / "tiny.onnx", "waveform", None)
    encoder = {
        "model": str(path),
        "taps": ["states_1", "states_2"],
        "width": 6,
        "input": "waveform",
        "frame_rate": 25.0,
        "padding": "none",
        "normalise": False,
    }

    def make(**sections: Any) -> Recipe:
        return quick_recipe(
            distillation={"encoder": encoder, "components": COMPONENTS}, cache=None, **sections
        )

    return make


def fresh(examples: Examples) -> Examples:
    """The same clips, of which the encoder has seen none."""
    return replace(examples)


def targets_of(examples: Examples, recipe: Recipe, train: list[int]) -> EncoderTargets:
    found = encoder_targets(examples, np.array(train), recipe, lambda *_: None)
    assert found is not None
    return found


def test_a_recipe_without_an_encoder_learns_none(tones: Examples, quick_recipe: MakeRecipe) -> None:
    assert encoder_targets(tones, np.arange(3), quick_recipe(), lambda *_: None) is None


def test_targets_are_standardised_components_of_each_voice(
    tones: Examples, distilling: MakeRecipe
) -> None:
    train = list(range(12))
    seen: list[tuple[int, int]] = []
    examples = fresh(tones)
    found = encoder_targets(examples, np.array(train), distilling(), lambda *at: seen.append(at))
    assert found is not None
    assert seen == [(done, 12) for done in range(1, 13)]
    assert sorted(found.frames) == train
    frames = np.concatenate([found.frames[i] for i in train]).astype(np.float64)
    assert frames.shape[1] == COMPONENTS
    np.testing.assert_allclose(frames.mean(axis=0), 0.0, atol=0.01)
    np.testing.assert_allclose(np.cov(frames.T, bias=True), np.eye(COMPONENTS), atol=0.02)
    for speaker in ("toy-0", "toy-1"):
        own = [found.frames[i] for i in train if tones.clips[i].speaker == speaker]
        others = [found.frames[i] for i in train if tones.clips[i].speaker != speaker]
        # The mean of the means of a voice's clips is the same for all voices.
        mean = np.mean([values.mean(axis=0, dtype=np.float64) for values in own], axis=0)
        mean_of_others = np.mean([v.mean(axis=0, dtype=np.float64) for v in others], axis=0)
        np.testing.assert_allclose(mean, mean_of_others, atol=0.01)


def test_no_other_clip_has_a_say(
    tones: Examples,
    distilling: MakeRecipe,
    poisoned: Callable[[Examples, list[int]], Examples],
) -> None:
    train = [0, 1, 2, 6, 7, 8, 12, 13]
    others = [i for i in range(len(tones.clips)) if i not in train]
    one = targets_of(fresh(tones), distilling(), train)
    other = targets_of(fresh(poisoned(tones, others)), distilling(), train)
    for index in train:
        np.testing.assert_array_equal(one.frames[index], other.frames[index])


def test_a_clip_goes_through_the_encoder_once(tones: Examples, distilling: MakeRecipe) -> None:
    examples, seen = fresh(tones), []
    for train in ([0, 1, 2, 6], [1, 2, 6, 7, 8]):
        encoder_targets(
            examples, np.array(train), distilling(), lambda done, of: seen.append((done, of))
        )
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4), (1, 2), (2, 2)]


def test_between_two_frames_lies_their_mean() -> None:
    frames = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, -1.0]], np.float16)
    found = EncoderTargets({7: frames}).at(7, np.array([0.0, 0.25, 0.5, 0.875, 1.0, 1.5]))
    expected = [[0.0, 1.0], [1.0, 2.0], [2.0, 3.0], [3.5, 0.0], [4.0, -1.0], [4.0, -1.0]]
    np.testing.assert_allclose(found, expected)


def dataset(
    examples: Examples, recipe: Recipe, banks: FilterBanks, targets: EncoderTargets
) -> AugmentedDataset:
    width = recipe.features.n_mfcc
    statistics = FeatureStatistics(np.zeros(width, np.float32), np.ones(width, np.float32))
    weights = np.ones(len(examples.clips), np.float32)
    return AugmentedDataset(examples, recipe, banks, statistics, weights, encoder=targets)


def ramp(examples: Examples) -> EncoderTargets:
    """Targets that say where in its clip a moment lies."""
    line = np.linspace(0.0, 1.0, 9, dtype=np.float16)[:, None]
    return EncoderTargets(dict.fromkeys(range(len(examples.clips)), line))


def test_each_step_of_the_output_has_the_target_of_its_moment(
    tones: Examples, banks: FilterBanks, distilling: MakeRecipe
) -> None:
    """Also of a clip that is cut and played faster."""
    recipe = distilling(
        network={"stack": 2},
        training={"max_seconds": 0.51},
        augmentation={"speed": {"probability": 1.0, "factor": [0.6, 0.7]}},
    )
    batch = dataset(tones, recipe, banks, ramp(tones)).batch(np.arange(8), 3)
    assert batch.encoder is not None
    cut = 0
    for frames, values in zip(batch.frames, batch.encoder, strict=True):
        assert values.shape == (-(-len(frames) // 2), 1)
        steps = np.diff(values[:, 0])
        assert (steps > 0).all()
        np.testing.assert_allclose(steps, steps[0], rtol=0.05)
        cut += float(values[0, 0]) > 0.01
    assert cut


def test_mixed_clips_have_mixed_targets(
    tones: Examples, banks: FilterBanks, distilling: MakeRecipe
) -> None:
    """Where a clip's own label weighs less, so does what the encoder gives of it."""
    ones = EncoderTargets(
        {i: np.full((5, 1), tones.labels[i], np.float16) for i in range(len(tones.clips))}
    )
    recipe = distilling(augmentation={"mixup": 0.4})
    batch = dataset(tones, recipe, banks, ones).batch(np.arange(12), 0)
    assert batch.encoder is not None
    for frames, target, values in zip(batch.frames, batch.targets, batch.encoder, strict=True):
        assert len(values) == len(frames)
        assert values[0, 0] == pytest.approx(float(target @ np.arange(3)), abs=1e-5)


@pytest.mark.parametrize(
    ("distillation", "features", "said"),
    [
        ({"encoder": {}}, {}, "features.rate: must be 16000"),
        ({"encoder": {"width": 20}, "components": 41}, {"rate": 16000}, "40 columns"),
        ({"components": 0}, {}, "distillation.components"),
        ({"encoder": {"model": ""}}, {}, "distillation.encoder.model"),
    ],
)
def test_what_cannot_be_learned_is_refused(
    distillation: dict[str, Any], features: dict[str, Any], said: str
) -> None:
    tree = {"distillation": distillation, "features": {"rate": 8000, "fmax": 3800.0, **features}}
    with pytest.raises(ToolkitError, match=said):
        recipe_from_tree(tree, "r.yaml")


def test_a_network_is_rid_of_what_taught_it(
    tones: Examples, banks: FilterBanks, distilling: MakeRecipe, tmp_path: Path
) -> None:
    """It has no layer of the encoder, and a training that was cut off goes on with it."""
    indices = np.arange(len(tones.clips))
    examples = fresh(tones)

    def trained(epochs: int, work: Path) -> TrainedNetwork:
        recipe = distilling(training={"epochs": 2, "schedule": "constant"})
        work.mkdir(exist_ok=True)
        task = TrainingTask("network", "network", indices, indices[:0], epochs, seed=1)
        return train_network(TrainingContext(examples, recipe, banks, work), task)

    whole = trained(2, tmp_path / "whole")
    assert "encoder" not in [layer.name for layer in whole.network.layers]
    assert set(whole.network.output) == {"hidden", "frame", "clip"}
    trained(1, tmp_path / "cut")
    resumed = trained(2, tmp_path / "cut")
    for one, other in zip(whole.history, resumed.history, strict=True):
        assert one["encoder_loss"] > 0.0
        assert other["encoder_loss"] == pytest.approx(one["encoder_loss"], rel=1e-4)
