from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bilstm_hmm.prediction import NO_SPEECH
from bilstm_hmm.timeline.segments import SpeechInterval, merge_segments

CLASSES = ("sad", "happy")


def found(
    *pieces: tuple[float, float, str], silence: float = 1.5, duration: float | None = None
) -> list[tuple[float, float, str]]:
    """Segments of pieces at 10 frames a second, told by a letter a frame."""
    path = np.array(["sh".index(letter) for *_, letters in pieces for letter in letters], np.intp)
    shares = np.full((len(path), 2), 0.25)
    shares[np.arange(len(path)), path] = 0.75
    told = [SpeechInterval(start, end, len(letters), 10.0) for start, end, letters in pieces]
    end = told[-1].end if duration is None else duration
    segments = merge_segments(told, path, shares, CLASSES, silence, end)
    assert all(s.confidence == (1.0 if s.emotion == NO_SPEECH else 0.75) for s in segments)
    return [(s.start, s.end, s.emotion) for s in segments]


def test_a_change_within_a_piece_is_a_border() -> None:
    assert found((1.0, 1.6, "sshhhh")) == [(1.0, 1.2, "sad"), (1.2, 1.6, "happy")]


def test_pauses_are_bridged() -> None:
    assert found((0.0, 0.3, "sss"), (1.0, 1.2, "ss")) == [(0.0, 1.2, "sad")]
    assert found((0.0, 0.5, "sssss"), (1.0, 1.2, "hh")) == [
        (0.0, 0.75, "sad"),
        (0.75, 1.2, "happy"),
    ]


def test_long_silence_is_told() -> None:
    told = found((2.0, 2.3, "sss"), (4.0, 4.2, "ss"), duration=10.0)
    assert told == [
        (0.0, 2.0, NO_SPEECH),
        (2.0, 2.3, "sad"),
        (2.3, 4.0, NO_SPEECH),
        (4.0, 4.2, "sad"),
        (4.2, 10.0, NO_SPEECH),
    ]


def test_pieces_that_overlap_by_a_frame_meet() -> None:
    assert found((0.0, 1.1, "s" * 11), (1.0, 1.5, "hhhhh"))[0][1] == 1.05


@given(
    st.lists(
        st.tuples(st.floats(0.0, 4.0), st.text("sh", min_size=1, max_size=9)),
        min_size=1,
        max_size=12,
    )
)
def test_segments_are_in_order_and_cover_all_speech(parts: list[tuple[float, str]]) -> None:
    pieces, now = [], 0.0
    for pause, letters in parts:
        pieces.append((now + pause, now + pause + len(letters) / 10.0, letters))
        now = pieces[-1][1]
    segments = found(*pieces)
    for left, right in pairwise(segments):
        assert left[1] == right[0]
        assert left[2] != right[2]
    for start, end, _ in pieces:
        assert segments[0][0] <= start < end <= segments[-1][1]
    quiet = sum(end - start for start, end, emotion in segments if emotion == NO_SPEECH)
    longest = [b[0] - a[1] for a, b in pairwise(pieces)] + [pieces[0][0]]
    assert np.isclose(quiet, sum(gap for gap in longest if gap >= 1.5))
