"""Which model labels where none is named, or one by its name alone."""

import os
import shutil
from pathlib import Path

import pytest

import bilstm_hmm
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference import shipped
from bilstm_hmm.inference.shipped import default_model_path, named_model_path

REPOSITORY = Path(__file__).parents[3]


def test_a_shipped_model_is_found_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert default_model_path().samefile(REPOSITORY / "models" / "default")
    assert named_model_path(Path("open")).samefile(REPOSITORY / "models" / "open")


def test_the_newest_run_is_the_default_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shipped, "shipped_folder", lambda _: tmp_path / "none")
    with pytest.raises(ToolkitError, match=r"^no model yet: train one .* or name one with --mod"):
        default_model_path()
    for age, name in enumerate(("new", "older", "oldest")):
        bundle = tmp_path / "runs" / name / "bundle"
        bundle.mkdir(parents=True)
        (bundle / "bundle.json").touch()
        made = 2_000_000_000 - 1000 * age
        os.utime(bundle / "bundle.json", (made, made))
    assert default_model_path() == Path("runs") / "new" / "bundle"
    for name in ("default", "open"):
        (Path("models") / name).mkdir(parents=True)
        (Path("models") / name / "bundle.json").touch()
    assert default_model_path() == Path("models") / "default"
    assert named_model_path(Path("open")) == Path("models") / "open"
    assert named_model_path(Path("runs/new")) == Path("runs/new")
    assert named_model_path(Path("runs/none")) == Path(
        "runs/none"
    )  # a path, and read_bundle's to refuse
    with pytest.raises(
        ToolkitError, match=r"^other: no such model; choose from default, open, or "
    ):
        named_model_path(Path("other"))
    (tmp_path / "open").mkdir()
    assert named_model_path(Path("open")) == Path("open")  # a folder of that name comes first


def test_a_name_where_no_models_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shipped, "shipped_folder", lambda _: tmp_path / "none")
    with pytest.raises(ToolkitError, match=r"^x: no such model; give the folder of a training run"):
        named_model_path(Path("x"))


def test_models_are_loaded_by_name_or_without_any(
    oracle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shipped, "shipped_folder", lambda _: tmp_path / "shipped")
    shutil.copytree(oracle, tmp_path / "shipped" / "default")
    assert bilstm_hmm.load().bundle.model_id == bilstm_hmm.load("default").bundle.model_id
    with pytest.raises(
        ToolkitError, match=r"^acurate: no such model; choose from default, or give"
    ):
        bilstm_hmm.load("acurate")
