"""The running median of posteriors, against the definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm.timeline.median_filter import median_filter, median_labels


@given(seed=st.integers(0, 1000), frames=st.integers(1, 60), half=st.integers(0, 12))
@settings(deadline=None, max_examples=40)
def test_each_frame_gets_the_median_around_it(seed: int, frames: int, half: int) -> None:
    posteriors = np.random.default_rng(seed).dirichlet(np.ones(3), frames)
    padded = np.pad(posteriors, ((half, half), (0, 0)), mode="edge")
    expected = [np.median(padded[t : t + 2 * half + 1], axis=0) for t in range(frames)]
    found = median_filter(posteriors, 10.0, (2 * half + 1) / 10.0)
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize(("width", "frames"), [(0.01, 1), (0.1, 1), (0.3, 3), (0.39, 3), (1.0, 9)])
def test_a_width_is_the_nearest_odd_number_of_frames(width: float, frames: int) -> None:
    """A pulse lives where it fills more than half of the filter."""
    for pulse in range(1, 12):
        track = np.zeros((41, 1))
        track[20 : 20 + pulse] = 1.0
        expected = track if pulse > frames // 2 else np.zeros_like(track)
        np.testing.assert_array_equal(median_filter(track, 10.0, width), expected)


def test_a_flicker_is_smoothed_away() -> None:
    frame = np.tile(np.array([[2.0, 0.0]], np.float32), (50, 1))
    frame[[10, 30, 31]] = [0.0, 2.0]
    assert median_labels(frame, 10.0, 0.1).sum() == 3
    assert median_labels(frame, 10.0, 0.3).sum() == 2
    assert median_labels(frame, 10.0, 0.5).sum() == 0
