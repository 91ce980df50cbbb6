"""Tables of timelines come back as they were, or not at all."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm.delimited_text import table_rows
from bilstm_hmm.evaluation.timeline_results import (
    TimelineResult,
    read_timelines,
    write_fold_timelines,
    write_timelines,
)
from bilstm_hmm.evaluation.timeline_systems import TIMELINE_SYSTEMS

times = st.floats(0.0, 1e4, allow_nan=False)
spans = st.lists(st.tuples(times, times, st.text(min_size=1, max_size=8)), max_size=4).map(tuple)


def result(name: str = "own-ann/1", speaker: str = "own-ann") -> TimelineResult:
    truth = ((0.0, 1 / 3, "happy"), (0.5, 2.0, "neutral"))
    predicted = {s: truth[: number % 3] for number, s in enumerate(TIMELINE_SYSTEMS)}
    return TimelineResult(name, speaker, truth, predicted)


@given(
    names=st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4, unique=True),
    truth=spans.filter(bool),
    predicted=st.lists(spans, min_size=6, max_size=6),
)
@settings(deadline=None, max_examples=50)
def test_timelines_come_back_to_the_last_digit(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], truth: tuple, predicted: list[tuple]
) -> None:
    by_system = dict(zip(TIMELINE_SYSTEMS, predicted, strict=True))
    results = tuple(TimelineResult(name, "own-ann", truth, by_system) for name in names)
    path = tmp_path_factory.getbasetemp() / "timelines.csv"
    write_timelines(path, results)
    assert read_timelines(path) == results


def test_timelines_of_an_earlier_version_are_read_and_written_alike(tmp_path: Path) -> None:
    """An evaluation that it began is gone on with."""
    text = (
        "recording,speaker,system,start,end,emotion\n"
        "own-ann/1,own-ann,truth,0.0,0.3333333333333333,happy\n"
        "own-ann/1,own-ann,median-filter,0.0,2.5,sad\n"
        "own-ann/1,own-ann,composite-hmm,0.01,1e-05,no speech\n"
    )
    (tmp_path / "fold1.csv").write_text(text, encoding="utf-8")
    results = read_timelines(tmp_path / "fold1.csv")
    assert results is not None
    (recording,) = results
    assert recording.truth == ((0.0, 1 / 3, "happy"),)
    assert tuple(recording.predicted) == TIMELINE_SYSTEMS
    assert recording.predicted["composite-hmm"] == ((0.01, 1e-05, "no speech"),)
    assert recording.predicted["windows"] == ()
    write_timelines(tmp_path / "again.csv", results)
    assert (tmp_path / "again.csv").read_text("utf-8") == text


@pytest.mark.parametrize(
    "damage", ["missing", "empty", "header", "cut", "binary", "system", "table"]
)
def test_timelines_that_are_not_whole_are_not_there(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "fold1.csv"
    write_timelines(path, [result(), result("own-ben/1", "own-ben")])
    content = path.read_bytes()
    damaged = {
        "missing": None,
        "empty": b"",
        "header": content[: content.index(b"\n") + 1],
        "cut": content[:-20],
        "binary": b"\xff\xfe" + content,
        "system": content.replace(b"windows", b"doors"),
        "table": content.replace(b"recording,", b"clip,"),
    }[damage]
    path.unlink()
    if damaged is not None:
        path.write_bytes(damaged)
    assert read_timelines(path) is None


def test_all_folds_together_have_their_numbers(tmp_path: Path) -> None:
    one, other = tmp_path / "fold1.csv", tmp_path / "timelines.csv"
    write_timelines(one, [result()])
    write_fold_timelines(other, {1: [result()], 3: [result()]})
    header, *rows = table_rows(one.read_text("utf-8"))
    assert len(rows) == 2 + 2 * (0 + 1 + 2)
    assert table_rows(other.read_text("utf-8")) == [
        ["fold", *header],
        *(["1", *row] for row in rows),
        *(["3", *row] for row in rows),
    ]
