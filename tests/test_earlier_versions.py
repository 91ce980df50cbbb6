"""Files that earlier versions wrote are read as they were meant, or refused by their version."""

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import yaml

from bilstm_hmm.config.loading import dump_recipe, load_recipe
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.evaluation.clip_results import read_results
from bilstm_hmm.experiments.run_folder import CONFIG, open_run
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.bundle_files import MANIFEST, read_bundle, write_bundle
from bilstm_hmm.inference.model import Model, load
from bilstm_hmm.inference.voice.profile import VoiceProfile
from bilstm_hmm.output.formats import render
from bilstm_hmm.output.resume import keep_finished, read_finished, refuse_other_table
from bilstm_hmm.output.run_record import RunRecord, read_record, record_path, refuse_other_run
from bilstm_hmm.training.checkpoint import TrainingState, load_state, save_state
from tests.oracle import EMOTIONS, oracle_bundle, say

GOLDEN = Path(__file__).parent / "golden"
#: The resolved recipe of the first bundle: names and keys of the first version.
FIRST_RECIPE = GOLDEN / "recipe_first.yaml"


def write_manifest(folder: Path, seal: bool = True, **changes: object) -> None:
    """Write the manifest of the files that are there, as each version of it was."""
    names = sorted(path.name for path in folder.iterdir() if path.name != MANIFEST)
    before = json.loads((folder / MANIFEST).read_text("utf-8"))
    manifest = {
        "format": before["format"],
        "model": before["model"],
        "classes": before["classes"],
        "sha256": {name: sha256((folder / name).read_bytes()).hexdigest() for name in names},
        **changes,
    }
    if seal:
        content = json.dumps(manifest, sort_keys=True).encode()
        manifest["seal"] = sha256(content).hexdigest()
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")


def alter_decision(folder: Path, *left_out: str, **arrays: object) -> None:
    path = folder / "decision.npz"
    with np.load(path) as stored:
        kept = {name: stored[name] for name in stored.files if name not in left_out}
    np.savez(path, **kept, **{name: np.asarray(value) for name, value in arrays.items()})


@pytest.fixture
def folder(oracle: Path, tmp_path: Path) -> Path:
    """A bundle as it is written today, to be made an earlier one."""
    write_bundle(tmp_path / "model", replace(oracle_bundle(), network=load(oracle).bundle.network))
    return tmp_path / "model"


# Bundles.


def with_biases(folder: Path) -> None:
    """The last decision of format 1: two weights, and a bias for each emotion."""
    alter_decision(folder, bias=np.zeros(len(EMOTIONS)))


def with_weight_matrix(folder: Path) -> None:
    """The first: a multinomial logistic layer."""
    count = len(EMOTIONS)
    alter_decision(folder, "weights", weights=np.eye(2 * count, count), bias=np.zeros(count))


@pytest.mark.parametrize("decision", [with_biases, with_weight_matrix])
@pytest.mark.parametrize("seal", [False, True])
def test_bundles_of_format_1_are_refused_by_it(
    folder: Path, decision: Callable[[Path], None], seal: bool
) -> None:
    """The first manifests had no checksum of themselves."""
    decision(folder)
    write_manifest(folder, seal, format=1)
    with pytest.raises(ToolkitError) as caught:
        read_bundle(folder)
    assert str(caught.value) == (
        f"{folder}: bundle format 1, but this version reads 2; train the model again."
    )


def test_the_first_bundles_of_format_2_say_what_they_said(folder: Path, bundle: Bundle) -> None:
    """Fewer keys in the recipe, some by other names, and nothing of how sure a model may be."""
    now = yaml.safe_load(dump_recipe(bundle.recipe))
    names = {"expected_duration": "dwell", "min_silence": "pause", "max_speech": "longest_phrase"}
    kept = ("vad", *names)
    now["timeline"] = {names.get(key, key): now["timeline"][key] for key in kept}
    first = yaml.safe_load(FIRST_RECIPE.read_text("utf-8"))
    for section, keys in first.items():
        if isinstance(keys, dict) and section != "timeline":
            now[section] = {key: now[section][key] for key in keys}
    recipe = {key: now[key] for key in first}
    assert "voice" not in recipe
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe), "utf-8")
    alter_decision(folder, timeline_told=0.1)
    write_manifest(folder)
    earlier = read_bundle(folder)
    assert earlier.recipe == bundle.recipe
    assert Model(earlier).predict(say("sad"), 16000) == Model(bundle).predict(say("sad"), 16000)


