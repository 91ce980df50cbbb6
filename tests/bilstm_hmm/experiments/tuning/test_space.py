"""What a file may say of a space, and one sentence for what it may not."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from bilstm_hmm.config.loading import load_recipe
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.config.shipped import shipped_folder
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.experiments.tuning.space import (
    Choice,
    Range,
    load_space,
    recipe_with,
    space_from_tree,
)

RATE = "training.learning_rate"


def space(tree: Any, metric: str = "hybrid") -> Any:
    return space_from_tree(tree, "space.yaml", Recipe(), metric)


@pytest.mark.parametrize("config", ["config.yaml", "bilstm.yaml", "encoder_bilstm_hmm.yaml"])
def test_the_space_that_ships_has_the_values_of_recipes_in_it(config: str) -> None:
    if config.startswith("encoder"):
        recipe = Recipe.model_validate(
            {
                key: value
                for key, value in yaml.safe_load(
                    (shipped_folder("configs") / config).read_text("utf-8")
                ).items()
                if key in ("network", "training")
            }
        )
    else:
        recipe = load_recipe(config)
    found = load_space("space.yaml", recipe, "bilstm")
    assert set(found.params_of(recipe)) == {d.key for d in found.dimensions}
    assert load_space("space", recipe, "hybrid") == found


def test_a_range_and_a_choice_are_read() -> None:
    found = space(
        {
            RATE: {"low": "1e-4", "high": 0.01, "log": True},
            "hmm.states": {"low": 1, "high": 5, "step": 2},
            "network.units": [[64], [128, 64]],
        }
    )
    rate, states, units = found.dimensions
    assert rate == Range(RATE, 1e-4, 0.01, True, None, False)
    assert states == Range("hmm.states", 1, 5, False, 2, True)
    assert isinstance(units, Choice)
    assert found.values({"network.units": "[64]", "hmm.states": 3}) == {
        "network.units": [64],
        "hmm.states": 3,
    }


@pytest.mark.parametrize(
    ("given", "whole"),
    [
        ({"low": 0, "high": 1}, False),
        ({"low": 0, "high": 1, "int": True}, True),
    ],
)
def test_whole_numbers_of_a_fraction_are_no_whole_numbers_unless_said(
    given: dict[str, Any], whole: bool
) -> None:
    (found,) = space({"training.frame_loss_weight": given}).dimensions
    assert found.whole is whole


def test_what_a_recipe_has_outside_of_the_space_is_left_out() -> None:
    found = space(
        {
            "network.dropout": {"low": 0.4, "high": 0.6},
            "hmm.states": {"low": 1, "high": 5},
            "hmm.dimensions": [None, 8],
            "training.batch_size": [16, 60],
        }
    )
    assert found.params_of(Recipe()) == {"hmm.states": 3, "hmm.dimensions": "null"}


def test_values_go_into_sections_that_are_null_and_places_in_lists() -> None:
    recipe = recipe_with(Recipe(), {"network.units.1": 32}, "here")
    assert recipe.network.units == (128, 32)
    changes = {"network.family": "cnn_bilstm", "network.convolutions": [], "network.image": None}
    recipe = recipe_with(Recipe(), {**changes, "network.image.channels": 2}, "here")
    assert recipe.network.image is not None
    assert recipe.network.image.channels == 2


@pytest.mark.parametrize(
    ("tree", "parts"),
    [
        (None, ["space.yaml: no key to search"]),
        ({}, ["no key to search"]),
        ([RATE], ["expected keys and values"]),
        (
            {"training.epoch": [1, 2]},
            ["unknown key training.epoch", "did you mean training.epochs?"],
        ),
        ({"dropout": {"low": 0.1, "high": 0.2}}, ["did you mean network.dropout?"]),
        (
            {"training.learning_rate.x": [1, 2]},
            ["training.learning_rate is a value, not a section"],
        ),
        ({RATE: 0.1}, ["expected a list of choices, or a range"]),
        ({RATE: [0.1]}, ["two choices or more"]),
        ({RATE: [0.1, 0.1, 0.2]}, ["stands there twice"]),
        ({RATE: {"low": 0.1}}, ["needs low and high"]),
        ({RATE: {"low": 0.1, "high": 0.01}}, ["low must be below high (given 0.1 and 0.01)"]),
        ({RATE: {"low": 0, "high": 1, "log": True}}, ["low must be above 0"]),
        ({RATE: {"low": 0.1, "high": "much"}}, ["high must be a number (given 'much')"]),
        ({RATE: {"low": 0.1, "hihg": 1}}, ["unknown hihg (did you mean high?)"]),
        ({RATE: {"low": 0.1, "high": 1, "log": True, "step": 0.1}}, ["log and step do not go"]),
        ({RATE: {"low": 0.1, "high": 1, "step": 2}}, ["step must be above 0 and fit"]),
        ({"hmm.states": {"low": 1.5, "high": 3, "int": True}}, ["must be whole numbers"]),
        ({"hmm.states": {"low": 1, "high": 99}}, ["hmm.states", "less than or equal to 32"]),
        ({"network.dropout": [0.1, 1.5]}, ["network.dropout", "less than 1", "1.5"]),
        ({"network.family": ["bilstm", "gru"]}, ["network.family", "cnn_lstm", "gru"]),
        ({"data.classes": [["sad", "happy"], None]}, ["data.classes cannot be searched"]),
        ({"seed": [1, 2]}, ["seed cannot be searched"]),
        ({"hmm": [{}, {"states": 2}]}, ["hmm cannot be searched"]),
        ({"timeline.max_speech": [2.0, 3.0]}, ["does not change what is measured"]),
        ({"decision.system": ["bilstm", "hmm"]}, ["--metric says"]),
        ({"network.image": [None, {}], "network.image.channels": [1, 2]}, ["lies inside"]),
    ],
)
def test_what_is_wrong_is_one_sentence(tree: Any, parts: list[str]) -> None:
    with pytest.raises(ToolkitError) as caught:
        space(tree)
    message = str(caught.value)
    assert message.startswith("space.yaml: ")
    assert message.endswith(".")
    assert "\n" not in message
    assert [part for part in parts if part not in message] == [], message


def test_the_hmms_do_not_change_what_the_network_says() -> None:
    tree = {"hmm.states": [1, 2]}
    assert space(tree, "hmm").dimensions
    with pytest.raises(ToolkitError, match="do not change what --metric bilstm measures"):
        space(tree, "bilstm")


@pytest.mark.parametrize(
    ("text", "part"), [("a: [", "not valid YAML"), ("- a", "expected keys and values")]
)
def test_a_file_that_is_no_space_is_refused(tmp_path: Path, text: str, part: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ToolkitError, match=part):
        load_space(str(path), Recipe(), "hybrid")
    with pytest.raises(ToolkitError, match=r"--space nowhere: no such file; .*space\.yaml"):
        load_space("nowhere", Recipe(), "hybrid")
