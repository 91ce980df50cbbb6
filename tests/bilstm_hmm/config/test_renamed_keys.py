"""Recipes with keys of before mean what they meant; what is written has the names of today."""

from pathlib import Path

import pytest
import yaml

from bilstm_hmm.config.loading import dump_recipe, load_recipe, recipe_from_tree
from bilstm_hmm.config.network_settings import ConvolutionSettings
from bilstm_hmm.config.renamed_keys import key_names, section_at
from bilstm_hmm.config.schema import Recipe, TimelineSettings
from bilstm_hmm.errors import ToolkitError

#: Every key that was renamed, with a value that is not its default.
RENAMED = [
    ("timeline.dwell", "timeline.expected_duration", 3.0),
    ("timeline.minimum", "timeline.min_duration", 0.7),
    ("timeline.evidence", "timeline.utterance_duration", 5.0),
    ("timeline.speech_db", "timeline.max_below_peak_db", 20.0),
    ("timeline.pause", "timeline.min_silence", 0.4),
    ("timeline.longest_phrase", "timeline.max_speech", 6.0),
    ("timeline.silence", "timeline.min_silence_segment", 2.5),
]


def value_at(recipe: Recipe, key: str) -> object:
    section, name = key.split(".")
    return getattr(getattr(recipe, section), name)


@pytest.mark.parametrize(("old", "new", "value"), RENAMED)
def test_both_names_are_read_and_the_new_one_is_written(
    old: str, new: str, value: float, tmp_path: Path
) -> None:
    assert value_at(Recipe(), new) != value
    for key in (old, new):
        section, name = key.split(".")
        path = tmp_path / f"{name}.yaml"
        path.write_text(f"{section}: {{{name}: {value}}}\n")
        recipes = [load_recipe(str(path)), load_recipe("config.yaml", [f"{key}={value}"])]
        for recipe in recipes:
            assert value_at(recipe, new) == value
            written = yaml.safe_load(dump_recipe(recipe))[section]
            assert written[new.split(".")[1]] == value
            assert old.split(".")[1] not in written


@pytest.mark.parametrize(("old", "new", "value"), RENAMED)
def test_an_override_wins_over_the_file_whatever_name_either_has(
    old: str, new: str, value: float, tmp_path: Path
) -> None:
    for stored, override in ((old, new), (new, old), (old, old)):
        section, name = stored.split(".")
        path = tmp_path / "recipe.yaml"
        path.write_text(f"{section}: {{{name}: 0.6}}\n")
        assert value_at(load_recipe(str(path), [f"{override}={value}"]), new) == value
    # The last of two overrides counts.
    twice = [f"{new}=0.6", f"{old}={value}"]
    assert value_at(load_recipe("config.yaml", twice), new) == value


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"dwel": 1}, "unknown key timeline.dwel (did you mean"),
        # By the name that the file has.
        ({"dwell": -1}, "timeline.dwell: Input should be greater than 0 (given -1)"),
        ({"min_duration": -1}, "timeline.min_duration: Input should be greater than 0 (given -1)"),
        (
            {"dwell": 1, "expected_duration": 2},
            "timeline.dwell is what expected_duration was called; give one of the two",
        ),
    ],
)
def test_errors_speak_of_the_names_that_were_given(section: dict[str, float], words: str) -> None:
    with pytest.raises(ToolkitError) as caught:
        recipe_from_tree({"timeline": section}, "recipe.yaml")
    assert str(caught.value).startswith(f"recipe.yaml: {words}")
    assert str(caught.value).endswith(".")


def test_the_names_of_a_key_are_found_by_its_path() -> None:
    for old, new, _ in RENAMED:
        names = (new.split(".")[1], old.split(".")[1])
        assert key_names(old.split(".")) == key_names(new.split(".")) == names
    for path in (["seed"], ["training", "epochs"], ["timeline", "nothing"], ["nothing", "dwell"]):
        assert key_names(path) == (path[-1],)
    assert key_names(["network", "convolutions", 0, "kernel"]) == ("kernel",)
    assert key_names(["dwell"]) == ("dwell",)


def test_sections_are_found_by_their_paths() -> None:
    assert section_at([]) is Recipe
    assert section_at(["timeline"]) is TimelineSettings
    assert section_at(["network", "convolutions", 1]) is ConvolutionSettings
    assert section_at(["seed"]) is None
    assert section_at(["nothing", "at", "all"]) is None


@pytest.mark.parametrize("model", ["default", "open", "accurate", "open-accurate"])
def test_bundles_that_ship_take_speech_as_new_ones_do(model: str) -> None:
    path = Path(__file__).parents[3] / "models" / model / "recipe.yaml"
    tree = yaml.safe_load(path.read_text("utf-8"))
    assert recipe_from_tree(tree, model).timeline == TimelineSettings()
    assert set(tree["timeline"]) == set(TimelineSettings.model_fields)
