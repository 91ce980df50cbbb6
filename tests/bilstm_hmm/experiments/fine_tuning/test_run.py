"""A fine-tuning from clips to a bundle that everything takes, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bilstm_hmm.inference.bundle_files import bundle_checksum, read_bundle
from bilstm_hmm.inference.model import load
from tests.fast_runs import without_pictures
from tests.oracle import EMOTIONS, RATE, save_oracle_network, say, write_oracle

FEW = EMOTIONS[:3]


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parent") / "oracle"
    write_oracle(folder, save_oracle_network)
    return folder


def write_clips(root: Path, words: dict[str, str], speakers: int = 3, takes: int = 3) -> Path:
    """Write clips of the oracle's emotions, each in the folder of a word."""
    for emotion, word in words.items():
        for speaker in range(speakers):
            for take in range(takes):
                path = root / word / f"s{speaker}" / f"{take}.wav"
                path.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(path, say(emotion, speaker, take), RATE, subtype="PCM_16")
    return root


def fine_tuned(command: Callable, parent: Path, clips: Path, output: Path) -> tuple[Path, str]:
    """Go on from a bundle, and return the run and what was printed."""
    with without_pictures():
        run = command(
            "train.py", "--from", parent, "--set", f"data.root={clips}", "--output", output
        )
    assert run.returncode == 0, run.stderr
    return output, run.stdout


def next_emotion(emotion: str) -> str:
    return FEW[(FEW.index(emotion) + 1) % len(FEW)]


@pytest.fixture(scope="module")
def swapped(
    command: Callable, parent: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """A run of clips that all show another emotion than the oracle finds; what it printed."""
    folder = tmp_path_factory.mktemp("swapped")
    clips = write_clips(folder / "clips", {emotion: next_emotion(emotion) for emotion in FEW})
    return fine_tuned(command, parent, clips, folder / "run")


@pytest.fixture(scope="module")
def kept(
    command: Callable, parent: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """A run of clips that the oracle labels right already."""
    folder = tmp_path_factory.mktemp("kept")
    clips = write_clips(folder / "clips", {emotion: emotion for emotion in FEW})
    return fine_tuned(command, parent, clips, folder / "run")


def test_a_bundle_is_written_that_knows_the_emotions_of_the_clips(swapped) -> None:
    folder, printed = swapped
    bundle = read_bundle(folder)
    assert bundle.classes == FEW
    assert bundle.model_id.startswith("finetuned-")
    assert "Gained over oracle-0123abcd" in printed
    assert f"Model: {folder / 'bundle'}" in printed


def test_features_and_normalisation_are_those_of_the_parent(swapped, parent: Path) -> None:
    before, after = read_bundle(parent), read_bundle(swapped[0])
    assert before.recipe.features == after.recipe.features
    np.testing.assert_array_equal(before.statistics.mean, after.statistics.mean)
    np.testing.assert_array_equal(before.statistics.std, after.statistics.std)


def test_no_path_of_the_user_is_in_the_bundle(swapped) -> None:
    folder, _ = swapped
    text = (folder / "bundle" / "recipe.yaml").read_text("utf-8")
    assert str(folder.parent) not in text
    assert read_bundle(folder).recipe.data.also == ("folders",)


def test_the_card_names_the_parent_and_what_was_learnt_from(swapped, parent: Path) -> None:
    card = (swapped[0] / "bundle" / "MODEL_CARD.md").read_text("utf-8")
    assert "From `oracle-0123abcd`" in card
    assert bundle_checksum(parent) in card
    assert "clips of 3 speakers (9 neutral, 9 happy, 9 sad)" in card


def test_metrics_and_report_have_the_parent_beside_the_new(swapped) -> None:
    folder, _ = swapped
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    assert set(metrics["systems"]) == {"parent", "bilstm", "hmm", "hybrid"}
    assert "| parent |" in (folder / "report.md").read_text("utf-8")


def test_it_is_tracked_as_the_recipe_says(swapped) -> None:
    """TensorBoard, where it says nothing."""
    folder, _ = swapped
    assert list((folder / "tensorboard").rglob("events.*"))


def test_the_bundle_predicts_and_streams(swapped) -> None:
    model = load(swapped[0])
    prediction = model.predict(say("happy"), rate=RATE)
    assert set(prediction.probabilities) == set(FEW)
    assert prediction.model == model.bundle.model_id


def test_the_saved_network_goes_on_with(swapped, command: Callable, tmp_path: Path) -> None:
    clips = write_clips(tmp_path / "clips", {emotion: emotion for emotion in FEW}, takes=2)
    folder, _ = fine_tuned(command, swapped[0], clips, tmp_path / "run")
    assert read_bundle(folder).classes == FEW


def test_without_a_gain_the_bundle_stays_as_it_is(kept, parent: Path) -> None:
    folder, printed = kept
    assert "No certain gain over oracle-0123abcd" in printed
    before = {path.name: path.read_bytes() for path in parent.iterdir()}
    after = {path.name: path.read_bytes() for path in (folder / "bundle").iterdir()}
    card = after.pop("MODEL_CARD.md").decode()
    assert card.startswith(before.pop("MODEL_CARD.md").decode().rstrip())
    assert "no certain gain" in card
    assert before == after


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--from", "nowhere"), "nowhere: no such model"),
        (("--set", "data.classes=[neutral,happy]", "--set", "data.label_map={sad: happy}"), None),
        (("--set", "fine_tuning.renamed={bored: dull}"), "has no emotion 'bored'"),
        (("--set", "fine_tuning.renamed={sad: happy}"), "two emotions would have one name"),
        (("--resume",), "start it anew without"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    arguments: tuple[str, ...], sentence: str | None, command, parent, tmp_path: Path
) -> None:
    words = {emotion: emotion for emotion in FEW}
    clips = write_clips(tmp_path / "clips", words, speakers=1, takes=4)
    given = ("train.py", "--from", parent, "--set", f"data.root={clips}", *arguments)
    run = command(*given, "--output", tmp_path / "run")
    assert run.returncode != 0
    # All else being right, there are still too few clips.
    assert (sentence or "4 of neutral, but 5 clips of each emotion are needed") in run.stderr
    assert not (tmp_path / "run").exists()
