"""What a model is not sure enough of is unsure, in the label and in the timeline."""

import csv
import io
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bilstm_hmm.confidence.abstention import abstain, abstain_in_segments
from bilstm_hmm.output.formats import render
from bilstm_hmm.prediction import NO_SPEECH, UNSURE, Failure, Prediction, Segment

HAPPY = Prediction(
    file="a.wav",
    emotion="happy",
    confidence=0.55,
    probabilities={"happy": 0.55, "sad": 0.45},
    duration=4.0,
    segments=(
        Segment(0.0, 1.0, "happy", 0.4),
        Segment(1.0, 2.0, "sad", 0.6),
        Segment(2.0, 2.5, NO_SPEECH, 1.0),
        Segment(2.5, 4.0, "happy", 0.9),
    ),
    warnings=(),
    model="demo",
)
SILENT = replace(HAPPY, emotion=None, confidence=None, probabilities={}, segments=())
BROKEN = Failure("b.wav", "b.wav is empty")


@pytest.mark.parametrize("result", [HAPPY, SILENT, BROKEN])
def test_nothing_changes_where_nothing_is_asked_for(result: Prediction | Failure) -> None:
    assert abstain(result, None) is result
    assert abstain(result, 0.0) == result


def test_where_there_is_no_answer_it_cannot_be_unsure() -> None:
    assert abstain(SILENT, 1.0) == SILENT
    assert abstain(BROKEN, 1.0) is BROKEN


def test_an_unsure_answer_keeps_what_is_known() -> None:
    said = abstain(HAPPY, 0.7)
    assert (said.emotion, said.unsure, said.label) == (None, True, UNSURE)
    assert (said.confidence, said.probabilities) == (HAPPY.confidence, HAPPY.probabilities)
    assert [(s.start, s.end, s.emotion) for s in said.segments] == [
        (0.0, 2.0, UNSURE),
        (2.0, 2.5, NO_SPEECH),
        (2.5, 4.0, "happy"),
    ]
    assert said.segments[0].confidence == pytest.approx(0.5)


def test_the_label_of_one_segment_is_that_segment_s() -> None:
    one = replace(HAPPY, segments=(Segment(0.1, 3.9, "happy", 0.5501),))
    for threshold in (0.55, 0.55005, 0.5502):
        said = abstain(one, threshold)
        assert said.segments[0].emotion == said.label


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_more_is_unsure_the_more_is_asked_for(one: float, other: float) -> None:
    low, high = sorted((one, other))
    unsure = [
        sum(s.end - s.start for s in abstain_in_segments(HAPPY.segments, t) if s.emotion == UNSURE)
        for t in (low, high)
    ]
    assert unsure[0] <= unsure[1]
    assert abstain(HAPPY, high).unsure or not abstain(HAPPY, low).unsure


def test_every_format_says_so() -> None:
    said = abstain(HAPPY, 0.7)

    def written(format: str, **options: bool) -> str:
        return str(render([said], format, **{"many": False, "timeline": False, **options}))

    assert written("text").startswith("Predicted Emotion: unsure (Confidence: 0.55)\n")
    assert written("text", many=True) == "a.wav: unsure (0.55)\n"
    named = render([said], "text", many=True, timeline=False, top=3)
    assert named == "a.wav: unsure (0.55), likeliest happy (0.55), then sad (0.45)\n"
    document = json.loads(written("json"))
    assert (document["emotion"], document["unsure"]) == (None, True)
    assert document["probabilities"] == {"happy": 0.55, "sad": 0.45}
    assert "unsure" not in HAPPY.to_dict()
    (row,) = csv.DictReader(io.StringIO(written("csv")))
    assert (row["emotion"], row["confidence"]) == ("unsure", "0.5500")
    for format in ("rttm", "audacity", "textgrid", "srt"):
        assert UNSURE in written(format)
