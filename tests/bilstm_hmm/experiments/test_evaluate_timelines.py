"""Timelines of unseen speakers, fold by fold: from a corpus to the report, and what is refused."""

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from bilstm_hmm.data.splits.folds import Fold
from bilstm_hmm.data.synthesis.concatenated import N_RECORDINGS, concatenate_clips
from bilstm_hmm.data.synthesis.corpus import synthesise, write_wav
from bilstm_hmm.features.audio.reading import read_audio

from bilstm_hmm.config.schema import DataSettings
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.evaluation.timeline_results import read_timelines
from bilstm_hmm.evaluation.timeline_systems import TIMELINE_SYSTEMS
from bilstm_hmm.experiments import fold as fold_module
from bilstm_hmm.experiments.evaluate_timelines import fold_timelines
from bilstm_hmm.experiments.fold import train_fold
from bilstm_hmm.experiments.fold_store import fold_bundle
from bilstm_hmm.inference.bundle_files import read_bundle, write_bundle
from bilstm_hmm.inference.model import Model
from bilstm_hmm.training.dataset import Dataset, dataset_folds, load_dataset

Script = Callable[..., subprocess.CompletedProcess[str]]
SPEAKERS = ("03", "08", "09")
CODES = {"neutral": "N", "happy": "F", "sad": "T", "angry": "W"}


