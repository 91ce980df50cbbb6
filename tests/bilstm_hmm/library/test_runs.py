"""`train` and `evaluate` as calls: the figures, and where the files are."""

from collections.abc import Callable
from pathlib import Path

import pytest
from bilstm_hmm.data.errors import DataError

import bilstm_hmm
from bilstm_hmm.config.loading import load_recipe
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference.bundle_files import read_bundle
from bilstm_hmm.inference.model import load
from bilstm_hmm.library.results import RunResult

SMALL = {
    "network": {"family": "bilstm", "stack": 16, "units": [4]},
    "training": {"epochs": 1, "batch_size": 90},
}


def test_a_training_gives_its_figures_and_its_model(
    tiny: Path, tmp_path: Path, recording: Path, untrained: None, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    result = bilstm_hmm.train(tiny, {**SMALL, "hmm.inner_folds": 2}, folder)
    assert result.folder == folder
    assert result.bundle == folder / "bundle"
    assert result.report.read_text("utf-8").startswith("#")
    assert 0.0 <= result.ua == result.metrics["systems"]["hybrid"]["ua"] <= 100.0
    assert result.scores["wa"] == result.metrics["systems"]["hybrid"]["wa"]
    assert result.recipe.network.units == (4,)
    model = result.load()
    assert model.predict(recording).emotion in model.classes
    assert model.bundle.model_id == load(folder).bundle.model_id
    table = result.to_dataframe()
    assert len(table) == result.metrics["clips"]
    assert {*table["truth"]} <= {*model.classes}
    # A program is not talked to.
    assert capfd.readouterr() == ("", "")
    with pytest.raises(ToolkitError, match="the folder is not empty; add --resume"):
        bilstm_hmm.train(tiny, SMALL, folder)
    again = bilstm_hmm.train(tiny, {**SMALL, "hmm.inner_folds": 2}, folder, resume=True)
    assert again.metrics["systems"]["hybrid"]["ua"] == result.ua


def test_a_training_may_show_and_log_how_far_it_is(
    trained, tiny: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    (tmp_path / "run").symlink_to(trained.folder)
    result = bilstm_hmm.train(str(tiny), output=folder, resume=True, verbose=True)
    assert "this run is finished" in capfd.readouterr().err
    assert result.load().bundle.model_id == read_bundle(trained.folder).model_id


def test_an_evaluation_gives_its_figures_and_its_models(
    tiny: Path, tmp_path: Path, untrained: None
) -> None:
    folder = tmp_path / "evaluation"
    recipe = load_recipe(str(tiny))
    result = bilstm_hmm.evaluate(recipe, SMALL, folder, folds=[2, 2])
    assert result.folds == (2,)
    assert result.bundles == (folder / "fold2",)
    assert result.scores["ua_per_fold"] == [result.ua]
    assert len(result.to_dataframe()) == result.metrics["clips"]
    assert load(result.bundles[0]).classes == tuple(result.metrics["classes"])


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (bilstm_hmm.train, ToolkitError, "data.root is not set"),
        (
            lambda **k: bilstm_hmm.train(settings={"data.root": "/nowhere"}, **k),
            DataError,
            "/nowhere does not exist",
        ),
        (
            lambda **k: bilstm_hmm.evaluate(settings={"data.home": "x"}, folds=[9], **k),
            DataError,
            "ravdess does not exist",
        ),
    ],
)
def test_what_is_wrong_is_said_before_a_folder_is_made(
    call: Callable[..., object], error: type[Exception], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=sentence):
        call(output=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_folds_and_protocols_that_are_none(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match="--folds: there is no fold 9; choose from 1, 2, 3"):
        bilstm_hmm.evaluate(tiny, output=tmp_path / "run", folds=[9])
    with pytest.raises(ToolkitError, match="timeline-emodb evaluates timelines; train by emodb"):
        bilstm_hmm.train(tiny, {"data.protocol": "timeline-emodb"}, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_scores_of_another_kind_are_not_taken_for_those_of_clips(tmp_path: Path) -> None:
    timelines = {"protocol": "timeline-ravdess", "systems": {"hybrid": {"eder": 1.0}}}
    result = RunResult(tmp_path, load_recipe("config.yaml"), timelines)
    assert result.scores == {"eder": 1.0}
    with pytest.raises(ToolkitError, match="timelines have no UA; see `scores`"):
        _ = result.ua
    with pytest.raises(ToolkitError, match="there is none; a protocol of clips leaves one"):
        result.to_dataframe()
    unheard = RunResult(tmp_path, load_recipe("config.yaml"), {"protocol": "unheard"})
    with pytest.raises(ToolkitError, match="gives no scores of hybrid over all clips"):
        _ = unheard.scores
