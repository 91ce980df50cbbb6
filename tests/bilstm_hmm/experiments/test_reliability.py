"""When a model is right is fitted into a bundle that is there already."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bilstm_hmm.data.corpora.registry import corpus_at, scan_corpus

from bilstm_hmm.confidence.reliability import Reliability
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.experiments.reliability import (
    CONDITIONS_A_CLIP,
    add_reliability,
    degraded_examples,
    fit_temperature,
    read_judged_clips,
)
from bilstm_hmm.inference.bundle_files import CARD, read_bundle
from bilstm_hmm.inference.model import Model, load
from tests.oracle import EMOTIONS, RATE, say, write_corpus, write_oracle


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("corpus")
    write_corpus(root)
    return root


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_oracle(tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.fixture
def predictions(bundle: Path, corpus: Path, tmp_path: Path) -> Path:
    """What the oracle says of the corpus, as an evaluation writes it."""
    model, path = load(bundle), tmp_path / "predictions.csv"
    clips = scan_corpus(corpus_at(corpus).name, corpus).clips
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        columns = [f"hybrid {emotion}" for emotion in EMOTIONS]
        writer.writerow(["name", "speaker", "sex", "truth", "hybrid", *columns])
        for clip in clips:
            said = model.predict(clip.path)
            shares = said.probabilities.values()
            writer.writerow([clip.name, clip.speaker, "", clip.emotion, said.emotion, *shares])
    return path


def test_it_is_written_into_the_bundle_and_nothing_else_changes(
    bundle: Path, corpus: Path, predictions: Path
) -> None:
    before = {path.name: path.read_bytes() for path in bundle.iterdir()}
    known = add_reliability(bundle, predictions, {corpus_at(corpus).name: corpus})
    changed = {p.name for p in bundle.iterdir() if before[p.name] != p.read_bytes()}
    assert changed == {"bundle.json", "decision.npz"}
    assert CARD in before
    read = read_bundle(bundle)
    np.testing.assert_array_equal(
        read.reliability.risk_coverage.accuracy, known.risk_coverage.accuracy
    )
    model = load(bundle)
    said = model.predict(say("sad", 3), RATE, at_least=0.9)
    assert said.emotion == "sad"
    assert said.novelty < 1.0


def test_what_does_not_fit_is_refused_in_a_sentence(
    bundle: Path, predictions: Path, tmp_path: Path
) -> None:
    with pytest.raises(ToolkitError, match="None of the clips of oracle"):
        add_reliability(bundle, predictions, {})
    (tmp_path / "other.csv").write_text("name,truth\na,happy\n")
    with pytest.raises(ToolkitError, match=r"other\.csv: not the predictions of oracle"):
        read_judged_clips(tmp_path / "other.csv", read_bundle(bundle))


def test_clips_come_clean_and_degraded_with_their_labels(corpus: Path) -> None:
    clips = scan_corpus(corpus_at(corpus).name, corpus).clips
    found = list(degraded_examples(clips, EMOTIONS, RATE, limit=3))
    assert len(found) == 3 * (1 + CONDITIONS_A_CLIP)
    for first in range(0, len(found), 1 + CONDITIONS_A_CLIP):
        of_clip = found[first : first + 1 + CONDITIONS_A_CLIP]
        assert len({label for _, label in of_clip}) == 1
        assert len({samples.tobytes() for samples, _ in of_clip}) == len(of_clip)


def test_a_temperature_is_fitted_of_clips_of_any_quality(bundle: Path) -> None:
    model = load(bundle)
    rng = np.random.default_rng(0)
    clips = []
    for place, emotion in enumerate(EMOTIONS):
        for speaker in range(4):
            samples = say(emotion, speaker)
            noise = rng.normal(0.0, 0.3, len(samples)).astype(np.float32)
            clips += [(samples, place), (samples + noise, int(rng.integers(len(EMOTIONS))))]
    fitted = fit_temperature(model, clips)
    assert fitted.weights[0] > 0.2
    cautious = Model(replace(model.bundle, reliability=Reliability(temperature=fitted)))
    samples = say("sad") + rng.normal(0.0, 0.3, len(say("sad"))).astype(np.float32)
    one, other = (m.predict(samples, RATE) for m in (model, cautious))
    assert other.emotion == one.emotion
