"""The line that sums up several recordings, and the pace beside the bar."""

from dataclasses import replace
from pathlib import Path

import pytest

from bilstm_hmm.cli.durations import hours_minutes
from bilstm_hmm.cli.labelling.summary import Summary, pace
from bilstm_hmm.prediction import Failure, Prediction

SAD = Prediction("x.wav", "sad", 0.5, {"sad": 1.0}, 30.0, (), (), "m")


def test_everything_is_in_one_line() -> None:
    moments = iter((100.0, 104.0))
    summary = Summary(lambda: next(moments))
    silent = replace(SAD, emotion=None, duration=10.0)
    for result in (SAD, replace(SAD, emotion="happy"), Failure("y", "is empty"), SAD, silent):
        summary.add(result)
    assert summary.n_failed == 1
    assert summary.line(Path("out\n.csv"), 7, 2) == (
        "3 labelled (sad 2, happy 1), 1 no speech, 1 failed, 7 labelled before; 1 min 40 s of "
        "audio, 25 times real time; written to out\\n.csv; 2 other files left out."
    )


def test_nothing_but_what_there_is_is_said() -> None:
    summary = Summary()
    assert summary.line(None, 0, 0) == "0 labelled, 0 no speech, 0 failed."
    summary.add(SAD)
    assert summary.line(None, 0, 0).startswith("1 labelled (sad 1), 0 no speech, 0 failed; 30 s of")


def test_the_pace_is_that_since_the_start() -> None:
    assert pace(0, 10, 3.0) == ""
    assert pace(20, 120, 8.0) == "2.5 files/s, 40 s left"
    assert pace(120, 120, 8.0) == "15 files/s, 0.0 s left"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.94, "60 s"),
        (59.96, "1 min 0 s"),
        (200.4, "3 min 20 s"),
        (3599.0, "59 min 59 s"),
        (3599.6, "1 h 0 min"),
        (7530.0, "2 h 6 min"),
    ],
)
def test_durations_have_the_unit_that_suits_them(seconds: float, said: str) -> None:
    assert hours_minutes(seconds) == said
