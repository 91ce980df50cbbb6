import numpy as np
import pytest
from bilstm_hmm.features.audio.level import ENVELOPE_LOOKAHEAD
from bilstm_hmm.features.frames import FloatArray
from bilstm_hmm.features.vad.detector import SpeechDetector
from bilstm_hmm.features.vad.energy import FRAME_SECONDS
from bilstm_hmm.features.vad.segmenter import SPEECH_PAD, SpeechSegment, SpeechSegmenter
from hypothesis import given, settings
from hypothesis import strategies as st

RATE = 8000


def noise(*parts: tuple[float, float], seed: int = 0) -> FloatArray:
    """Noise of given seconds and amplitude, one part after the other."""
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [amplitude * rng.standard_normal(round(seconds * RATE)) for seconds, amplitude in parts]
    ).astype(np.float32)


def new_segmenter(max_duration: float = 2.0, at_max: float = 0.15) -> SpeechSegmenter:
    """By the level alone: what is loud is speech here."""
    detector = SpeechDetector(RATE, 35.0, by_level=True)
    return SpeechSegmenter(detector, 0.15, at_max, max_duration)


def segment(samples: FloatArray, max_duration: float = 2.0) -> list[SpeechSegment]:
    segmenter = new_segmenter(max_duration)
    return segmenter.push(samples) + segmenter.flush()


def times(segments: list[SpeechSegment]) -> list[tuple[float, float]]:
    return [(s.start / RATE, (s.start + len(s.samples)) / RATE) for s in segments]


def test_segments_end_at_pauses() -> None:
    segments = segment(noise((0.5, 0.0), (1.0, 0.1), (0.3, 0.0), (0.8, 0.2), (0.5, 0.0)))
    np.testing.assert_allclose(
        times(segments),
        # Behind a segment no more than the silence that ended it, before one what is left of it.
        [(0.5 - SPEECH_PAD, 1.5 + 0.15), (1.8 - 0.15, 2.6 + 0.15)],
        atol=1e-9,
    )


def test_a_short_pause_is_part_of_the_segment() -> None:
    assert len(segment(noise((0.6, 0.1), (0.13, 0.0), (0.6, 0.1)))) == 1
    assert len(segment(noise((0.6, 0.1), (0.16, 0.0), (0.6, 0.1)))) == 2


def test_the_longer_a_segment_the_shorter_the_pause_that_ends_it() -> None:
    def pause_that_ends(speech: float) -> float:
        for pause in np.arange(0.04, 0.16, 0.01):
            segmenter = new_segmenter(2.0, at_max=0.05)
            samples = noise((speech, 0.1), (pause, 0.0), (0.3, 0.1))
            if len(segmenter.push(samples) + segmenter.flush()) == 2:
                return float(pause)
        return np.inf

    pauses = [pause_that_ends(speech) for speech in (0.3, 1.0, 1.6)]
    assert pauses == pytest.approx([0.14, 0.10, 0.07], abs=0.015)


def test_a_click_is_no_segment() -> None:
    assert segment(noise((0.5, 0.0), (0.05, 0.5), (0.5, 0.0))) == []
    assert segment(np.zeros(3 * RATE, np.float32)) == []
    assert segment(np.zeros(0, np.float32)) == []


def test_long_speech_is_cut_where_it_is_quietest() -> None:
    intervals = times(segment(noise((1.4, 0.1), (0.05, 0.02), (1.4, 0.1))))
    assert len(intervals) == 2
    assert intervals[0][1] == pytest.approx(1.425, abs=0.03)
    assert intervals[1][0] == intervals[0][1]
    assert intervals[1][1] == pytest.approx(2.85, abs=FRAME_SECONDS)


def test_speech_without_any_pause_is_cut_all_the_same() -> None:
    samples = noise((4.8, 0.1))
    segments = segment(samples, max_duration=1.0)
    assert all(0.5 * RATE <= len(s.samples) <= RATE for s in segments[:-1])
    np.testing.assert_array_equal(np.concatenate([s.samples for s in segments]), samples)


@given(
    seed=st.integers(0, 1000),
    size=st.integers(100, 5000),
    max_duration=st.sampled_from([0.5, 1.0, 2.0]),
)
@settings(deadline=None, max_examples=40)
def test_segments_are_parts_of_the_recording_however_it_comes(
    seed: int, size: int, max_duration: float
) -> None:
    rng = np.random.default_rng(seed)
    parts = [(rng.uniform(0.02, 1.0), rng.choice([0.0, 0.02, 0.1])) for _ in range(12)]
    samples = noise(*parts, seed=seed)
    max_samples = (max_duration + SPEECH_PAD) * RATE
    segmenter, segments = new_segmenter(max_duration), []
    for first in range(0, len(samples), size):
        segments += segmenter.push(samples[first : first + size])
        n_pushed = min(first + size, len(samples))
        assert n_pushed - segmenter.n_processed < round(
            (ENVELOPE_LOOKAHEAD + 2 * FRAME_SECONDS) * RATE
        )
        current = segmenter.current_segment()
        if current is not None:
            assert segmenter.in_speech
            start, length = current.start, len(current.samples)
            np.testing.assert_array_equal(current.samples, samples[start:][:length])
            assert length <= max_samples
    segments += segmenter.flush()
    assert times(segments) == times(segment(samples, max_duration))
    previous_end = 0
    for one_segment in segments:
        assert previous_end <= one_segment.start
        previous_end = one_segment.start + len(one_segment.samples)
        np.testing.assert_array_equal(
            one_segment.samples, samples[one_segment.start : previous_end]
        )
        assert len(one_segment.samples) <= max_samples


def test_the_buffer_does_not_grow() -> None:
    segmenter = new_segmenter()
    silence = np.zeros(RATE, np.float32)
    for _ in range(60):
        segmenter.push(silence)
    size_in_silence = len(segmenter._buffer)
    for second in range(60):
        segmenter.push(noise((1.0, 0.1), seed=second))
    assert size_in_silence < (SPEECH_PAD + 0.5) * RATE
    assert len(segmenter._buffer) < 3.0 * RATE
