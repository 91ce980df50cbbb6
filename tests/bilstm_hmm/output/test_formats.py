import csv
import io
import itertools
import json
import re
import string
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm.delimited_text import escape_formula, table_rows, table_text, unescape_formula
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.output.formats import FORMATS, render
from bilstm_hmm.prediction import NO_SPEECH, Failure, Prediction, Result, Segment

PER_FILE = {name for name, entry in FORMATS.items() if entry.per_file}
STREAMED = {name for name, entry in FORMATS.items() if entry.incremental}
GOLDEN = Path(__file__).parents[2] / "golden"

HAPPY = Prediction(
    file="calls/día 1.wav",
    emotion="happy",
    confidence=0.9149,
    probabilities={"happy": 0.9149, "sad": 0.0851},
    duration=3.25,
    segments=(Segment(0.31, 1.2, "happy", 0.95), Segment(1.2, 2.9996, "sad", 0.6)),
    warnings=("noisy", "clipped"),
    notes=("resampled",),
    model="demo-1",
)
ODD = Prediction(
    file='=cmd|"x"\n.wav',
    emotion='over "the" moon',
    confidence=0.5,
    probabilities={'over "the" moon': 0.5, "-sad": 0.5},
    duration=3723.5,
    segments=(Segment(0.0, 3723.5, 'over "the" moon', 0.5),),
    warnings=(),
    model="own words",
)
BROKEN = Failure("b.wav", "b.wav is empty; record it again")

# File names as Linux hands them over: any character, lone surrogates for what is not UTF-8.
names = st.text(
    st.characters(exclude_characters="\x00", exclude_categories=())
    | st.sampled_from("=+-@'\t\r\n\",; \u2028\udcff"),
    min_size=1,
    max_size=12,
)
words = st.text(st.sampled_from(string.ascii_lowercase + " \"'=é\n\t>"), min_size=1, max_size=8)


@st.composite
def predictions(draw: st.DrawFn) -> Prediction:
    classes = draw(st.lists(words, min_size=1, max_size=4, unique=True))
    cuts = sorted(draw(st.sets(st.integers(0, 9000), min_size=2, max_size=8)))
    spans = list(itertools.pairwise(cuts))
    kept = [span for span in spans if draw(st.booleans())]
    return Prediction(
        file=draw(names),
        emotion=classes[0],
        confidence=1 / len(classes),
        probabilities=dict.fromkeys(classes, 1 / len(classes)),
        duration=draw(st.integers(cuts[-1], 10_000)) / 1000 + 0.001,
        segments=tuple(
            Segment(a / 1000, b / 1000, draw(st.sampled_from(classes)), 0.5) for a, b in kept
        ),
        warnings=tuple(draw(st.lists(words, max_size=2))),
        model=draw(names),
    )


failures = st.builds(Failure, file=names, error=names)
batches = st.lists(predictions() | failures, max_size=5)


def _one_line(text: str) -> str:
    """Return what a line of text shows of a name: controls, line ends, surrogates escaped."""
    hidden = {"Cc", "Cs", "Zl", "Zp"}
    return "".join(
        c.encode("unicode_escape").decode() if unicodedata.category(c) in hidden else c
        for c in text
    )


def _read_textgrid(text: str) -> dict[str, Any]:
    """A small parser of Praat's long format: numbers and strings in the order they come."""
    tokens = re.findall(r'"((?:[^"]|"")*)"|(<exists>)|= (-?[0-9.]+)', text.split('"TextGrid"')[1])
    flat: list[Any] = []
    for quoted, exists, number in tokens:
        if not exists:
            flat.append(float(number) if number else quoted.replace('""', '"'))
    start, end, n_tiers, kind, name, tier_start, tier_end, n = flat[:8]
    rest = flat[8:]
    assert len(rest) == 3 * n
    return {
        "span": (start, end),
        "tiers": [n_tiers, kind, name, (tier_start, tier_end)],
        "intervals": [tuple(rest[i : i + 3]) for i in range(0, len(rest), 3)],
    }


