"""The line that sums up several recordings."""

from dataclasses import replace
from pathlib import Path

from bilstm_hmm.cli.labelling.summary import Summary
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
