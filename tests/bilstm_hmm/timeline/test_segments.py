"""Frames become segments: pauses are bridged, long silence is a segment, nothing is lost."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bilstm_hmm.prediction import NO_SPEECH
from bilstm_hmm.timeline.segments import (
    LabelledSpan,
    SegmentMerger,
    SpeechInterval,
    label_spans,
    merge_segments,
)

CLASSES = ("sad", "happy")


def merged(
    *parts: tuple[float, float, str], silence: float = 1.5, duration: float | None = None
) -> list[tuple[float, float, str]]:
    """Segments of intervals at 10 frames a second, labelled by a letter a frame."""
    path = np.array(["sh".index(letter) for *_, letters in parts for letter in letters], np.intp)
    posteriors = np.full((len(path), 2), 0.25)
    posteriors[np.arange(len(path)), path] = 0.75
    intervals = [SpeechInterval(start, end, len(letters), 10.0) for start, end, letters in parts]
    end = intervals[-1].end if duration is None else duration
    segments = merge_segments(intervals, path, posteriors, CLASSES, silence, end)
    assert all(s.confidence == (1.0 if s.emotion == NO_SPEECH else 0.75) for s in segments)
    return [(s.start, s.end, s.emotion) for s in segments]


def test_frames_stand_in_the_middle_of_their_time() -> None:
    times = SpeechInterval(2.0, 2.75, 4, 5.0).times()
    assert times.dtype == np.float64
    np.testing.assert_allclose(times, [2.1, 2.3, 2.5, 2.7])
    # But not behind the end.
    np.testing.assert_allclose(SpeechInterval(2.0, 2.6, 4, 5.0).times(), [2.1, 2.3, 2.5, 2.6])


def test_a_change_within_an_interval_is_a_boundary() -> None:
    assert merged((1.0, 1.6, "sshhhh")) == [(1.0, 1.2, "sad"), (1.2, 1.6, "happy")]


def test_the_last_frame_reaches_to_the_end_of_its_interval() -> None:
    assert merged((1.0, 1.57, "sshhhh")) == [(1.0, 1.2, "sad"), (1.2, 1.57, "happy")]


def test_each_interval_has_its_own_frames() -> None:
    found = merged((0.0, 0.2, "ss"), (2.0, 2.3, "hhh"), (4.0, 4.1, "s"), (6.0, 6.2, "hh"))
    assert [emotion for *_, emotion in found[::2]] == ["sad", "happy", "sad", "happy"]
    assert [emotion for *_, emotion in found[1::2]] == [NO_SPEECH] * 3


def test_pauses_are_bridged() -> None:
    assert merged((0.0, 0.3, "sss"), (1.0, 1.2, "ss")) == [(0.0, 1.2, "sad")]
    assert merged((0.0, 0.5, "sssss"), (1.0, 1.2, "hh")) == [
        (0.0, 0.75, "sad"),
        (0.75, 1.2, "happy"),
    ]


def test_long_silence_is_a_segment() -> None:
    assert merged((2.0, 2.3, "sss"), (4.0, 4.2, "ss"), duration=10.0) == [
        (0.0, 2.0, NO_SPEECH),
        (2.0, 2.3, "sad"),
        (2.3, 4.0, NO_SPEECH),
        (4.0, 4.2, "sad"),
        (4.2, 10.0, NO_SPEECH),
    ]


def test_a_pause_of_exactly_so_many_seconds_is_silence() -> None:
    """At the beginning, between intervals, and at the end."""
    found = merged((1.5, 2.0, "sssss"), (3.5, 4.0, "sssss"), duration=5.5)
    assert [emotion for *_, emotion in found] == [NO_SPEECH, "sad", NO_SPEECH, "sad", NO_SPEECH]
    found = merged((1.4, 2.0, "ssssss"), (3.4, 4.0, "ssssss"), duration=5.4)
    assert [emotion for *_, emotion in found] == ["sad"]


def test_without_speech_there_is_silence_alone() -> None:
    assert merge_segments([], np.zeros(0, np.intp), np.zeros((0, 2)), CLASSES, 1.5, 1.4) == ()
    (segment,) = merge_segments([], np.zeros(0, np.intp), np.zeros((0, 2)), CLASSES, 1.5, 60.0)
    assert (segment.start, segment.end, segment.emotion) == (0.0, 60.0, NO_SPEECH)
    assert segment.confidence == 1.0


def test_intervals_that_overlap_by_a_frame_meet() -> None:
    assert merged((0.0, 1.1, "s" * 11), (1.0, 1.5, "hhhhh"))[0][1] == 1.05


def test_the_confidence_is_the_mean_of_the_frames_on_both_sides_of_a_pause() -> None:
    intervals = [SpeechInterval(0.0, 0.2, 2, 10.0), SpeechInterval(0.5, 0.7, 2, 10.0)]
    # In single precision the third would be lost beside the others.
    posteriors = np.array([[1.0, 0.0], [1.0, 0.0], [2.0**-30, 0.0], [0.0, 0.5]], np.float32)
    path = np.array([0, 0, 0, 1])
    first, second = merge_segments(intervals, path, posteriors, CLASSES, 1.5, 0.7)
    assert first.confidence == (2.0 + 2.0**-30) / 3
    assert second.confidence == 0.5
    spans = list(label_spans(intervals, path, posteriors, CLASSES))
    assert [(span.frames, span.confidence_sum) for span in spans] == [
        (2, 2.0),
        (1, 2.0**-30),
        (1, 0.5),
    ]


def test_a_stream_may_be_silent_for_a_while() -> None:
    """What was open is closed once, and what comes behind is not joined to it."""
    merger = SegmentMerger(silence=1.5)
    assert merger.pause() == []
    assert merger.push(LabelledSpan(0.0, 1.0, "sad", 10, 8.0)) == []
    (closed,) = merger.pause()
    assert (closed.start, closed.end, closed.emotion, closed.confidence) == (0.0, 1.0, "sad", 0.8)
    assert merger.pause() == []
    assert merger.push(LabelledSpan(1.2, 2.0, "sad", 8, 4.0)) == []
    assert [(s.start, s.end) for s in merger.close(2.0)] == [(1.2, 2.0)]


@pytest.mark.parametrize("gap", [0.0, 0.4])
def test_spans_are_given_out_as_soon_as_they_are_closed(gap: float) -> None:
    merger = SegmentMerger(silence=1.5)
    assert merger.push(LabelledSpan(0.0, 1.0, "sad", 10, 8.0)) == []
    assert merger.push(LabelledSpan(1.0 + gap, 2.0, "sad", 10, 6.0)) == []
    (closed,) = merger.push(LabelledSpan(2.0 + gap, 3.0, "happy", 10, 5.0))
    assert (closed.end, closed.confidence) == (2.0 + gap / 2, 0.7)
    assert [(s.start, s.confidence) for s in merger.close(3.0)] == [(2.0 + gap / 2, 0.5)]


@given(
    st.lists(
        st.tuples(st.floats(0.0, 4.0), st.text("sh", min_size=1, max_size=9)),
        min_size=1,
        max_size=12,
    )
)
def test_segments_are_in_order_and_cover_all_speech(spoken: list[tuple[float, str]]) -> None:
    parts, now = [], 0.0
    for pause, letters in spoken:
        parts.append((now + pause, now + pause + len(letters) / 10.0, letters))
        now = parts[-1][1]
    segments = merged(*parts)
    for left, right in pairwise(segments):
        assert left[1] == right[0]
        assert left[2] != right[2]
    for start, end, _ in parts:
        assert segments[0][0] <= start < end <= segments[-1][1]
    quiet = sum(end - start for start, end, emotion in segments if emotion == NO_SPEECH)
    gaps = [right[0] - left[1] for left, right in pairwise(parts)] + [parts[0][0]]
    assert np.isclose(quiet, sum(gap for gap in gaps if gap >= 1.5))