@pytest.mark.parametrize("format", [name for name in FORMATS if not FORMATS[name].binary])
def test_output_is_what_it_was(format: str) -> None:
    if format in PER_FILE:
        text = render([HAPPY], format, many=True, timeline=True)
    else:
        text = render([HAPPY, BROKEN, ODD], format, many=True, timeline=True)
    golden = GOLDEN / f"format_{format}{FORMATS[format].suffix}"
    assert text == golden.read_bytes().decode("utf-8")


def test_one_file_is_one_line_and_its_segments() -> None:
    assert render([HAPPY], "text", many=False, timeline=False) == (
        "Predicted Emotion: happy (Confidence: 0.91)\n"
        "Of the speaking time: sad 67 %, happy 33 %; --timeline shows when\n"
    )
    timeline = render([HAPPY], "text", many=False, timeline=True).splitlines()
    assert timeline[:2] == [
        "Predicted Emotion: happy (Confidence: 0.91)",
        "Of the speaking time: sad 67 %, happy 33 %",
    ]
    assert [line.split() for line in timeline[2:]] == [
        ["0.31", "-", "1.20", "s", "happy", "(0.95)"],
        ["1.20", "-", "3.00", "s", "sad", "(0.60)"],
    ]
    failed = render([BROKEN], "text", many=False, timeline=True)
    assert failed == "no label: b.wav is empty; record it again\n"


NOBODY = Prediction(
    file="hum.wav",
    emotion=None,
    confidence=None,
    probabilities={},
    duration=4.0,
    segments=(Segment(0.0, 4.0, NO_SPEECH, 1.0),),
    warnings=(),
    model="demo-1",
)


def test_where_nobody_speaks_every_format_says_so() -> None:
    assert render([NOBODY], "text", many=False, timeline=False) == "No speech\n"
    assert render([NOBODY], "text", many=True, timeline=False) == "hum.wav: No speech\n"
    document = json.loads(str(render([NOBODY], "json", many=False, timeline=False)))
    assert document["emotion"] is document["confidence"] is None
    assert document["probabilities"] == document["shares"] == {}
    table = str(render([HAPPY, NOBODY], "csv", many=True, timeline=False))
    row = list(csv.DictReader(io.StringIO(table)))[1]
    assert [row[key] for key in ("emotion", "confidence", "happy", "sad", "error")] == [""] * 5
    assert row["duration"] == "4.000"
    for name in PER_FILE - {"png"}:
        assert NO_SPEECH in str(render([NOBODY], name, many=False, timeline=False))
    assert "no_speech" in str(render([NOBODY], "rttm", many=False, timeline=False))


@given(batches)
@settings(deadline=None)
def test_text_has_a_line_a_file(results: list[Result]) -> None:
    lines = render(results, "text", many=True, timeline=False).split("\n")
    assert lines.pop() == ""
    assert len(lines) == len(results)
    for line, result in zip(lines, results, strict=True):
        assert line.startswith(f"{_one_line(result.file)}: ")


@given(batches)
@settings(deadline=None)
def test_json_holds_every_result(results: list[Result]) -> None:
    expected = [
        {"file": r.file, "error": r.error} if isinstance(r, Failure) else r.to_dict()
        for r in results
    ]
    whole = render(results, "json", many=True, timeline=False)
    whole.encode("utf-8")
    assert json.loads(whole) == expected
    lines = render(results, "jsonl", many=True, timeline=False)
    lines.encode("utf-8")
    assert [json.loads(line) for line in lines.splitlines()] == expected
    for result, document in zip(results, expected, strict=True):
        assert json.loads(render([result], "json", many=False, timeline=False)) == document


