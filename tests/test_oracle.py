"""The oracle keeps what `tests.oracle` promises, by margins that no rounding crosses."""

from itertools import pairwise

import numpy as np
import pytest

from bilstm_hmm.inference.model import Model
from bilstm_hmm.prediction import NO_SPEECH
from tests.oracle import EMOTIONS, RATE, SPEAKERS, TAKES, emotions_of, say, talk


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_what_is_said_is_what_is_labelled(model: Model, emotion: str) -> None:
    assert model.classes == EMOTIONS
    for speaker in range(SPEAKERS):
        for take in range(TAKES):
            scores = model.score(say(emotion, speaker, take))
            for system, probabilities in model.probabilities_by_system(scores).items():
                best, *others = sorted(probabilities, reverse=True)
                assert EMOTIONS[int(probabilities.argmax())] == emotion, system
                assert 0.6 < best < 0.99
                assert max(others) < 0.2


def test_silence_would_be_the_first_emotion(model: Model) -> None:
    scores = model.score(np.zeros(RATE, np.float32))
    first, *others = model.probabilities_by_system(scores)["hybrid"]
    assert first - max(others) > 0.02


def test_segments_end_where_emotions_do(model: Model) -> None:
    parts = ("happy", "sad", 0.3, "sad", 3.0, "angry", "fearful", 0.2, "neutral")
    said = model.predict(talk(*parts), RATE).segments
    assert emotions_of(said) == ["happy", "sad", NO_SPEECH, "angry", "fearful", "neutral"]
    assert all(segment.confidence > 0.5 for segment in said)
    lengths = [
        part if isinstance(part, float) else len(say(part, 1, place)) / RATE
        for place, part in enumerate(parts)
    ]
    ends = np.cumsum(lengths)
    boundaries = [ends[0], ends[3], ends[4], ends[5], ends[6] + 0.1]
    for (one, other), boundary in zip(pairwise(said), boundaries, strict=True):
        assert one.end == other.start == pytest.approx(boundary, abs=0.2)
