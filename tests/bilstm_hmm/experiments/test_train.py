"""What a training run leaves behind, and how it goes on after it was cut off."""

import csv
import json
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from bilstm_hmm.features.audio.reading import read_audio

from bilstm_hmm.cli.runs import ENCODER_HINT
from bilstm_hmm.config.loading import load_recipe
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.evaluation.metrics import unweighted_accuracy, weighted_accuracy
from bilstm_hmm.experiments.corpus import read_corpus
from bilstm_hmm.experiments.train import train
from bilstm_hmm.hmm.fusion import SYSTEMS
from bilstm_hmm.inference.bundle_files import read_bundle
from bilstm_hmm.inference.model import load
from bilstm_hmm.progress import SilentProgress
from bilstm_hmm.training.dataset import dataset_folds, load_dataset

CLASSES = ["neutral", "happy", "sad", "angry", "fearful"]


class Listener(SilentProgress):
    """Keeps what a training run says."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def message(self, text: str) -> None:
        self.said.append(text)


def metrics_of(folder: Path) -> dict:
    return json.loads((folder / "metrics.json").read_text("utf-8"))


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_model_is_named_after_its_recipe_and_weights(trained) -> None:
    assert re.fullmatch(r"tiny-[0-9a-f]{8}", read_bundle(trained.folder).model_id)


def test_a_run_leaves_all_its_files(trained) -> None:
    names = {path.relative_to(trained.folder).as_posix() for path in trained.folder.rglob("*")}
    expected = {"config.yaml", "train.log", "history.csv", "report.md", "metrics.json"}
    expected |= {"predictions.csv", "curves_fold1.png", "curves_fold2.png", "curves_final.png"}
    for system in SYSTEMS:
        expected |= {f"confusion_{system}.png", f"confusion_{system}.csv"}
    expected |= {f"bundle/{name}" for name in ("bundle.json", "network.onnx", "network.keras")}
    expected |= {f"bundle/{name}" for name in ("metrics.json", "MODEL_CARD.md", "recipe.yaml")}
    assert expected <= names
    assert not any(name.startswith("work") or Path(name).name.startswith(".") for name in names)
    for network in ("fold1", "fold2", "final"):
        events = list((trained.folder / "tensorboard" / network).rglob("events.out.tfevents.*"))
        assert events
        assert all(path.stat().st_size > 100 for path in events)
    for picture in trained.folder.glob("*.png"):
        assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_recipe_that_is_left_is_whole_and_trains_the_same(trained, tiny: Path) -> None:
    stored = yaml.safe_load((trained.folder / "config.yaml").read_text("utf-8"))
    assert stored["training"]["weight_decay"] == 1e-4
    assert stored["data"]["protocol"] is None
    assert load_recipe(str(trained.folder / "config.yaml")) == load_recipe(str(tiny))


def test_the_history_has_a_row_an_epoch(trained, tiny: Path) -> None:
    rows = table(trained.folder / "history.csv")
    networks = list(dict.fromkeys(row["network"] for row in rows))
    assert networks == ["fold1", "fold2", "final"]
    for network in networks:
        own = [row for row in rows if row["network"] == network]
        assert [float(row["epoch"]) for row in own] == list(range(1, len(own) + 1))
        assert all(0.0 <= float(row["accuracy"]) <= 100.0 for row in own)
    assert all(row["val_ua"] for row in rows if row["network"] != "final")
    longest = load_recipe(str(tiny)).training.epochs
    assert max(float(row["epoch"]) for row in rows) <= longest


def test_the_log_has_every_epoch(trained) -> None:
    log = (trained.folder / "train.log").read_text("utf-8")
    assert log.count(", epoch ") == len(table(trained.folder / "history.csv"))
    assert "speakers, fold 1: 60 clips to train on, 30 to test on, 5 classes" in log


def test_metrics_are_the_contract_and_follow_from_the_predictions(trained, tiny: Path) -> None:
    metrics = metrics_of(trained.folder)
    assert metrics["protocol"] == "speakers"
    assert metrics["speaker_independent"] is True
    assert metrics["classes"] == CLASSES
    assert list(metrics["systems"]) == ["bilstm", "hmm", "hybrid", "posterior-mean", "hmm-raw"]
    assert set(metrics["comparison"]) == {"hybrid-bilstm", "hybrid-hmm", "hmm-bilstm"}
    rows = table(trained.folder / "predictions.csv")
    selection = load_dataset(load_recipe(str(tiny)).data)
    fold = dataset_folds(selection, 1)[0]
    assert {row["name"] for row in rows} == {selection.clips[i].name for i in fold.test}
    assert metrics["clips"] == len(rows) == len(fold.test)
    truth = np.array([CLASSES.index(row["truth"]) for row in rows])
    assert all(row["name"].startswith(f"{row['truth']}/") for row in rows)
    for system, scores in metrics["systems"].items():
        assert {"ua", "wa", "f1", "ece", "ua_per_fold"} <= set(scores)
        shares = np.array([[float(row[f"{system} {c}"]) for c in CLASSES] for row in rows])
        assert np.abs(shares.sum(axis=1) - 1.0).max() < 1e-5
        predicted = np.array([CLASSES.index(row[system]) for row in rows])
        assert (shares[np.arange(len(rows)), predicted] >= shares.max(axis=1) - 1e-6).all()
        assert scores["ua"] == pytest.approx(unweighted_accuracy(truth, predicted), abs=0.01)
        assert scores["wa"] == pytest.approx(weighted_accuracy(truth, predicted), abs=0.01)
        assert scores["ua_per_fold"] == [scores["ua"]]
        if system not in SYSTEMS:
            continue
        confusion = (trained.folder / f"confusion_{system}.csv").read_text("utf-8").splitlines()
        counts = np.array([[int(n) for n in line.split(",")[1:]] for line in confusion[1:]])
        assert counts.trace() == (truth == predicted).sum()
        assert counts.sum() == len(rows)


def test_the_bundle_says_what_the_test_said(trained, synthetic: Path) -> None:
    model = load(trained.folder)
    for row in table(trained.folder / "predictions.csv")[::7]:
        whole = model.score(read_audio(synthetic / row["name"]).samples)
        shares = model.probabilities_by_system(whole)["hybrid"]
        for emotion, share in zip(model.classes, shares, strict=True):
            assert share == pytest.approx(float(row[f"hybrid {emotion}"]), abs=1e-4)


def test_the_report_has_the_classification_reports(trained) -> None:
    report = (trained.folder / "report.md").read_text("utf-8")
    assert report.count("macro avg") == len(SYSTEMS)
    for word in ("precision", "recall", "f1-score", *CLASSES, "Speaker-independent"):
        assert word in report


def test_what_is_said_and_where(trained) -> None:
    for system, scores in metrics_of(trained.folder)["systems"].items():
        (line,) = [line for line in trained.stdout.splitlines() if f" {system} " in line]
        assert f"{scores['ua']:.1f}" in line
    assert f"Model: {trained.folder / 'bundle'}" in trained.stdout.replace("\n", "")
    # It has no encoder, and the best recipe does.
    assert trained.stdout.endswith(f"{ENCODER_HINT}\n")
    assert "Traceback" not in trained.stderr
    assert "Warning" not in trained.stderr
    assert trained.stderr.count("Network ") == 3


def test_the_model_card_names_the_data_and_the_scores(trained) -> None:
    card = (trained.folder / "bundle" / "MODEL_CARD.md").read_text("utf-8")
    scores = metrics_of(trained.folder)["systems"]["hybrid"]
    assert read_bundle(trained.folder).model_id in card
    assert f"| hybrid | {scores['ua']:.1f} |" in card
    for word in ("folders named by emotion", "licence", "Intended use", "not trained on"):
        assert word in card


def test_a_run_that_is_killed_and_resumed_ends_the_same(
    trained,
    tiny: Path,
    tmp_path: Path,
    command: Callable[..., object],
    start: Callable[..., object],
) -> None:
    """The same seed gives the same losses, whether the run was cut off or not."""
    folder = tmp_path / "run"
    order = ("train.py", "--config", tiny, "--output", folder)
    process = start(*order, fast=True)
    patient_until = time.monotonic() + 300
    log_file = folder / "train.log"
    while not (log_file.exists() and "fold 1 of 2, epoch 1:" in log_file.read_text("utf-8")):
        assert process.poll() is None
        assert time.monotonic() < patient_until
        time.sleep(0.02)
    process.kill()
    process.communicate()
    assert not (folder / "bundle").exists()
    before = log_file.read_text("utf-8")
    other = command(*order, "--resume", "--set", "training.epochs=5")
    assert other.returncode == 2
    assert "training.epochs is not what the run was started with" in other.stderr
    done = command(*order, "--resume", train=True)
    assert done.returncode == 0, done.stderr
    log = log_file.read_text("utf-8")
    assert log.startswith(before)
    for epoch in (1, 2):
        assert log.count(f"fold 1 of 2, epoch {epoch}:") == 1
    resumed, whole = metrics_of(folder), metrics_of(trained.folder)
    assert resumed.keys() == whole.keys()
    assert resumed["systems"].keys() == whole["systems"].keys()
    tables = (table(run / "history.csv") for run in (trained.folder, folder))
    for old, new in zip(*tables, strict=True):
        assert (old["network"], old["epoch"]) == (new["network"], new["epoch"])
        assert float(new["loss"]) == pytest.approx(float(old["loss"]), rel=1e-2)


def test_a_finished_run_is_not_trained_again(trained, tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(trained.folder / "bundle", folder / "bundle")
    listener = Listener()
    metrics = train(load_recipe(str(tiny)), folder, listener)
    assert metrics == metrics_of(trained.folder)
    assert "this run is finished" in listener.said[0]
    assert [path.name for path in folder.iterdir()] == ["bundle"]


def test_another_fold_needs_a_new_run(trained, tiny: Path, command: Callable[..., object]) -> None:
    order = ("train.py", "--config", tiny, "--output", trained.folder)
    used = command(*order)
    assert used.returncode == 2
    assert "the folder is not empty; add --resume" in used.stderr
    changed = command(*order, "--resume", "--set", "data.fold=2")
    assert changed.returncode == 2
    assert "data.fold is not what the run was started with" in changed.stderr


def test_a_class_whose_clips_cannot_be_read_is_named(
    tiny: Path, synthetic: Path, tmp_path: Path
) -> None:
    root = tmp_path / "corpus"
    for clip in sorted(synthetic.glob("*/0[01]/00.wav")):
        copy = root / clip.relative_to(synthetic)
        copy.parent.mkdir(parents=True)
        copy.write_bytes(b"no audio" if "sad" in clip.parts else clip.read_bytes())
    recipe = load_recipe(str(tiny), [f"data.root={root}"])
    listener = Listener()
    with pytest.raises(ToolkitError, match=r"^data.root: no clip of sad can be read; mend the"):
        read_corpus(recipe, listener)
    assert listener.said == ["folders: 2 of 10 clips cannot be read; see the log"]
