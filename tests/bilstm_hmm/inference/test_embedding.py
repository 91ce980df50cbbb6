"""A recording as one vector: the oracle's hidden states say which emotion is in the sound."""

from pathlib import Path

import numpy as np
import pytest
from bilstm_hmm.features.audio.reading import read_audio
from bilstm_hmm.features.errors import AudioError

from bilstm_hmm.inference.model import Model
from tests.oracle import EMOTIONS, RATE, say, talk


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_an_utterance_is_the_mean_of_its_hidden_states(model: Model, emotion: str) -> None:
    vector = model.embed(say(emotion), RATE)
    (hidden,) = model.scorer.hidden_states([say(emotion)])
    assert vector.dtype == np.float32
    # Framed from its first sound, which the clip is not.
    np.testing.assert_allclose(vector, hidden.mean(axis=0), atol=0.01)
    # Forwards and backwards, a unit an emotion comes first.
    units = vector.reshape(2, -1)[:, : len(EMOTIONS)]
    assert {*units.argmax(axis=1)} == {EMOTIONS.index(emotion)}


def test_a_file_is_embedded_as_its_samples_are(model: Model, recording: Path) -> None:
    of_file, of_samples = model.embed(recording), model.embed(read_audio(recording).samples, RATE)
    np.testing.assert_array_equal(of_file, of_samples)


@pytest.mark.parametrize("silence", [12.0, 80.0])
def test_silence_does_not_count(model: Model, silence: float) -> None:
    """In a recording that is held whole, and in one that is read block by block."""
    spoken = model.embed(say("angry"), RATE)
    long = model.embed(talk(silence, "angry", silence), RATE)
    cosine = spoken @ long / np.linalg.norm(spoken) / np.linalg.norm(long)
    assert cosine > 0.99
    nobody = model.embed(talk("neutral"), RATE)
    assert cosine > spoken @ nobody / np.linalg.norm(spoken) / np.linalg.norm(nobody) + 0.1


def test_where_nobody_speaks_there_is_nothing_to_embed(model: Model) -> None:
    with pytest.raises(AudioError, match=r"^array holds no speech to embed; give one in which"):
        model.embed(np.zeros(15 * RATE, np.float32), RATE)
