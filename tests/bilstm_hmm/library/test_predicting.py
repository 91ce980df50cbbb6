"""`bilstm_hmm.predict`: one call, with a model that is read once."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

import bilstm_hmm
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference.bundle_files import write_bundle
from bilstm_hmm.inference.model import Model
from bilstm_hmm.library import predicting
from bilstm_hmm.library.predicting import MAX_MODELS, kept_model
from tests.oracle import RATE, oracle_bundle, say


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predicting, "_models", type(predicting._models)())


def test_the_model_that_ships_is_the_default(recording: Path) -> None:
    default = bilstm_hmm.load("default")
    assert bilstm_hmm.predict(recording) == default.predict(recording)
    assert kept_model() is kept_model("default")


def test_any_model_and_any_option(oracle: Path, model: Model) -> None:
    samples = say("sad")
    expected = model.predict(samples, RATE)
    for named in (oracle, str(oracle), oracle.parent, model):
        assert bilstm_hmm.predict(samples, RATE, named) == expected
    of_two = bilstm_hmm.predict(samples, RATE, oracle, emotions=["happy", "sad"])
    assert tuple(of_two.probabilities) == ("happy", "sad")


def test_a_model_is_read_once_by_whatever_way_and_thread(oracle: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        models = list(pool.map(kept_model, [oracle, oracle.parent, str(oracle)] * 8))
    assert len({id(model) for model in models}) == 1


def test_a_bundle_that_was_replaced_is_read_anew(oracle: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(oracle, tmp_path / "model")
    before = kept_model(folder)
    write_bundle(folder, replace(oracle_bundle(), model_id="another"))
    assert before.bundle.model_id != "another"
    assert kept_model(folder).bundle.model_id == "another"


def test_few_models_are_kept(oracle: Path, tmp_path: Path) -> None:
    folders = [shutil.copytree(oracle, tmp_path / str(n)) for n in range(MAX_MODELS + 1)]
    first, *_ = [kept_model(folder) for folder in folders]
    assert len(predicting._models) == MAX_MODELS
    assert kept_model(folders[-1]) is kept_model(folders[-1])
    assert kept_model(folders[0]) is not first


def test_what_is_no_model_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match=r"no such model; choose from accurate, default, "):
        bilstm_hmm.predict(say("sad"), RATE, "defualt")
    with pytest.raises(ToolkitError, match="not a model"):
        bilstm_hmm.predict(say("sad"), RATE, tmp_path)
