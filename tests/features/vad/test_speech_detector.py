import numpy as np
import pytest
from bilstm_hmm.data.synthesis.corpus import synthesise
from bilstm_hmm.data.synthesis.sounds import make_sound
from bilstm_hmm.features.frames import FloatArray
from bilstm_hmm.features.vad.detector import SpeechDetector, SpeechFrames
from bilstm_hmm.features.vad.segmenter import SpeechSegmenter
from hypothesis import given, settings
from hypothesis import strategies as st

RATE = 16000


def detect(samples: FloatArray, sizes: list[int] | None = None) -> SpeechFrames:
    detector = SpeechDetector(RATE, 35.0)
    parts = [detector.push(block) for block in np.split(samples, np.cumsum(sizes or []))]
    parts.append(detector.flush())
    return SpeechFrames(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in SpeechFrames.__slots__
        )
    )


@pytest.fixture(scope="module")
def recording() -> FloatArray:
    """A hum, a voice after 3 s, and knocks behind it."""
    rng = np.random.default_rng(2)
    hum, knocks = (0.2 * make_sound(kind, rng, 3 * RATE, RATE) for kind in ("hum", "knocks"))
    return np.concatenate([hum, synthesise("neutral", 1, 1), knocks]).astype(np.float32)


def test_a_voice_is_told_from_other_sound(recording: FloatArray) -> None:
    found = detect(recording)
    voice = slice(300, len(found.is_speech) - 300)
    assert len(found.is_speech) == len(recording) // 160
    assert found.is_speech[voice].mean() > 0.5
    assert found.is_speech[:280].mean() < 0.05
    assert found.is_speech[voice.stop + 20 :].mean() < 0.05
    assert (found.is_certain <= found.is_speech).all()


def test_by_level_all_that_is_loud_is_speech(recording: FloatArray) -> None:
    detector = SpeechDetector(RATE, 35.0, by_level=True)
    frames = detector.push(recording[:RATE])
    assert frames.is_speech.any()
    assert (frames.is_certain == frames.is_speech).all()


@given(sizes=st.lists(st.integers(0, 20_000), max_size=10))
@settings(max_examples=20)
def test_blocks_of_any_size_give_the_same(recording: FloatArray, sizes: list[int]) -> None:
    whole, cut = detect(recording), detect(recording, sizes)
    for name in SpeechFrames.__slots__:
        np.testing.assert_array_equal(getattr(whole, name), getattr(cut, name))


@pytest.mark.parametrize("seconds", [0.0, 0.004, 0.02, 0.3])
def test_short_recordings_are_judged_to_the_end(seconds: float) -> None:
    samples = np.full(round(seconds * RATE), 0.1, np.float32)
    assert len(detect(samples).is_speech) == len(samples) // 160


def test_segments_hold_the_voice_alone(recording: FloatArray) -> None:
    segmenter = SpeechSegmenter(SpeechDetector(RATE, 35.0), 0.35, 0.15, 4.0)
    segments = [*segmenter.push(recording), *segmenter.flush()]
    assert segments
    for segment in segments:
        assert segment.start > 2.5 * RATE
        assert segment.start + len(segment.samples) < len(recording) - 2.5 * RATE