@pytest.fixture
def bundle(oracle: Path) -> Bundle:
    return load(oracle).bundle


@pytest.mark.parametrize("format", [3, 2026])
def test_later_bundles_are_refused_by_their_format(folder: Path, format: int) -> None:
    write_manifest(folder, format=format)
    with pytest.raises(ToolkitError) as caught:
        read_bundle(folder)
    assert str(caught.value) == (
        f"{folder}: bundle format {format}, but this version reads 2; upgrade the toolkit or "
        "train the model again."
    )


@pytest.mark.parametrize("format", ["2", 2.0, True, None, [2], "9" * 10_000])
def test_a_format_that_is_no_number_is_damage(folder: Path, format: object) -> None:
    write_manifest(folder, format=format)
    with pytest.raises(ToolkitError) as caught:
        read_bundle(folder)
    assert f"the bundle is damaged ({MANIFEST} gives no format)" in str(caught.value)
    assert len(str(caught.value)) < 400


# Recipes and run folders.


def test_the_first_recipe_means_what_it_meant() -> None:
    tree = yaml.safe_load(FIRST_RECIPE.read_text("utf-8"))
    recipe = load_recipe(str(FIRST_RECIPE))
    timeline = recipe.timeline
    durations = (timeline.expected_duration, timeline.min_duration, timeline.utterance_duration)
    assert durations == (4.0, 0.6, 2.0)
    written = yaml.safe_load(dump_recipe(recipe))
    for section in ("features", "network", "training", "hmm", "decision", "pretraining"):
        assert {key: written[section][key] for key in tree[section]} == tree[section]
    # What came later is off.
    assert recipe.voice.known_clips == ()
    assert not recipe.bundle.int8
    assert recipe.decision.temperature == 1.0
    assert recipe.distillation.encoder is None


