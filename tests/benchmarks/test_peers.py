"""The peers label as they should: the script with our weights as we do."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import bilstm_hmm
from benchmarks import contestants, warm_worker
from benchmarks.agreement import THEIR_FRAMES, agreements
from benchmarks.setting import REPOSITORY
from benchmarks.timing import measure
from benchmarks.variants import write_variant
from bilstm_hmm.hmm.fusion import SYSTEMS
from bilstm_hmm.inference.bundle_files import read_bundle, write_bundle

pytest.importorskip("keras")
pytest.importorskip("librosa")

from benchmarks.peers import straightforward

# That of what librosa reads audio with.
pytestmark = pytest.mark.filterwarnings("ignore:.* slated for removal:DeprecationWarning")

WARPS = (0.9, 1.0, 1.1)


@pytest.fixture(scope="module")
def bundle(oracle_in_keras: Path) -> Path:
    return oracle_in_keras


@pytest.fixture(scope="module")
def clips(synthetic: Path) -> list[Path]:
    """One of each emotion."""
    return sorted(synthetic.glob("*/01/00.wav"))


def emotions(clips: list[Path]) -> list[str]:
    return [clip.parts[-3] for clip in clips]


def test_the_script_gives_our_labels(bundle: Path, clips: list[Path]) -> None:
    model, script = bilstm_hmm.load(bundle), straightforward.load(bundle)
    assert [model.predict(clip).emotion for clip in clips] == emotions(clips)
    assert [straightforward.label(script, clip) for clip in clips] == emotions(clips)


def test_a_running_script_labels_the_bytes_of_a_file(bundle: Path, clips: list[Path]) -> None:
    label = warm_worker.librosa(bundle)
    assert label(clips[0].read_bytes()) == emotions(clips)[0]


def test_the_script_hears_all_vocal_tracts_where_asked_to(
    bundle: Path, clips: list[Path], tmp_path: Path
) -> None:
    several = write_variant(bundle, tmp_path / "several", warps=WARPS)
    model, script = bilstm_hmm.load(several), straightforward.load(several)
    clips = clips[::2]
    assert [model.predict(clip).emotion for clip in clips] == emotions(clips)
    assert [straightforward.label(script, clip, views=True) for clip in clips] == emotions(clips)


def test_every_system_agrees_with_keras_and_hmmlearn(
    bundle: Path, clips: list[Path], tmp_path: Path
) -> None:
    several = write_variant(bundle, tmp_path / "several", warps=WARPS)
    found = agreements(several, clips[::2])
    assert {one.system for one in found} == set(SYSTEMS)
    for one in found:
        assert one.differing == 0
        assert one.largest < (1e-3 if one.frames == THEIR_FRAMES else 1e-5)


def test_the_shipped_model_agrees_with_keras_and_hmmlearn(clips: list[Path]) -> None:
    """In what it gives to each emotion; which it gives the most may hang on a rounding error."""
    for one in agreements(REPOSITORY / "models" / "default", clips[:2]):
        assert one.largest < (1e-3 if one.frames == THEIR_FRAMES else 1e-5)


def test_a_disagreement_is_found(bundle: Path, clips: list[Path], tmp_path: Path) -> None:
    # Keras takes every clip for the opposite of what it is; what we run is left as it is.
    network = straightforward.load(bundle).network
    clip = network.get_layer("clip")
    clip.set_weights([-array for array in clip.get_weights()])
    write_bundle(tmp_path / "bundle", read_bundle(bundle), save_keras=network.save)
    found = {one.system: one for one in agreements(tmp_path / "bundle", clips[:2])}
    assert found["bilstm"].differing == 2
    assert found["bilstm"].largest > 0.5
    assert found["hmm"].differing == 0


def test_features_that_the_script_does_not_know_are_refused(bundle: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(bundle, other)
    recipe = (other / "recipe.yaml").read_text("utf-8")
    (other / "recipe.yaml").write_text(recipe.replace("- mfcc", "- chroma"), "utf-8")
    with pytest.raises(ValueError, match="only energy, mel, mfcc, pitch with"):
        straightforward.load(other)


def test_a_clip_at_a_time_gives_the_labels_in_order(bundle: Path, clips: list[Path]) -> None:
    folder = clips[0].parent
    told = contestants.measure_script(contestants.script_command("single", bundle, folder))
    assert told.labels == emotions(sorted(folder.iterdir()))


def test_opensmile_tells_emotions_it_was_fitted_on(synthetic: Path, tmp_path: Path) -> None:
    pytest.importorskip("opensmile")
    files = sorted(synthetic.glob("*/*/*.wav"))[::2]
    clips = [(str(file), file.parts[-3]) for file in files]
    listed, table = tmp_path / "list.json", tmp_path / "table.npz"
    listed.write_text(json.dumps(clips), "utf-8")
    measure(contestants.script_command("opensmile_svm", "table", table, listed))
    with np.load(table) as stored:
        assert stored["functionals"].shape == (len(files), 88)
        assert np.isfinite(stored["functionals"]).all()
    folder = tmp_path / "clips"
    folder.mkdir()
    for number, file in enumerate(files[::5]):
        (folder / f"{number}.wav").symlink_to(file)
    for path in (folder, folder / "1.wav"):
        result = contestants.measure_script(
            contestants.script_command("opensmile_svm", "label", table, path)
        )
        expected = [emotion for _, emotion in clips[::5]]
        assert result.labels == (expected if path == folder else expected[1:2])
        assert 0 < result.seconds <= result.cost.seconds
