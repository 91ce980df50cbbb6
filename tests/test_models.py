"""The models that ship: whole, small, honest about what they were trained on, and ready to use."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bilstm_hmm.data.corpora.registry import CORPORA
from bilstm_hmm.features.encoder.store import find_encoder
from bilstm_hmm.features.settings.encoder_catalogue import WHISPER_TINY

import bilstm_hmm
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.bundle_files import CARD, MANIFEST, METRICS, read_bundle, write_bundle
from bilstm_hmm.inference.model import Model
from bilstm_hmm.prediction import NO_SPEECH

ROOT = Path(__file__).parents[1]
SAMPLES = sorted((ROOT / "samples").glob("*.wav"))
README = (ROOT / "samples" / "README.md").read_text("utf-8")
TIMELINE = "synthetic_timeline.wav"
SIX = ("neutral", "happy", "sad", "angry", "fearful", "disgust")
ALL = {"ravdess", "crema-d", "tess", "emodb"}
SHIPPED = {
    "default": ((*SIX, "surprised"), {*ALL, "nemo"}),
    "open": (SIX, {"crema-d", "emodb"}),
    "accurate": ((*SIX, "surprised"), {*ALL, "nemo"}),
    "open-accurate": (SIX, {"crema-d", "emodb"}),
}
MEGABYTES = {"default": 4, "open": 4, "accurate": 2, "open-accurate": 2}
ENCODED = ("accurate", "open-accurate")


@pytest.fixture(scope="module", params=SHIPPED)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def bundle(name: str) -> Bundle:
    return read_bundle(ROOT / "models" / name)


@pytest.fixture(scope="module")
def model(name: str) -> Model:
    """Loading it verifies every checksum of what it loads."""
    if name in ENCODED and find_encoder(WHISPER_TINY.sha256) is None:
        pytest.skip("its encoder was not fetched")
    return bilstm_hmm.load(ROOT / "models" / name)


@pytest.fixture(scope="module")
def metrics(name: str) -> dict[str, Any]:
    return dict(json.loads((ROOT / "models" / name / METRICS).read_text("utf-8")))


def test_it_is_small(name: str) -> None:
    files = [path for path in (ROOT / "models" / name).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= MEGABYTES[name] * 1_000_000
    assert {"network.onnx", "network.keras"} <= {path.name for path in files}


def test_it_is_whole(name: str) -> None:
    """Also what labelling has no use for, such as the Keras network."""
    folder = ROOT / "models" / name
    sums = json.loads((folder / MANIFEST).read_text("utf-8"))["sha256"]
    assert {*sums, MANIFEST, CARD} == {path.name for path in folder.iterdir()}
    for file, told in sums.items():
        assert hashlib.sha256((folder / file).read_bytes()).hexdigest() == told


def test_its_arrays_keep_their_names_when_it_is_written_again(
    name: str, bundle: Bundle, tmp_path: Path
) -> None:
    """What fields are called in the code is nothing to a file."""
    folder = ROOT / "models" / name
    write_bundle(tmp_path / "again", bundle)
    for archive in ("hmm.npz", "decision.npz", "features.npz"):
        with np.load(folder / archive) as before, np.load(tmp_path / "again" / archive) as after:
            assert after.files == before.files
            for key in before.files:
                np.testing.assert_array_equal(after[key], before[key], strict=True)


def test_it_labels_the_samples(name: str, model: Model) -> None:
    assert model.classes == SHIPPED[name][0]
    assert SAMPLES
    for sample in SAMPLES:
        said = model.predict(sample)
        assert said.emotion in model.classes
        assert sum(said.probabilities.values()) == pytest.approx(1.0)
        assert said.segments


def test_the_default_is_sure_of_the_samples_and_right() -> None:
    """They were picked for that, with margins that no processor's rounding crosses."""
    model = bilstm_hmm.load(ROOT / "models" / "default")
    rows = re.findall(r"^\| `(.*)` \|.* \| (\w+), (\d.\d\d) \|$", README, re.MULTILINE)
    assert [name for name, *_ in rows] == [f"synthetic_{e}.wav" for _, e, _ in rows]
    assert {name for name, *_ in rows} == {path.name for path in SAMPLES} - {TIMELINE}
    for name, emotion, confidence in rows:
        prediction = model.predict(ROOT / "samples" / name)
        assert prediction.emotion == emotion
        assert prediction.confidence == pytest.approx(float(confidence), abs=0.01)
        others = (p for e, p in prediction.probabilities.items() if e != emotion)
        assert prediction.confidence > max(others) + 0.3
    turns = re.findall(r"^\| ([\d.]+) to ([\d.]+) s (\w+), ([\d.]+) \|$", README, re.MULTILINE)
    found = model.predict(ROOT / "samples" / TIMELINE).segments
    segments = [segment for segment in found if segment.emotion != NO_SPEECH]
    assert [segment.emotion for segment in segments] == [turn[2] for turn in turns]
    for segment, (start, end, _, confidence) in zip(segments, turns, strict=True):
        assert segment.start == pytest.approx(float(start), abs=0.1)
        assert segment.end == pytest.approx(float(end), abs=0.1)
        assert segment.confidence == pytest.approx(float(confidence), abs=0.02)


def labels_by(bundle: Bundle) -> str:
    return bundle.recipe.decision.system


def test_its_figures_are_of_speakers_it_does_not_know(
    bundle: Bundle, metrics: dict[str, Any]
) -> None:
    assert metrics["protocol"] == "out-of-fold"
    assert metrics["speaker_independent"]
    widened = bundle.recipe.decision.temperature > 1.0  # less sure of these, for others
    assert metrics["systems"][labels_by(bundle)]["ece"] <= (0.12 if widened else 0.08)


def test_its_card_says_what_holds(name: str, bundle: Bundle, metrics: dict[str, Any]) -> None:
    card = (ROOT / "models" / name / CARD).read_text("utf-8")
    assert bundle.model_id in card
    for system, figures in metrics["systems"].items():
        assert f"| {system} | {figures['ua']:.1f} |" in card
    assert f"Labels by the system `{labels_by(bundle)}`" in card
    trained_on = SHIPPED[name][1]
    for corpus, source in CORPORA.items():
        assert (f"(`{corpus}`); licence: {source.licence}" in card) == (corpus in trained_on)
    allowed = all(CORPORA[corpus].commercial for corpus in trained_on)
    assert ("Commercial use: allowed" in card) == allowed == name.startswith("open")
    assert (WHISPER_TINY.sha256 in card) == (name in ENCODED)


def test_the_readme_has_its_figure(name: str, bundle: Bundle, metrics: dict[str, Any]) -> None:
    system = labels_by(bundle)
    figures = metrics["systems"][system]
    low, high = figures["ua_interval"]
    (row,) = [
        line
        for line in (ROOT / "README.md").read_text("utf-8").splitlines()
        if line.startswith(f"| `{name}`")
    ]
    if metrics.get("inner_split") == "corpora":
        of_corpora = metrics["by_corpus"][system].values()
        ua, ece = (np.mean([scores[key] for scores in of_corpora]) for key in ("ua", "ece"))
        assert f"unknown corpora: {ua:.1f}, ECE {ece:.3f} (means of {len(of_corpora)})" in row
        return
    assert f"{figures['ua']:.1f} [{low:.1f}, {high:.1f}]" in row
    assert f"ECE {figures['ece']:.3f}" in row
