from itertools import pairwise

import numpy as np
import pytest
from bilstm_hmm.features.windows import overlap_add, window_starts
from hypothesis import given
from hypothesis import strategies as st


@given(st.integers(1, 500), st.integers(2, 80), st.data())
def test_windows_lie_on_a_grid_and_cover_everything(count, size, data):
    step = data.draw(st.integers(1, size))
    starts = window_starts(count, size, step)
    covered = {frame for start in starts for frame in range(start, start + size)}
    assert set(range(count)) <= covered
    assert starts == sorted(set(starts))
    assert all(start % step == 0 for start in starts[:-1])
    if count > size:
        assert max(covered) == count - 1


@given(st.integers(1, 300), st.integers(4, 60), st.integers(0, 9))
def test_windows_that_agree_are_the_whole(count, size, seed):
    whole = np.random.default_rng(seed).normal(size=(max(count, size), 2)).astype(np.float32)
    starts = window_starts(len(whole), size, size * 5 // 8)
    parts = [whole[start : start + size] for start in starts]
    np.testing.assert_allclose(overlap_add(parts, starts), whole, atol=1e-5)


@pytest.mark.parametrize("count", [47, 90, 91, 120])
def test_windows_that_do_not_agree_are_faded_over(count):
    starts = window_starts(count, 40, 25)
    parts = [np.full((40, 1), level, dtype=np.float32) for level in range(len(starts))]
    faded = overlap_add(parts, starts)[:, 0]
    assert len(faded) == count
    assert faded[0] == 0.0
    assert faded[-1] == len(starts) - 1
    steps = np.diff(faded)
    overlap = min(a + 40 - b for a, b in pairwise(starts))
    assert (steps >= 0.0).all()
    assert steps.max() <= 2.0 / overlap
