"""What is written, read by programs of others: each format by a reader that is not ours."""

import csv
import json
from dataclasses import replace
from datetime import timedelta
from io import BytesIO, StringIO
from pathlib import Path

import pytest

from bilstm_hmm.output.formats import render
from bilstm_hmm.output.plot_style import emotion_colours
from bilstm_hmm.prediction import NO_SPEECH, Failure, Prediction, Segment

#: Emotions with spaces, quotes, separators, other scripts, and what looks like markup.
EMOTIONS = (
    "happy",
    'over "the" moon',
    "tired, a bit; or so",
    "悲しみ été",
    "<i>{b}</i> -->",
    "50%",
)

SEGMENTS = (
    Segment(0.31, 1.25, EMOTIONS[0], 0.95),
    Segment(1.25, 2.0, NO_SPEECH, 0.9),
    Segment(2.0, 61.5, EMOTIONS[1], 0.6),
    Segment(61.5, 62.0, EMOTIONS[2], 0.5),
    Segment(63.0, 3700.125, EMOTIONS[3], 0.4),
    Segment(3700.125, 3723.0, EMOTIONS[4], 0.31),
    Segment(3723.0, 3723.456, EMOTIONS[5], 0.3),
)
RESULT = Prediction(
    file='calls, of "May"/día 1, part 2.wav',
    emotion=EMOTIONS[1],
    confidence=0.6,
    probabilities=dict(zip(EMOTIONS, (0.1, 0.6, 0.1, 0.1, 0.06, 0.04), strict=True)),
    duration=3723.5,
    segments=SEGMENTS,
    warnings=("clipped: the loudest parts", "cut off, at 2 s"),
    notes=("resampled from 44100 Hz",),
    model="own words, 1",
)
OTHER = replace(RESULT, file="b\tc.wav", emotion=EMOTIONS[4], segments=SEGMENTS[:2])
BROKEN = Failure('d, "e".wav', 'd, "e".wav is empty; record it again')
RESULTS = (RESULT, BROKEN, OTHER)


def written(format: str) -> str:
    text = render([RESULT], format, many=False, timeline=True)
    assert isinstance(text, str)
    return text


def test_praat_reads_its_textgrid(tmp_path: Path) -> None:
    import parselmouth
    from parselmouth.praat import call

    path = tmp_path / "a b, c.TextGrid"
    path.write_text(written("textgrid"), encoding="utf-8", newline="")
    grid = parselmouth.Data.read(str(path))
    assert (grid.xmin, grid.xmax) == (0.0, RESULT.duration)
    assert call(grid, "Get number of tiers") == 1
    assert call(grid, "Get tier name", 1) == "emotion"
    parts = ("start time", "end time", "label")
    intervals = [
        tuple(call(grid, f"Get {part} of interval", 1, number) for part in parts)
        for number in range(1, call(grid, "Get number of intervals", 1) + 1)
    ]
    named = [interval for interval in intervals if interval[2]]
    assert named == [(s.start, s.end, s.emotion) for s in SEGMENTS]
    holes = [interval[:2] for interval in intervals if not interval[2]]
    assert holes == [(0.0, 0.31), (62.0, 63.0), (3723.456, 3723.5)]


def test_rttm_as_diarisation_tools_read_it(tmp_path: Path) -> None:
    from simpleder import rttm

    path = tmp_path / "a.rttm"
    text = render(RESULTS, "rttm", many=True, timeline=False)
    path.write_text(text, encoding="utf-8", newline="")
    read = rttm.load_rttm(path)
    names = ['calls,_of_"May"/día_1,_part_2', r"b\tc"]
    assert list(read) == names
    for name, result in zip(names, (RESULT, OTHER), strict=True):
        assert len(read[name]) == len(result.segments)
        for (emotion, start, end), segment in zip(read[name], result.segments, strict=True):
            assert emotion == segment.emotion.replace(" ", "_")
            assert (start, end) == pytest.approx((segment.start, segment.end), abs=1e-3)


def test_subtitles() -> None:
    import srt

    found = list(srt.parse(written("srt"), ignore_errors=False))
    assert [subtitle.index for subtitle in found] == list(range(1, len(SEGMENTS) + 1))
    for subtitle, segment in zip(found, SEGMENTS, strict=True):
        assert subtitle.start == timedelta(seconds=segment.start)
        assert subtitle.end == timedelta(seconds=segment.end)
        assert subtitle.content == f"{segment.emotion} ({segment.confidence:.2f})"


def test_an_audacity_label_track() -> None:
    # The manual: start, end and label between tabs, in seconds, a line a label; a line that begins
    # with a backslash would hold frequencies.
    lines = written("audacity").splitlines()
    assert not any(line.startswith("\\") for line in lines)
    rows = list(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert [(float(a), float(b), label) for a, b, label in rows] == [
        (s.start, s.end, s.emotion) for s in SEGMENTS
    ]


def test_json_and_json_lines() -> None:
    documents = [
        {"file": r.file, "error": r.error} if isinstance(r, Failure) else r.to_dict()
        for r in RESULTS
    ]
    assert json.loads(written("json")) == documents[0]
    whole = render(RESULTS, "json", many=True, timeline=False)
    assert json.loads(whole) == documents
    lines = render(RESULTS, "jsonl", many=True, timeline=False)
    assert [json.loads(line) for line in lines.splitlines()] == documents
    emotions = [segment["emotion"] for segment in json.loads(whole)[0]["segments"]]
    assert emotions == [segment.emotion for segment in SEGMENTS]


@pytest.mark.parametrize(("format", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_tables(format: str, delimiter: str) -> None:
    text = render(RESULTS, format, many=True, timeline=False)
    rows = list(csv.DictReader(StringIO(text, newline=""), delimiter=delimiter, strict=True))
    assert [row["file"] for row in rows] == [r.file for r in RESULTS]
    for row, result in zip(rows, RESULTS, strict=True):
        if isinstance(result, Failure):
            assert row["error"] == result.error
            assert row["emotion"] == row["duration"] == row["happy"] == ""
            continue
        assert row["emotion"] == result.emotion
        assert float(row["confidence"]) == result.confidence
        assert float(row["duration"]) == result.duration
        assert {name: float(row[name]) for name in EMOTIONS} == result.probabilities
        assert row["warnings"] == "; ".join(result.warnings)
        assert (row["model"], row["error"]) == (result.model, "")


def test_a_picture(recording: Path, tmp_path: Path) -> None:
    from PIL import Image

    audio = tmp_path / 'día 1, "part" 2.wav'
    audio.write_bytes(recording.read_bytes())
    made = replace(RESULT, file=str(audio), duration=3.0, segments=())
    content = render([made], "png", many=False, timeline=False)
    assert isinstance(content, bytes)
    with Image.open(BytesIO(content)) as image:
        image.verify()
        assert image.format == "PNG"
    with Image.open(BytesIO(content)) as image:
        seen = {colour for _, colour in image.convert("RGB").getcolors(1 << 24)}
        assert image.width > image.height > 500
    # Without segments its label holds for all of it.
    assert tuple(bytes.fromhex(emotion_colours(EMOTIONS)[RESULT.emotion][1:])) in seen
    assert tuple(bytes.fromhex(emotion_colours(EMOTIONS)["happy"][1:])) not in seen
