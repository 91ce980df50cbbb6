import numpy as np
import pytest
from bilstm_hmm.features.vad.trimming import trim_silence
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize("top_db", [20.0, 40.0, 60.0])
@pytest.mark.parametrize(("before", "after"), [(0, 0), (3000, 0), (517, 9000), (40000, 40000)])
def test_the_indices_are_librosas(voice, before, after, top_db):
    import librosa

    hiss = np.random.default_rng(1).standard_normal(before + len(voice) + after) * 1e-5
    padded = (hiss + np.pad(voice, (before, after))).astype(np.float32)
    for frame_length, hop in ((2048, 512), (400, 160)):
        _, expected = librosa.effects.trim(
            padded, top_db=top_db, frame_length=frame_length, hop_length=hop
        )
        assert trim_silence(padded, top_db, frame_length, hop) == tuple(expected)


@pytest.mark.parametrize("n", [1, 100, 5000])
def test_silence_is_left_whole(n):
    assert trim_silence(np.zeros(n, np.float32), 40.0, 400, 160) == (0, n)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 3000), st.integers(0, 10**6), st.floats(1.0, 100.0))
def test_what_is_left_is_never_empty_and_holds_the_loudest_frame(n, seed, top_db):
    rng = np.random.default_rng(seed)
    samples = (rng.standard_normal(n) * np.exp(rng.uniform(-9, 0, n))).astype(np.float32)
    start, stop = trim_silence(samples, top_db, 200, 80)
    assert 0 <= start < stop <= n
    assert np.square(samples[start:stop]).sum() > 0.0
