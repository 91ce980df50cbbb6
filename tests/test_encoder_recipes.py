"""A recipe with an encoder, from the command to a label: nothing else knows that it has one."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from bilstm_hmm.features.errors import EncoderError

from bilstm_hmm.cli.runs import ENCODER_HINT
from bilstm_hmm.config.loading import load_recipe
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference.model import load

#: Two layers of the tiny encoder, and the columns of the other streams beside them.
WITH_ENCODER = (
    "features={streams: [encoder, energy], trim_db: null, encoder: {model: %s, taps: [states_1, "
    "states_2], width: 6, window: 1.0}}"
)
SETS = (
    "augmentation={vocal_tract: {probability: 0.0}, speed: {probability: 1.0}, copies: 1, "
    "mixup: 0.3}",
    "network={family: bilstm, stack: 4, units: [4]}",
    "training={epochs: 1, batch_size: 90}",
)


def sets(encoder: Path) -> list[str]:
    return [part for text in (WITH_ENCODER % encoder, *SETS) for part in ("--set", text)]


@dataclass(frozen=True)
class Trained:
    """A model with an encoder, its run's folder, the encoder's file and the cache it used."""

    folder: Path
    encoder: Path
    cache: Path


@pytest.fixture(scope="session")
def with_encoder(
    tmp_path_factory: pytest.TempPathFactory,
    tiny: Path,
    command: Callable[..., object],
    make_encoder: Callable[..., Path],
) -> Trained:
    home = tmp_path_factory.mktemp("with_encoder")
    made = Trained(home / "run", make_encoder(home / "tiny.onnx"), home / "cache")
    done = command(
        "train.py",
        *("--config", tiny, "--output", made.folder, *sets(made.encoder)),
        train=True,
        XDG_CACHE_HOME=str(made.cache),
    )
    assert done.returncode == 0, done.stderr
    assert ENCODER_HINT not in done.stdout
    return made


@pytest.fixture
def cache(
    with_encoder: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Path]:
    """Use a copy of the cache of the training, and no encoder that is open already."""
    copied = tmp_path / "cache"
    shutil.copytree(with_encoder.cache, copied)
    monkeypatch.setenv("XDG_CACHE_HOME", str(copied))
    monkeypatch.setattr("bilstm_hmm.features.encoder.model._encoders", {})
    return copied / "bilstm-hmm" / "encoders"


def test_a_bundle_names_its_encoder_and_does_not_hold_it(with_encoder: Trained) -> None:
    bundle = with_encoder.folder / "bundle"
    encoder = yaml.safe_load((bundle / "recipe.yaml").read_text("utf-8"))["features"]["encoder"]
    assert encoder["model"] == "tiny.onnx"
    assert len(encoder["sha256"]) == 64
    held = b"".join(path.read_bytes() for path in bundle.iterdir())
    assert b"states_1" in held  # the tap, in the recipe
    assert b"tanh_1" not in held  # a value inside its graph
    assert json.loads((bundle / "metrics.json").read_text("utf-8"))["systems"]


def test_predicting_needs_the_cache_alone(
    with_encoder: Trained, recording: Path, command: Callable[..., object]
) -> None:
    moved = with_encoder.encoder.with_suffix(".moved")
    with_encoder.encoder.rename(moved)
    try:
        done = command(
            "predict.py",
            *("--model", with_encoder.folder, "--file", recording, "--format", "json"),
            XDG_CACHE_HOME=str(with_encoder.cache),
        )
    finally:
        moved.rename(with_encoder.encoder)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["segments"]


def test_files_together_and_alone_get_the_same(
    with_encoder: Trained, synthetic: Path, cache: Path
) -> None:
    model = load(with_encoder.folder)
    files = sorted(synthetic.rglob("*.wav"))[:5]
    for together, file in zip(model.predict_many(files), files, strict=True):
        alone = model.predict(file)
        assert together.probabilities == pytest.approx(alone.probabilities, abs=1e-5)


def test_a_long_recording_has_a_timeline(
    with_encoder: Trained, recording: Path, cache: Path
) -> None:
    model = load(with_encoder.folder)
    samples, rate = soundfile.read(recording, dtype="float32")
    long = np.tile(samples, int(70 * rate / len(samples)))
    found = model.predict(long, rate)
    assert found.segments[-1].end == pytest.approx(len(long) / rate, abs=0.2)
    assert sum(found.probabilities.values()) == pytest.approx(1.0)


def test_a_missing_encoder_is_one_sentence(
    with_encoder: Trained,
    recording: Path,
    tmp_path: Path,
    command: Callable[..., object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bilstm_hmm.features.encoder.model._encoders", {})
    done = command(
        "predict.py",
        *("--model", with_encoder.folder, "--file", recording),
        XDG_CACHE_HOME=str(tmp_path / "empty"),
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "python -m bilstm_hmm encoders fetch tiny.onnx --from FILE" in done.stderr
    assert not (tmp_path / "empty" / "bilstm-hmm").exists()


def test_another_version_of_the_encoder_is_one_sentence(
    with_encoder: Trained, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(cache)
    # A file of that name lies where the prediction runs, but it is another one.
    monkeypatch.chdir(tmp_path)
    Path("tiny.onnx").write_bytes(with_encoder.encoder.read_bytes() + b"\0")
    with pytest.raises(EncoderError, match=r"tiny.onnx is another version of the encoder"):
        load(with_encoder.folder)
    assert not cache.exists()
    # And the one that was meant, brought back, is taken again.
    Path("tiny.onnx").write_bytes(with_encoder.encoder.read_bytes())
    assert load(with_encoder.folder).classes


@pytest.mark.parametrize("name", ["train.py", "evaluate.py"])
def test_training_without_the_encoder_is_one_sentence_and_leaves_no_run(
    tiny: Path, tmp_path: Path, command: Callable[..., object], name: str
) -> None:
    done = command(
        name,
        *("--config", tiny, "--output", tmp_path / "run"),
        *(
            "--set",
            "features.streams=[encoder]",
            "--set",
            "augmentation={vocal_tract: {probability: 0.0}}",
        ),
        XDG_CACHE_HOME=str(tmp_path / "empty"),
    )
    assert done.returncode == 2
    assert done.stderr.startswith("The encoder whisper-tiny is not on this machine; add --yes to")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("decision.warps=[0.9,1.0]", "decision.warps: an encoder has no filter banks to warp"),
        ("augmentation.vocal_tract.probability=0.5", "vocal_tract: .* use speed or pitch_shift"),
        ("features.encoder.taps=[9]", r"features.encoder: taps of whisper-tiny are layers 1 to 4"),
    ],
)
def test_what_no_encoder_can_do_is_refused_by_the_recipe(override: str, words: str) -> None:
    with pytest.raises(ToolkitError, match=words):
        load_recipe("encoder_bilstm_hmm.yaml", [override])


def test_a_recipe_with_a_path_is_pinned_when_it_is_read(
    tmp_path: Path, make_encoder: Callable[..., Path]
) -> None:
    path = make_encoder(tmp_path / "tiny.onnx")
    recipe = load_recipe("encoder_bilstm_hmm.yaml", [WITH_ENCODER % path])
    assert recipe.features.encoder.sha256 is not None
    with pytest.raises(EncoderError, match=r"neither a file or folder that exists"):
        load_recipe("encoder_bilstm_hmm.yaml", [WITH_ENCODER % "/nowhere.onnx"])


def test_prediction_without_an_encoder_loads_nothing_of_it(oracle: Path, recording: Path) -> None:
    import subprocess
    import sys

    program = (
        "import sys, bilstm_hmm\nbilstm_hmm.load(sys.argv[1]).predict(sys.argv[2])\n"
        "print({'bilstm_hmm.features.encoder.model', 'bilstm_hmm.features.encoder.whisper_mel'} "
        "& set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(oracle), str(recording)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    assert done.stdout == "set()\n"
