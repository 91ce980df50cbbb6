from pathlib import Path

import pytest
import yaml

from bilstm_hmm.config.loading import recipe_from_tree
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.experiments.run_folder import CONFIG, open_run


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def other(**changes: object) -> Recipe:
    return Recipe.model_validate(changes)


def test_a_run_keeps_its_recipe(tmp_path: Path) -> None:
    recipe = other(seed=5, data={"root": "some/where"})
    folder = open_run(recipe, tmp_path / "a" / "b", resume=False)
    assert folder == tmp_path / "a" / "b"
    stored = yaml.safe_load((folder / CONFIG).read_text("utf-8"))
    assert recipe_from_tree(stored, "stored") == recipe


def test_an_empty_folder_may_be_used(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    assert (open_run(Recipe(), tmp_path / "run", resume=False) / CONFIG).is_file()


def test_names_are_numbered_and_the_newest_is_resumed() -> None:
    recipe = other(name="x")
    folders = [open_run(recipe, None, resume=False) for _ in range(3)]
    assert folders == [Path("runs/x"), Path("runs/x-2"), Path("runs/x-3")]
    assert open_run(recipe, None, resume=True) == Path("runs/x-3")


def refused(words: str, recipe: Recipe, output: Path | None, resume: bool) -> None:
    with pytest.raises(ToolkitError, match=words) as caught:
        open_run(recipe, output, resume)
    assert "\n" not in str(caught.value)


def test_a_folder_in_use_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    refused("the folder is not empty; add --resume to go on", Recipe(), tmp_path, False)
    refused("it is a file; give the name of a folder", Recipe(), tmp_path / "mine", False)
    refused("a part of its path is a file", Recipe(), tmp_path / "mine" / "run", False)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert (tmp_path / "mine").read_text() == "precious"


def test_a_run_whose_keys_had_other_names_is_gone_on_with(tmp_path: Path) -> None:
    recipe = other(timeline={"expected_duration": 3.0, "min_silence": 0.3})
    folder = open_run(recipe, tmp_path / "run", resume=False)
    text = (folder / CONFIG).read_text("utf-8")
    for new, old in (("expected_duration", "dwell"), ("min_silence", "pause")):
        assert f"  {new}: " in text
        text = text.replace(f"  {new}: ", f"  {old}: ")
    (folder / CONFIG).write_text(text, "utf-8")
    assert open_run(recipe, folder, resume=True) == folder
    changed = other(timeline={"expected_duration": 4.0, "min_silence": 0.3})
    refused(
        "timeline.expected_duration is not what the run was started with", changed, folder, True
    )


def test_nothing_to_resume(tmp_path: Path) -> None:
    for output in (None, tmp_path, tmp_path / "nowhere"):
        refused("no run to resume there; leave out --resume", Recipe(), output, True)
    assert not list(tmp_path.iterdir())


def test_what_does_not_change_what_is_learnt_may_differ(tmp_path: Path) -> None:
    open_run(other(jobs=2), tmp_path / "run", resume=False)
    recipe = other(jobs=1, cache=None, tracking="mlflow", tracking_uri="http://host")
    assert open_run(recipe, tmp_path / "run", resume=True) == tmp_path / "run"


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"seed": 2}, "seed"),
        ({"training": {"epochs": 3}}, "training.epochs"),
        ({"data": {"label_map": {"calm": "neutral"}}}, "data.label_map.calm"),
        ({"network": {"units": [8]}}, "network.units"),
    ],
)
def test_a_recipe_that_has_changed_is_refused(
    tmp_path: Path, changes: dict[str, object], key: str
) -> None:
    open_run(Recipe(), tmp_path / "run", resume=False)
    words = f"run: {key} is not what the run was started with; resume with the same recipe"
    refused(words, other(**changes), tmp_path / "run", True)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[", "cannot be read; start a new run"),
        (b"\xff\xfe\x00", "cannot be read; start a new run"),
        (b"3", "not a recipe; start a new run"),
    ],
)
def test_a_stored_recipe_that_is_damaged(tmp_path: Path, content: bytes, words: str) -> None:
    folder = open_run(Recipe(), tmp_path / "run", resume=False)
    (folder / CONFIG).write_bytes(content)
    refused(words, Recipe(), folder, True)