def _cells(results: Sequence[Result], classes: Sequence[str]) -> list[list[str]]:
    rows = [["file", "emotion", "confidence", *classes, "duration", "warnings", "model", "error"]]
    for r in results:
        if isinstance(r, Failure):
            rows.append([r.file, "", "", *[""] * len(classes), "", "", "", r.error])
        else:
            shares = [f"{r.probabilities[c]:.4f}" if c in r.probabilities else "" for c in classes]
            rest = [f"{r.duration:.3f}", "; ".join(r.warnings), r.model, ""]
            rows.append([r.file, r.emotion, f"{r.confidence:.4f}", *shares, *rest])
    return rows


@pytest.mark.parametrize(("format", "delimiter"), [("csv", ","), ("tsv", "\t")])
@given(results=batches)
@settings(deadline=None)
def test_tables_hold_every_result(format: str, delimiter: str, results: list[Result]) -> None:
    classes = next((list(r.probabilities) for r in results if isinstance(r, Prediction)), [])
    text = render(results, format, many=True, timeline=False)
    text.encode("utf-8")
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    assert [[unescape_formula(cell) for cell in row] for row in rows] == _cells(results, classes)
    # A dash alone is standard input, and no formula.
    cells = [cell for row in rows for cell in row if cell != "-"]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)


@pytest.mark.parametrize("format", sorted(STREAMED))
@given(results=batches)
@settings(deadline=None, max_examples=30)
def test_a_stream_ends_as_the_whole_would(format: str, results: list[Result]) -> None:
    classes = ["happy", "sad"]
    options: dict[str, Any] = {"many": True, "timeline": True, "classes": classes}
    parts = [render([], format, **options)]
    parts += [render([result], format, header=False, **options) for result in results]
    assert "".join(parts) == render(results, format, **options)


@given(st.lists(st.lists(names, min_size=2, max_size=4), max_size=4))
@settings(deadline=None)
def test_a_table_reads_back_as_it_was_given(rows: list[list[str]]) -> None:
    assert table_rows(table_text(rows)) == rows


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "＝1"])
def test_no_cell_starts_a_formula(cell: str) -> None:
    assert escape_formula(cell) == "'" + cell
    assert unescape_formula(escape_formula(cell)) == cell
    assert escape_formula("it's = fine") == "it's = fine"


@given(st.lists(predictions(), min_size=1, max_size=3))
@settings(deadline=None)
def test_rttm_has_ten_fields_a_line(results: list[Prediction]) -> None:
    text = render(results, "rttm", many=True, timeline=False)
    text.encode("utf-8")
    expected = [
        (s.start, s.end - s.start, s.emotion)
        for r in results
        for s in (r.segments or [Segment(0, r.duration, r.emotion, r.confidence)])
    ]
    lines = text.splitlines()
    assert len(lines) == len(expected)
    for line, (onset, duration, emotion) in zip(lines, expected, strict=True):
        fields = line.split()
        assert len(fields) == 10
        assert (fields[0], fields[2]) == ("SPEAKER", "1")
        assert [float(fields[3]), float(fields[4])] == pytest.approx([onset, duration], abs=6e-4)
        assert fields[7] == _one_line(emotion).replace(" ", "_")


def test_rttm_names_files_by_what_tells_them_apart() -> None:
    one = render([HAPPY], "rttm", many=False, timeline=False)
    assert {line.split()[1] for line in one.splitlines()} == {"día_1"}
    many = render([HAPPY, BROKEN], "rttm", many=True, timeline=False)
    assert many.splitlines()[0].split()[1] == "calls/día_1"
    assert many.splitlines()[2] == ";; b.wav: b.wav is empty; record it again"


