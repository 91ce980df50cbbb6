"""One utterance or its phrases: what is scored does not depend on what lies around it."""

import numpy as np
import pytest
from bilstm_hmm.features.vad.segmenter import SpeechSegment
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.speech_cutter import ONSET_SHARE, PADDING, SpeechCutter, align_utterance
from tests.oracle import RATE, say, talk


@pytest.fixture(scope="module")
def recipe(model: Model) -> Recipe:
    return model.bundle.recipe


def cut(recipe: Recipe, samples: np.ndarray, size: int = 10**9) -> tuple[list[SpeechSegment], bool]:
    cutter, found = SpeechCutter(recipe), []
    for first in range(0, len(samples), size):
        found += cutter.push(samples[first : first + size])
    found += cutter.flush()
    return found, cutter.is_utterance


@given(before=st.integers(0, 5 * RATE), behind=st.integers(0, 5 * RATE))
@settings(max_examples=30)
def test_an_utterance_is_the_same_whatever_silence_is_around(
    recipe: Recipe, before: int, behind: int
) -> None:
    clip = say("sad")
    ((alone,), _) = cut(recipe, clip)
    ((found,), is_utterance) = cut(recipe, np.pad(clip, (before, behind)))
    assert is_utterance
    alone, found = (align_utterance(segment, RATE) for segment in (alone, found))
    assert found.start == alone.start + before
    np.testing.assert_array_equal(found.samples, alone.samples)


@pytest.mark.parametrize("size", [700, 16_000, 10**9])
@pytest.mark.parametrize("silence", [0.5, 70.0])
def test_blocks_of_any_size_give_the_same(recipe: Recipe, size: int, silence: float) -> None:
    samples = talk(silence, "happy", 0.4, "sad", silence, speaker=2)
    (expected, is_one), (found, is_one_too) = cut(recipe, samples), cut(recipe, samples, size)
    assert is_one
    assert is_one_too
    for one, other in zip(found, expected, strict=True):
        assert one.start == other.start
        np.testing.assert_array_equal(one.samples, other.samples)


def test_speech_beyond_a_window_is_cut_into_phrases(recipe: Recipe) -> None:
    window = recipe.window_frames / recipe.features.frame_rate
    samples = talk("happy", window, "sad", window, "angry")
    found, is_utterance = cut(recipe, samples)
    assert not is_utterance
    assert len(found) >= 3
    for segment in found:
        stop = segment.start + len(segment.samples)
        np.testing.assert_array_equal(segment.samples, samples[segment.start : stop])


def test_silence_is_nothing(recipe: Recipe) -> None:
    assert cut(recipe, np.zeros(20 * RATE, np.float32))[0] == []
    assert cut(recipe, np.zeros(0, np.float32))[0] == []


def test_hours_of_silence_are_not_held(recipe: Recipe) -> None:
    cutter = SpeechCutter(recipe)
    cutter.push(talk(1.0, "happy", 1.0))
    for _ in range(120):
        cutter.push(np.zeros(RATE, np.float32))
    assert len(cutter._buffer) < 20 * RATE


@given(lead=st.integers(0, 900), tail=st.integers(0, 900), rate=st.integers(1, 16000))
def test_alignment_goes_by_the_samples_alone(lead: int, tail: int, rate: int) -> None:
    padding = round(PADDING * rate)
    sound = np.array([ONSET_SHARE, -1.0, 0.3, ONSET_SHARE], np.float32)
    quiet = np.float32(0.5 * ONSET_SHARE)
    samples = np.concatenate([np.full(lead, quiet), sound, np.full(tail, quiet)])
    found = align_utterance(SpeechSegment(1000, samples), rate)
    assert found.start == 1000 + lead - padding
    assert len(found.samples) == len(sound) + 2 * padding
    np.testing.assert_array_equal(found.samples[padding : padding + 4], sound)
