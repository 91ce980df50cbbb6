"""Recipes as Python programs have them: names, paths, plain values, and settings on top."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bilstm_hmm.config.loading import load_recipe
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.library.recipes import recipe_of


def test_whatever_a_recipe_is_given_as_is_the_same(tmp_path: Path) -> None:
    shipped = load_recipe("config.yaml")
    assert recipe_of("config.yaml") == recipe_of(Path("config")) == shipped
    assert recipe_of({}) == Recipe()
    assert recipe_of(shipped) is shipped
    (tmp_path / "mine.yaml").write_text("{name: mine, training: {epochs: 3}}", encoding="utf-8")
    mine = recipe_of(tmp_path / "mine.yaml")
    assert mine == recipe_of({"name": "mine", "training": {"epochs": 3}})


def test_settings_are_those_of_the_command() -> None:
    settings = {
        "training.epochs": np.int64(7),
        "training.learning_rate": 1e-5,
        "training.steps": None,
        "data.root": Path("a: b"),
        "data.label_map": {"calm": "neutral"},
        "data.classes": ("sad", "no"),
        "training.refit": False,
    }
    for recipe in ("config.yaml", {}, load_recipe("config.yaml")):
        made = recipe_of(recipe, settings)
        assert (made.training.epochs, made.training.learning_rate) == (7, 1e-5)
        assert (made.training.steps, made.training.refit) == (None, False)
        assert made.data.root == Path("a: b")
        assert made.data.label_map == {"calm": "neutral"}
        assert made.data.classes == ("sad", "no")


def test_a_mapping_stays_as_it_is() -> None:
    tree = {"training": {"epochs": 3}}
    assert recipe_of(tree, {"training.epochs": 4}).training.epochs == 4
    assert tree == {"training": {"epochs": 3}}


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: recipe_of("none.yaml"), "none.yaml: no such file"),
        (lambda: recipe_of({"trainin": {}}), "the recipe: unknown key trainin .did you mean"),
        (lambda: recipe_of({}, {"seed": -1}), "--set seed=-1: seed: .*greater than or equal to 0"),
    ],
)
def test_what_is_wrong_is_one_sentence(call: Callable[[], object], sentence: str) -> None:
    with pytest.raises(ToolkitError, match=sentence):
        call()
