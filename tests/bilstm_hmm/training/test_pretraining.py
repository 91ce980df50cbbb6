"""What is learnt on other corpora: which clips, which layers, and never a speaker twice."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("keras")

from bilstm_hmm.data.clip import Clip
from bilstm_hmm.features.spectral.filterbanks import FilterBanks

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.progress import SilentProgress
from bilstm_hmm.training import pretraining
from bilstm_hmm.training.context import TrainingContext, TrainingTask
from bilstm_hmm.training.examples import Examples
from bilstm_hmm.training.loop import TrainedNetwork, train_network
from bilstm_hmm.training.pretraining import (
    initial_weights,
    pretrained_weights,
    pretraining_clips,
)

MakeRecipe = Callable[..., Recipe]


class Listener(SilentProgress):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def message(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Two corpora whose files hold no audio: selecting opens none."""
    for name in ("ravdess/03-01-05-01-01-01-07.wav", "ravdess/03-01-04-01-01-01-08.wav"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"no audio")
    return tmp_path


@pytest.fixture
def from_tones(tones: Examples, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Clip, ...]]:
    """Clips to pre-train on are the tones, whatever the clips; keeps what was asked for."""
    asked: list[tuple[Clip, ...]] = []

    def load(clips: tuple[Clip, ...], *_: Any) -> Examples:
        asked.append(clips)
        return tones

    monkeypatch.setattr(pretraining, "load_examples", load)
    return asked


def learnt(
    tones: Examples, recipe: Recipe, banks: FilterBanks, work: Path, listener: Listener
) -> Any:
    context = TrainingContext(tones, recipe, banks, work, listener)
    return pretrained_weights(context, tones.clips)


def test_a_speaker_of_the_evaluated_corpus_is_left_out(
    quick_recipe: MakeRecipe, home: Path
) -> None:
    data = {"home": str(home), "corpus": "ravdess-song"}
    recipe = quick_recipe(pretraining={"corpora": ["ravdess"]}, data=data)
    clips = pretraining_clips(recipe, {"ravdess-07", "emodb-03"})
    assert [clip.name for clip in clips] == ["ravdess/03-01-04-01-01-01-08.wav"]
    with pytest.raises(ToolkitError, match=r"pretraining\.corpora: every speaker of ravdess"):
        pretraining_clips(recipe, {"ravdess-07", "ravdess-08"})


def test_the_corpus_of_the_recipe_is_passed_over(quick_recipe: MakeRecipe, home: Path) -> None:
    data = {"home": str(home), "corpus": "emodb"}
    recipe = quick_recipe(pretraining={"corpora": ["emodb", "ravdess"]}, data=data)
    assert {clip.corpus for clip in pretraining_clips(recipe, set())} == {"ravdess"}
    alone = quick_recipe(pretraining={"corpora": ["emodb"]}, data=data)
    assert pretraining_clips(alone, set()) == ()


def test_where_a_corpus_lies_has_to_be_told(quick_recipe: MakeRecipe) -> None:
    recipe = quick_recipe(pretraining={"corpora": ["tess"]})
    with pytest.raises(ToolkitError, match=r"data\.roots\.tess is not set"):
        pretraining_clips(recipe, set())


def test_without_corpora_networks_begin_at_random(
    quick_recipe: MakeRecipe, tones: Examples, banks: FilterBanks, tmp_path: Path
) -> None:
    assert initial_weights(TrainingContext(tones, quick_recipe(), banks, tmp_path)) == {}


@pytest.mark.usefixtures("eager")
def test_a_training_begins_with_what_was_learnt(
    quick_recipe: MakeRecipe, tones: Examples, banks: FilterBanks, tmp_path: Path, from_tones: Any
) -> None:
    """With a rate of nothing, the layers stay what the pre-training made of them."""
    recipe = quick_recipe(
        cache=None,
        pretraining={"corpora": ["tess"], "epochs": 2, "batch_size": 6},
        training={"epochs": 1, "learning_rate": 1e-12, "weight_decay": 0.0},
        network={"stack": 8},
    )
    layers = learnt(tones, recipe, banks, tmp_path, Listener())
    assert set(layers) == {"bilstm1", *({"pool"} & set(layers))}
    everything = np.arange(len(tones.clips))
    context = TrainingContext(tones, recipe, banks, tmp_path)
    begun, fresh = (
        train_network(
            replace(context, initial_weights=weights),
            TrainingTask(key, key, everything, everything[:0], 1, 5),
        )
        for key, weights in (("begun", layers), ("fresh", {}))
    )
    for mine, same in zip(layers["bilstm1"], bilstm_weights(begun), strict=True):
        np.testing.assert_allclose(mine, same, atol=1e-6)
    assert not np.allclose(layers["bilstm1"][0], bilstm_weights(fresh)[0], atol=1e-3)


def bilstm_weights(network: TrainedNetwork) -> list[np.ndarray]:
    return [np.array(w) for w in network.network.get_layer("bilstm1").get_weights()]


@pytest.mark.usefixtures("eager")
def test_it_is_done_once_for_all_folds(
    quick_recipe: MakeRecipe, tones: Examples, banks: FilterBanks, tmp_path: Path, from_tones: Any
) -> None:
    keys = {"cache": str(tmp_path / "cache"), "pretraining": {"corpora": ["tess"], "epochs": 1}}
    keys["network"] = {"stack": 8}
    recipe, listener = quick_recipe(**keys), Listener()
    first = learnt(tones, recipe, banks, tmp_path / "one", listener)
    again = learnt(tones, recipe, banks, tmp_path / "two", listener)
    assert listener.said[-1] == "Pre-training: taken from the cache"
    assert first.keys() == again.keys()
    for name, kept in first.items():
        for mine, same in zip(kept, again[name], strict=True):
            np.testing.assert_array_equal(mine, same)
    # Another recipe, or a damaged file, is no reason to take it from there.
    longer = quick_recipe(**{**keys, "pretraining": {"corpora": ["tess"], "epochs": 2}})
    learnt(tones, longer, banks, tmp_path / "three", listener)
    assert listener.said[-1].startswith("Pre-training on 24 clips")
    for stored in (tmp_path / "cache" / "pretrained").iterdir():
        stored.write_bytes(stored.read_bytes()[:100])
    learnt(tones, recipe, banks, tmp_path / "four", listener)
    assert listener.said[-1].startswith("Pre-training on 24 clips")