@given(predictions())
@settings(deadline=None)
def test_a_textgrid_covers_the_whole_recording(result: Prediction) -> None:
    grid = _read_textgrid(render([result], "textgrid", many=False, timeline=False))
    end = round(result.duration, 3)
    assert grid["span"] == (0, end)
    assert grid["tiers"] == [1, "IntervalTier", "emotion", (0, end)]
    intervals = grid["intervals"]
    assert intervals[0][0] == 0
    assert intervals[-1][1] == end
    assert all(a[1] == b[0] for a, b in itertools.pairwise(intervals))
    assert all(start < stop for start, stop, _ in intervals)
    labelled = [(a, b, label) for a, b, label in intervals if label]
    segments = result.segments or (Segment(0, end, result.emotion, 1.0),)
    assert labelled == [
        (round(s.start, 3), round(s.end, 3), _one_line(s.emotion)) for s in segments
    ]


def test_a_textgrid_has_no_overlap_and_nothing_beyond_the_end() -> None:
    segments = (
        Segment(0.0, 1.0, "sad", 1.0),
        Segment(0.9999, 1.0001, "happy", 1.0),
        Segment(0.5, 9.0, "happy", 1.0),
    )
    result = Prediction("a.wav", "sad", 1.0, {"sad": 1.0}, 2.0, segments, (), "m")
    grid = _read_textgrid(render([result], "textgrid", many=False, timeline=False))
    assert grid["intervals"] == [(0.0, 1.0, "sad"), (1.0, 2.0, "happy")]


@given(predictions())
@settings(deadline=None)
def test_audacity_and_subtitles_hold_every_segment(result: Prediction) -> None:
    expected = result.segments or (Segment(0, result.duration, result.emotion, result.confidence),)
    labels = render([result], "audacity", many=True, timeline=False).split("\n")[:-1]
    cells = [line.split("\t") for line in labels]
    assert [(float(a), float(b), label) for a, b, label in cells] == [
        (pytest.approx(s.start), pytest.approx(s.end), _one_line(s.emotion)) for s in expected
    ]
    blocks = render([result], "srt", many=True, timeline=False).split("\n\n")[:-1]
    assert len(blocks) == len(expected)
    for number, (block, segment) in enumerate(zip(blocks, expected, strict=True), start=1):
        index, times, label = block.split("\n")
        assert int(index) == number
        clocks = re.fullmatch(
            r"(\d\d):(\d\d):(\d\d),(\d{3}) --> (\d\d):(\d\d):(\d\d),(\d{3})", times
        )
        assert clocks is not None
        h, m, s, ms, h2, m2, s2, ms2 = map(int, clocks.groups())
        assert h * 3600 + m * 60 + s + ms / 1000 == pytest.approx(segment.start, abs=6e-4)
        assert h2 * 3600 + m2 * 60 + s2 + ms2 / 1000 == pytest.approx(segment.end, abs=6e-4)
        assert label == f"{_one_line(segment.emotion)} ({segment.confidence:.2f})"


def test_subtitles_count_hours() -> None:
    assert "00:00:00,000 --> 01:02:03,500" in render([ODD], "srt", many=False, timeline=False)


def test_wrong_formats_and_numbers_are_told_in_a_sentence() -> None:
    with pytest.raises(ToolkitError, match="'xml' is not known; choose from text, json"):
        render([HAPPY], "xml", many=False, timeline=False)
    for format in PER_FILE:
        with pytest.raises(ToolkitError, match="holds one recording, not 2"):
            render([HAPPY, ODD], format, many=True, timeline=False)
        with pytest.raises(ToolkitError, match=r"b\.wav is empty; record it again"):
            render([BROKEN], format, many=False, timeline=False)


def test_suffixes_tell_what_a_file_holds() -> None:
    assert {format: FORMATS[format].suffix for format in ("json", "textgrid", "srt", "csv")} == {
        "json": ".json",
        "textgrid": ".TextGrid",
        "srt": ".srt",
        "csv": ".csv",
    }
    assert not PER_FILE & STREAMED
    # What holds bytes cannot be put together of several texts.
    assert {name for name, entry in FORMATS.items() if entry.binary} <= PER_FILE
