import numpy as np
import pytest
from bilstm_hmm.features.frames import FloatArray
from bilstm_hmm.features.vad.detector import FRAME, LOOKAHEAD
from bilstm_hmm.features.vad.segmenter import SPEECH_PAD, SpeechSegment, SpeechSegmenter
from hypothesis import given, settings
from hypothesis import strategies as st

RATE = 8000


def sound(*parts: tuple[float, float], seed: int = 0) -> FloatArray:
    """Noise of given seconds and amplitude, one part after the other."""
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [amplitude * rng.standard_normal(round(seconds * RATE)) for seconds, amplitude in parts]
    ).astype(np.float32)


def cutter(pause: float = 0.15, longest: float = 2.0) -> SpeechSegmenter:
    return SpeechSegmenter(RATE, 35.0, pause, longest)


def cut(samples: FloatArray, longest: float = 2.0) -> list[SpeechSegment]:
    own = cutter(longest=longest)
    return own.push(samples) + own.flush()


def times(phrases: list[SpeechSegment]) -> list[tuple[float, float]]:
    return [(p.start / RATE, (p.start + len(p.samples)) / RATE) for p in phrases]


def test_phrases_end_at_pauses() -> None:
    found = times(cut(sound((0.5, 0.0), (1.0, 0.1), (0.3, 0.0), (0.8, 0.2), (0.5, 0.0))))
    np.testing.assert_allclose(
        found,
        [(0.5 - SPEECH_PAD, 1.5 + SPEECH_PAD), (1.8 - SPEECH_PAD, 2.6 + SPEECH_PAD)],
        atol=1e-9,
    )


def test_a_short_pause_is_part_of_the_phrase() -> None:
    assert len(cut(sound((0.6, 0.1), (0.13, 0.0), (0.6, 0.1)))) == 1
    assert len(cut(sound((0.6, 0.1), (0.16, 0.0), (0.6, 0.1)))) == 2


def test_a_click_is_no_phrase() -> None:
    assert cut(sound((0.5, 0.0), (0.05, 0.5), (0.5, 0.0))) == []
    assert cut(np.zeros(3 * RATE, np.float32)) == []
    assert cut(np.zeros(0, np.float32)) == []


def test_a_long_phrase_is_cut_where_it_is_quietest() -> None:
    found = times(cut(sound((1.4, 0.1), (0.05, 0.02), (1.4, 0.1))))
    assert len(found) == 2
    assert found[0][1] == pytest.approx(1.425, abs=0.03)
    assert found[1][0] == found[0][1]
    assert found[1][1] == pytest.approx(2.85, abs=FRAME)


def test_speech_without_any_pause_is_cut_all_the_same() -> None:
    samples = sound((4.8, 0.1))
    found = cut(samples, longest=1.0)
    assert all(0.5 * RATE <= len(p.samples) <= RATE for p in found[:-1])
    np.testing.assert_array_equal(np.concatenate([p.samples for p in found]), samples)


@given(
    seed=st.integers(0, 1000),
    size=st.integers(100, 5000),
    longest=st.sampled_from([0.5, 1.0, 2.0]),
)
@settings(deadline=None, max_examples=40)
def test_phrases_are_parts_of_the_recording_however_it_comes(
    seed: int, size: int, longest: float
) -> None:
    rng = np.random.default_rng(seed)
    parts = [(rng.uniform(0.02, 1.0), rng.choice([0.0, 0.02, 0.1])) for _ in range(12)]
    samples = sound(*parts, seed=seed)
    whole = cut(samples, longest)
    own, found = cutter(longest=longest), []
    for begun in range(0, len(samples), size):
        found += own.push(samples[begun : begun + size])
        heard = min(begun + size, len(samples))
        assert heard - own.judged < round((LOOKAHEAD + 2 * FRAME) * RATE)
        held = own.open()
        if held is not None:
            np.testing.assert_array_equal(held.samples, samples[held.start :][: len(held.samples)])
            assert len(held.samples) <= (longest + SPEECH_PAD) * RATE
    found += own.flush()
    assert times(found) == times(whole)
    last = 0
    for phrase in found:
        np.testing.assert_array_equal(
            phrase.samples, samples[phrase.start : phrase.start + len(phrase.samples)]
        )
        assert last <= phrase.start
        last = phrase.start + len(phrase.samples)
        assert len(phrase.samples) <= (longest + SPEECH_PAD) * RATE


def test_what_is_held_does_not_grow() -> None:
    own = cutter()
    silence = np.zeros(RATE, np.float32)
    for _ in range(60):
        own.push(silence)
    quiet = len(own._held)
    for second in range(60):
        own.push(sound((1.0, 0.1), seed=second))
    assert quiet < 0.5 * RATE
    assert len(own._held) < 3.0 * RATE