@pytest.fixture(scope="module")
def emodb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic voices under the names of Emo-DB: 3 speakers, 4 emotions, 3 clips of each."""
    root = tmp_path_factory.mktemp("emodb")
    for number, speaker in enumerate(SPEAKERS):
        for emotion, code in CODES.items():
            for take in range(3):
                path = root / f"{speaker}a0{take + 1}{code}a.wav"
                write_wav(path, synthesise(emotion, number, take))
    return root


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, emodb: Path, tiny: Path) -> Path:
    """The recipe `tiny`, for that corpus."""
    tree = yaml.safe_load(tiny.read_text("utf-8"))
    tree["data"] = {"corpus": "emodb", "root": str(emodb)}
    path = tmp_path_factory.mktemp("recipe") / "emodb.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def evaluated(
    tmp_path_factory: pytest.TempPathFactory, config: Path, least: tuple[str, ...], command: Script
) -> Path:
    """An evaluation of timelines: one fold, then gone on with for another."""
    folder = tmp_path_factory.mktemp("runs") / "timelines"
    order = ("evaluate.py", "--config", config, *least, "--protocol", "timeline-emodb")
    how = {"train": True, "steps": False}
    done = command(*order, "--folds", "1", "--output", folder, **how)
    assert done.returncode == 0, done.stderr
    before = (folder / "fold1.csv").stat().st_mtime_ns
    done = command(*order, "--folds", "1,3", "--output", folder, "--resume", **how)
    assert done.returncode == 0, done.stderr
    assert "Fold 3 of 3" in done.stderr
    assert "Fold 1 of 3" not in done.stderr
    assert (folder / "fold1.csv").stat().st_mtime_ns == before
    assert "timeline-emodb, 16 recordings" in done.stdout
    return folder


@pytest.fixture(scope="module")
def dataset(emodb: Path) -> Dataset:
    return load_dataset(DataSettings(corpus="emodb", root=emodb, protocol="timeline-emodb"))


def test_an_evaluation_from_the_corpus_to_the_report(evaluated: Path, emodb: Path) -> None:
    metrics = json.loads((evaluated / "metrics.json").read_text("utf-8"))
    assert metrics["protocol"] == "timeline-emodb"
    assert metrics["speaker_independent"] is True
    assert metrics["folds"] == [1, 3]
    assert metrics["recordings"] == 2 * N_RECORDINGS
    assert tuple(metrics["systems"]) == TIMELINE_SYSTEMS
    assert all(len(found["eder_per_fold"]) == 2 for found in metrics["systems"].values())
    for name in ("report.md", "timelines.csv", "evaluate.log", "config.yaml"):
        assert (evaluated / name).stat().st_size > 0
    assert not list(evaluated.glob("work*"))
    for place, number in enumerate((1, 3)):
        bundle = read_bundle(evaluated / f"fold{number}")
        assert metrics["models"][place]["model"] == bundle.model_id


def test_recordings_are_of_the_test_speaker_alone(evaluated: Path, dataset: Dataset) -> None:
    for number in (1, 3):
        results = read_timelines(evaluated / f"fold{number}.csv")
        assert results is not None
        (speaker,) = {result.speaker for result in results}
        assert speaker == f"emodb-{SPEAKERS[number - 1]}"
        own = [clip for clip in dataset.clips if clip.speaker == speaker]
        again = concatenate_clips(own, lambda clip: read_audio(clip.path).samples, 16000)
        assert [r.truth for r in results] == [recording.truth for recording in again]
        model = Model(read_bundle(evaluated / f"fold{number}"))
        said = model.predict(again[0].samples, 16000).segments
        expected = tuple((s.start, s.end, s.emotion) for s in said)
        for found, known in zip(results[0].predicted["composite-hmm"], expected, strict=True):
            assert found[:2] == pytest.approx(known[:2])
            assert found[2] == known[2]


def test_models_of_an_earlier_evaluation_give_the_same(
    evaluated: Path, config: Path, least: tuple[str, ...], command: Script, tmp_path: Path
) -> None:
    folder = tmp_path / "again"
    done = command(
        *("evaluate.py", "--config", config, *least, "--protocol", "timeline-emodb"),
        *("--folds", "3", "--models", evaluated, "--output", folder),
    )
    assert done.returncode == 0, done.stderr
    assert "Network" not in done.stderr
    assert (folder / "fold3.csv").read_bytes() == (evaluated / "fold3.csv").read_bytes()
    assert not (folder / "fold3").exists()


def copied(evaluated: Path, folder: Path) -> Path:
    shutil.copytree(evaluated, folder)
    return folder


def refused(models: Path, dataset: Dataset, words: str, number: int = 3) -> None:
    fold = dataset_folds(dataset, 1)[number - 1]
    with pytest.raises(ToolkitError, match=words) as caught:
        fold_bundle(models, fold, dataset)
    assert str(caught.value).startswith(f"--models {models}: ")
    assert "\n" not in str(caught.value)


def test_models_that_may_know_the_test_speakers_are_refused(
    evaluated: Path, dataset: Dataset, tmp_path: Path
) -> None:
    assert fold_bundle(evaluated, dataset_folds(dataset, 1)[2], dataset)
    models = copied(evaluated, tmp_path / "models")
    refused(models, dataset, "fold2.csv is missing or cannot be read; evaluate fold 2", number=2)
    table = (models / "fold3.csv").read_text("utf-8")
    (models / "fold3.csv").write_text(table.replace("emodb-09", "emodb-08"), encoding="utf-8")
    refused(models, dataset, "not tested on exactly the speakers of fold 3 here .emodb-08 is in")
    (models / "fold3.csv").write_text(table + "x/1,emodb-03,truth,0,1,sad\n", encoding="utf-8")
    refused(models, dataset, "emodb-03 is in one of them only")
    (models / "fold3.csv").write_text("no,table\n1,2\n", encoding="utf-8")
    refused(models, dataset, "fold3.csv is missing or cannot be read")


def test_models_of_other_splits_or_classes_are_refused(
    evaluated: Path, dataset: Dataset, tmp_path: Path
) -> None:
    models = copied(evaluated, tmp_path / "models")
    bundle = read_bundle(models / "fold3")
    data = bundle.recipe.data.model_copy(update={"speaker_dependent": True})
    mixed = replace(bundle, recipe=bundle.recipe.model_copy(update={"data": data}))
    write_bundle(models / "fold3", mixed)
    refused(models, dataset, "its models were trained on clips of all speakers")
    write_bundle(models / "fold3", replace(bundle, classes=("neutral", "happy", "sad", "bored")))
    refused(models, dataset, "tell neutral, happy, sad, bored apart, but the clips are neutral")


def test_one_model_that_does_not_know_the_corpus_is_that_of_every_fold(
    evaluated: Path, dataset: Dataset, tmp_path: Path
) -> None:
    bundle = read_bundle(evaluated / "fold3")
    refused(evaluated / "fold3", dataset, "it was trained on emodb, and may know the speakers")
    data = bundle.recipe.data.model_copy(update={"corpus": "crema-d"})
    other = replace(bundle, recipe=bundle.recipe.model_copy(update={"data": data}))
    write_bundle(tmp_path / "other", other)
    for fold in dataset_folds(dataset, 1):
        assert fold_bundle(tmp_path / "other", fold, dataset).recipe.data.corpus == "crema-d"
    write_bundle(tmp_path / "few", replace(other, classes=("neutral", "happy", "sad", "bored")))
    refused(tmp_path / "few", dataset, "tell neutral, happy, sad, bored apart, but the clips are")


def test_the_test_clips_are_not_handed_to_the_training(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folds: list[Fold] = []

    def spy(context: Any, fold: Fold) -> Any:
        folds.append(fold)
        return SimpleNamespace(bundle="bundle")

    monkeypatch.setattr(fold_module, "train_and_test_fold", spy)
    for fold in dataset_folds(dataset, 1):
        train_fold(None, fold)  # type: ignore[arg-type]
        assert folds[-1].test == ()
        assert folds[-1].train == fold.train
        speakers = {dataset.clips[i].speaker for i in folds[-1].train}
        assert speakers.isdisjoint({dataset.clips[i].speaker for i in fold.test})


def test_speakers_without_neutral_clips_are_left_out(dataset: Dataset, evaluated: Path) -> None:
    model = Model(read_bundle(evaluated / "fold1"))
    fold = dataset_folds(dataset, 1)[0]
    voice = {dataset.clips[i].name: synthesise("sad", 1, 1) for i in fold.test}
    said: list[str] = []
    progress: Any = SimpleNamespace(message=said.append, update=lambda *_: None)
    unread = {dataset.clips[i].name for i in fold.test if dataset.clips[i].emotion == "neutral"}
    left = {name: samples for name, samples in voice.items() if name not in unread}
    with pytest.raises(ToolkitError, match="Fold 1: no test speaker has neutral clips"):
        fold_timelines(model, dataset, fold, left, progress)
    assert len(said) == 1
    assert said[0].startswith("Left out: emodb-03 has no neutral clips")


def test_a_clip_that_cannot_be_read_is_left_out(
    evaluated: Path, config: Path, emodb: Path, least: tuple[str, ...], command: Script,
    tmp_path: Path,
) -> None:  # fmt: skip
    corpus = copied(emodb, tmp_path / "emodb")
    (corpus / "09a02Fa.wav").write_bytes(b"no audio")
    folder = tmp_path / "evaluation"
    done = command(
        *("evaluate.py", "--config", config, *least, "--protocol", "timeline-emodb"),
        *("--set", f"data.root={corpus}", "--folds", "3", "--models", evaluated),
        *("--output", folder),
    )
    assert done.returncode == 0, done.stderr
    assert "Left out: " in (folder / "evaluate.log").read_text("utf-8")
    assert "Traceback" not in done.stderr
    found = read_timelines(folder / "fold3.csv")
    assert found is not None
    assert len(found) == N_RECORDINGS


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("evaluate.py", ("--models", "x"), "--models x: emodb-loso trains its own models; leave"),
        ("evaluate.py", ("--protocol", "timeline-emodb", "--models", "x"), "--models x: fold1.csv"),
        ("evaluate.py", ("--protocol", "timeline-ravdess"), "is for ravdess, but there are clips"),
        ("train.py", ("--set", "data.protocol=timeline-emodb"), "train by emodb-loso, or run"),
    ],
)
def test_wrong_arguments(
    config: Path, command: Script, tmp_path: Path, name: str, arguments: tuple[str, ...], said: str
) -> None:
    done = command(name, "--config", config, "--output", tmp_path / "run", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()