def test_a_run_of_the_first_version_is_gone_on_with(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    text = FIRST_RECIPE.read_text("utf-8")
    (folder / CONFIG).write_text(text, "utf-8")
    recipe = load_recipe(str(FIRST_RECIPE))
    assert open_run(recipe, folder, resume=True) == folder
    assert (folder / CONFIG).read_text("utf-8") == text
    # A key that came later counts from then on as any other.
    later = load_recipe(str(FIRST_RECIPE), ["training.bucketed=false"])
    with pytest.raises(ToolkitError, match=r"training\.bucketed is not what the run was started"):
        open_run(later, folder, resume=True)


def test_a_run_of_a_later_version_is_refused_by_its_key(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    text = FIRST_RECIPE.read_text("utf-8") + "telepathy:\n  range: 3\n"
    (folder / CONFIG).write_text(text, "utf-8")
    with pytest.raises(ToolkitError, match=rf"{CONFIG}: unknown key telepathy"):
        open_run(load_recipe(str(FIRST_RECIPE)), folder, resume=True)


def test_folds_of_the_first_version_count_as_finished(tmp_path: Path) -> None:
    """Their results do not have the speakers' sex."""
    path = tmp_path / "fold1.csv"
    path.write_text(
        "name,speaker,truth,bilstm:happy,bilstm:sad,hmm:happy,hmm:sad\n"
        "a/1.wav,ravdess-01,sad,0.25,0.75,0.5,0.5\n",
        "utf-8",
    )
    results = read_results(path, ("happy", "sad"))
    assert results is not None
    (result,) = results
    assert (result.name, result.speaker, result.truth) == ("a/1.wav", "ravdess-01", "sad")
    assert result.sex is None
    assert result.probabilities["bilstm"].tolist() == [0.25, 0.75]
    assert result.probabilities["hmm"].tolist() == [0.5, 0.5]
    assert read_results(path, ("sad", "happy")) is None


# States of a training.


def test_states_without_keys_of_today_begin_with_their_defaults(tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    save_state(path, TrainingState(epoch=3, best_epoch=2, model=[np.ones(2)]))
    rewrite_scalars(path, lambda scalars: scalars.pop("waited"))
    state = load_state(path)
    assert state is not None
    assert (state.epoch, state.best_epoch, state.waited) == (3, 2, 0)


def test_a_state_of_a_later_version_is_none(tmp_path: Path) -> None:
    """So that the training starts over."""
    path = tmp_path / "state.npz"
    save_state(path, TrainingState(epoch=3))
    rewrite_scalars(path, lambda scalars: scalars.update(mood=1))
    assert load_state(path) is None


def rewrite_scalars(path: Path, change: Callable[[dict[str, object]], object]) -> None:
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    scalars = json.loads(str(arrays["scalars"]))
    change(scalars)
    np.savez(path, **{**arrays, "scalars": np.array(json.dumps(scalars))})


# Tables.


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_the_first_tables_are_gone_on_with(tmp_path: Path, format: str) -> None:
    """They have no record of their run beside them, and say `resampled` among the warnings."""
    output = tmp_path / f"out.{format}"
    text = (GOLDEN / f"table_first.{format}").read_bytes().decode("utf-8")
    output.write_text(text, "utf-8")
    record = RunRecord("demo-1", ("happy", "sad"), format)
    refuse_other_run(output, record)
    refuse_other_table(text, output, record)
    finished = read_finished(text, format)
    # Those that failed are tried again.
    assert finished
    assert "b.wav" not in finished
    kept = keep_finished(text, format, finished)
    assert kept
    assert text.startswith(kept)
    assert read_finished(kept, format) == finished
    header = render([], format, many=True, timeline=False, classes=record.classes)
    assert kept.startswith(str(header))
    for other in (replace(record, model="demo-2"), replace(record, classes=("sad", "happy"))):
        with pytest.raises(ToolkitError, match="it was written with"):
            refuse_other_table(text, output, other)


def test_a_record_may_say_more_than_this_version_knows(tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    document = {
        **{"written_by": "bilstm-hmm", "model": "m", "emotions": ["a", "b"], "format": "csv"},
        **{"options": {"--x": "1"}, "mood": 3},
    }
    record_path(output).write_text(json.dumps(document), "utf-8")
    assert read_record(output) == RunRecord("m", ("a", "b"), "csv", {"--x": "1"})


# Voice profiles.

FIRST_PROFILE = """\
{
  "content": "Number, mean and variance of the acoustic features of a voice. It holds no audio, no \
words and no emotions.",
  "format": 1,
  "features": "0123456789abcdef",
  "frame_rate": 100.0,
  "n_clips": 2,
  "n_frames": 300,
  "views": [
    {"mean": [1.5, -20.25],
     "variance": [0.5, 4.0]}
  ]
}
"""


def test_the_first_profiles_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.voice"
    path.write_text(FIRST_PROFILE, "utf-8")
    profile = VoiceProfile.load(path)
    moments = profile.moments
    assert (moments.n_clips, moments.n_frames) == (2, 300)
    np.testing.assert_allclose(moments.mean, [[1.5, -20.25]])
    np.testing.assert_allclose(moments.squares, [[150.0, 1200.0]])


@pytest.mark.parametrize(
    ("format", "words"),
    [
        ("2", "of format 2, but this version reads 1; upgrade the toolkit or learn the voice ag"),
        ("0", "of format 0, but this version reads 1; learn the voice again."),
        ("true", "not a voice profile (it has no format)"),
        ('"' + "9" * 10_000 + '"', "not a voice profile (it has no format)"),
    ],
)
def test_profiles_of_other_formats_are_refused_by_it(
    tmp_path: Path, format: str, words: str
) -> None:
    path = tmp_path / "a.voice"
    path.write_text(FIRST_PROFILE.replace('"format": 1', f'"format": {format}'), "utf-8")
    with pytest.raises(ToolkitError) as caught:
        VoiceProfile.load(path)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 400
