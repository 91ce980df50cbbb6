"""A prediction as plain data and as a table of a notebook."""

import sys

import pytest

import bilstm_hmm
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.prediction import Failure, Prediction, Segment, to_dataframe

SEGMENTS = tuple(Segment(float(n), n + 1.0, "sad" if n % 2 else "happy", 0.5) for n in range(30))


def make(segments: tuple[Segment, ...] = SEGMENTS) -> Prediction:
    shares = {"sad": 0.25, "<b>happy</b>": 0.75}
    return Prediction("a & b.wav", "<b>happy</b>", 0.75, shares, 30.0, segments, (), "model-1")


def test_a_failure_is_plain_data() -> None:
    assert Failure("a.wav", "It is empty.").to_dict() == {"file": "a.wav", "error": "It is empty."}


def test_a_notebook_has_a_small_table_in_which_nothing_is_taken_for_markup() -> None:
    shown = make()._repr_html_()
    assert "a &amp; b.wav, 30.0 s: &lt;b&gt;happy&lt;/b&gt;" in shown
    assert "<b>" not in shown
    first, second = shown.index("<th>&lt;b&gt;happy"), shown.index("<th>sad</th><td>0.25</td>")
    assert first < second  # the likeliest comes first
    assert "the first 20 of 30 segments" in shown
    assert shown.count("<tr>") == 1 + 2 + 1 + 20


def test_one_segment_needs_no_table() -> None:
    assert make(SEGMENTS[:1])._repr_html_().count("<table>") == 1


def test_segments_are_the_rows_of_a_data_frame() -> None:
    frame = make().to_dataframe()
    assert [*frame.columns] == ["file", "start", "end", "emotion", "confidence"]
    assert len(frame) == 30
    assert {*frame["file"]} == {"a & b.wav"}
    assert (frame["end"] - frame["start"]).sum() == 30.0
    assert [*frame["emotion"][:3]] == ["happy", "sad", "happy"]
    assert make(()).to_dataframe().empty


def test_results_of_many_files_are_one_data_frame() -> None:
    frame = bilstm_hmm.to_dataframe([make(SEGMENTS[:2]), Failure("b.wav", "It is empty.")])
    assert [*frame["file"]] == ["a & b.wav", "a & b.wav", "b.wav"]
    assert [*frame["error"].fillna("")] == ["", "", "It is empty."]
    assert [*frame["start"].isna()] == [False, False, True]


def test_a_data_frame_needs_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ToolkitError, match=r"needs pandas; install it with pip install pandas\.$"):
        to_dataframe([make()])
