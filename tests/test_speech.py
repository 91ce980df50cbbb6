"""What ships, on silence, on sounds that nobody speaks, and on real speech where it is at hand."""

import os
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from bilstm_hmm.data.audio_files import audio_files
from bilstm_hmm.data.synthesis.sounds import make_sound
from bilstm_hmm.features.audio.reading import read_audio

import bilstm_hmm
from bilstm_hmm.inference.model import Model
from bilstm_hmm.prediction import NO_SPEECH, Prediction

RATE = 16000


@pytest.fixture(scope="module", params=["default", "open"])
def shipped(request: pytest.FixtureRequest) -> Model:
    return bilstm_hmm.load(request.param)


def assert_no_speech(answer: Prediction) -> None:
    assert answer.emotion is None
    assert answer.confidence is None
    assert answer.probabilities == {}
    assert [segment.emotion for segment in answer.segments] == [NO_SPEECH]


def test_silence_has_no_emotion(shipped: Model) -> None:
    rng = np.random.default_rng(0)
    for seconds in (0.5, 5.0, 12.0, 70.0):
        count = round(seconds * RATE)
        assert_no_speech(shipped.predict(np.zeros(count, np.float32), RATE))
        # The last bit of a converter.
        dither = rng.integers(-1, 2, count).astype(np.int16)
        assert_no_speech(shipped.predict(dither, RATE))


@pytest.mark.parametrize("kind", ["noise", "band noise", "hum", "bells"])
def test_sounds_that_nobody_speaks_have_no_emotion(shipped: Model, kind: str) -> None:
    for seed in range(3):
        sound = make_sound(kind, np.random.default_rng([9, seed]), 5 * RATE, RATE)
        assert_no_speech(shipped.predict(sound, RATE))


def real_clips() -> list[Path]:
    root = os.environ.get("EMOTION_CORPORA")
    if root is None:
        return []
    folders = (Path(root) / name for name in ("crema-d", "emodb", "ravdess", "nemo"))
    return [file.path for folder in folders for file in islice(audio_files(folder), 100, 1000, 300)]


@pytest.mark.skipif(not real_clips(), reason="EMOTION_CORPORA names no folder of corpora")
def test_silence_around_real_speech_changes_nothing(shipped: Model) -> None:
    for number, path in enumerate(real_clips()):
        samples = read_audio(path).samples
        alone = shipped.predict(samples, RATE)
        assert alone.emotion is not None, path
        rng = np.random.default_rng(number)
        level = np.float32(1e-4 * (number % 2))
        around = [level * rng.standard_normal(n) for n in rng.integers(0, 60 * RATE, 2)]
        padded = np.concatenate([around[0], samples, around[1]]).astype(np.float32)
        found = shipped.predict(padded, RATE)
        assert found.emotion == alone.emotion, path
        for emotion, probability in alone.probabilities.items():
            assert found.probabilities[emotion] == pytest.approx(probability, abs=0.05), path


def test_what_dies_away_is_no_reverberant_speech_where_nobody_speaks(shipped: Model) -> None:
    times = np.arange(6 * 16000) / 16000
    notes = sum(np.sin(2 * np.pi * pitch * times) for pitch in (131.0, 165.0, 196.0))
    said = shipped.predict((0.15 * notes * np.exp(-times)).astype(np.float32), 16000)
    assert said.emotion is None
    assert not any("speech dies away" in warning for warning in said.warnings)
