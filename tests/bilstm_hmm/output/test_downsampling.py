from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm.output.downsampling import (
    downsample_curves,
    majority_intervals,
    mask_inside,
    time_per_label,
)
from bilstm_hmm.prediction import Curves, Segment

LABELS = ("happy", "sad", "no speech")


@st.composite
def timelines(draw: st.DrawFn) -> tuple[Segment, ...]:
    """Segments at tenths of a second within 20 s, some with holes between them."""
    cuts = sorted(draw(st.sets(st.integers(0, 200), min_size=1, max_size=15)))
    pairs = [pair for pair in pairwise(cuts) if draw(st.integers(0, 3))]
    return tuple(
        Segment(a / 10, b / 10, draw(st.sampled_from(LABELS)), draw(st.floats(0, 1)))
        for a, b in pairs
    )


def _said(segments: tuple[Segment, ...], time: float) -> str:
    return next((s.emotion for s in segments if s.start <= time < s.end), "")


@given(timelines())
@settings(deadline=None)
def test_shares_are_the_seconds_of_each_label(segments: tuple[Segment, ...]) -> None:
    edges = np.arange(0.0, 20.5, 0.5)
    found = time_per_label(segments, LABELS, edges)
    moments = (np.arange(200) + 0.5) / 10
    for row, label in zip(found, LABELS, strict=True):
        inside_it = [_said(segments, time) == label for time in moments]
        np.testing.assert_allclose(row, np.reshape(inside_it, (40, 5)).sum(axis=1) / 10, atol=1e-9)


@given(timelines())
@settings(deadline=None)
def test_fine_columns_keep_every_band(segments: tuple[Segment, ...]) -> None:
    found = majority_intervals(segments, 20.0, 200)
    for time in (np.arange(200) + 0.5) / 10:
        said = next((name for a, b, name in found if a <= time < b), "")
        assert said == _said(segments, time)
    ends = [(stop, name) for _, stop, name in found]
    starts = [(start, name) for start, _, name in found]
    assert not set(ends) & set(starts)  # alike that touch are one


def test_a_coarse_column_is_what_most_of_it_is() -> None:
    segments = (
        Segment(0.0, 0.4, "happy", 1.0),
        Segment(0.4, 1.0, "sad", 1.0),
        Segment(1.0, 1.2, "happy", 1.0),
        Segment(2.0, 2.6, "happy", 1.0),
    )
    assert majority_intervals(segments, 3.0, 3) == [(0.0, 1.0, "sad"), (2.0, 3.0, "happy")]
    assert majority_intervals((), 3.0, 3) == []


def test_few_frames_stay_as_they_are() -> None:
    curves = Curves(np.arange(5) / 10, np.eye(5, dtype=np.float32))
    found = downsample_curves(curves, 0.5, 10)
    np.testing.assert_array_equal(found.times, curves.times)
    np.testing.assert_array_equal(found.probabilities, curves.probabilities)
    for count in (0, 1):
        few = Curves(np.arange(count) / 10, np.ones((count, 2), np.float32))
        np.testing.assert_array_equal(downsample_curves(few, 0.5, 10).times, few.times)


def test_many_frames_are_averaged_over_each_stretch() -> None:
    rng = np.random.default_rng(0)
    rows = rng.dirichlet(np.ones(3), size=1000).astype(np.float32)
    found = downsample_curves(Curves((np.arange(1000) + 0.5) / 25, rows), 40.0, 20)
    np.testing.assert_allclose(found.times, np.arange(1, 40, 2))
    np.testing.assert_allclose(found.probabilities, rows.reshape(20, 50, 3).mean(axis=1), rtol=1e-5)
    assert found.probabilities.dtype == np.float32


@pytest.mark.parametrize("points", [50, 10_000])
def test_a_line_breaks_where_it_is_told_to(points: int) -> None:
    times = (np.arange(100) + 0.5) / 25
    kept = (times < 1.5) | (times > 2.3)
    curves = Curves(times[kept], np.ones((kept.sum(), 2), np.float32))
    assert not np.isnan(downsample_curves(curves, 4.0, points).probabilities).any()
    found = downsample_curves(curves, 4.0, points, [0.0, 1.5, 9.0])
    gaps = np.flatnonzero(np.isnan(found.probabilities).all(axis=1))
    assert len(gaps) == 1
    assert found.times[gaps[0] - 1] < 1.5
    assert found.times[gaps[0]] > 2.3
    assert np.nansum(found.probabilities) == 2 * (len(found.times) - 1)


def test_a_frame_behind_the_end_belongs_to_the_last_stretch() -> None:
    times = np.append((np.arange(100) + 0.5) / 10, 10.001)
    found = downsample_curves(Curves(times, np.ones((101, 2), np.float32)), 10.0, 5)
    np.testing.assert_allclose(found.times, [1, 3, 5, 7, (20 * 9 + 10.001) / 21])


def test_inside_is_from_the_start_up_to_the_end() -> None:
    times = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 3.0])
    assert mask_inside(times, [(0.5, 1.5), (2.0, 2.5)]).tolist() == [0, 1, 1, 0, 1, 0]
    assert not mask_inside(times, []).any()
