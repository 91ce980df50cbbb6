"""The measure of long recordings in one emotion, where what comes out is known."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.joins import N_CLIPS, PAUSES, Measured, join, main, report, share_right
from bilstm_hmm.prediction import Segment

RATE = 16000


def test_clips_stand_where_they_are_said_to() -> None:
    rng = np.random.default_rng(0)
    clips = [
        np.pad(np.full(RATE, level, np.float32), (quiet, 500))
        for level, quiet in ((0.5, 800), (0.1, 0), (0.9, 4000))
    ]
    samples, spoken = join(clips, RATE, rng)
    assert samples.dtype == np.float32
    for (start, end), level in zip(spoken, (0.5, 0.1, 0.9), strict=True):
        assert end - start == pytest.approx(1.0)
        inside = samples[round(start * RATE) : round(end * RATE)]
        np.testing.assert_allclose(inside, level, atol=1e-3)
    for (_, end), (start, _), clip in zip(spoken, spoken[1:], clips[1:], strict=False):
        quiet = np.flatnonzero(clip)[0] + 500
        assert PAUSES[0] <= start - end - quiet / RATE <= PAUSES[1]


def test_the_time_between_clips_counts_for_nothing() -> None:
    segments = (Segment(0.0, 4.0, "sad", 0.9), Segment(4.0, 9.0, "happy", 0.9))
    assert share_right([(1.0, 3.0), (5.0, 7.0)], segments, "sad") == pytest.approx(0.5)
    assert share_right([(3.0, 5.0)], segments, "angry") == 0.0


def test_figures_are_of_all_and_of_each_corpus() -> None:
    measured = [
        Measured("one", True, True, 1.0, 0.8, True),
        Measured("one", False, True, 0.2, 0.4, True),
        Measured("other", True, False, 0.9, 0.6, True),
    ]
    first, agrees, one, other = report(measured)
    assert first == (
        "3 joins: label right 2, by the sum of the clips' log probabilities 2; right in 70.0 % of "
        "the time; mean confidence 0.60"
    )
    assert agrees == "label has the largest share of its segments: 3"
    assert one.startswith("    one: 2 joins: label right 1, by")
    assert other.startswith("    other: 1 joins: label right 1, by")


def test_joins_are_drawn_of_the_corpora_that_are_there(
    corpora: Path, oracle: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.joins.N_CLIPS", (1, N_CLIPS[1]))
    main(["--corpora", str(corpora), "--model", str(oracle), "--joins", "2"])
    name, whole, agrees, *_ = capsys.readouterr().out.splitlines()
    assert name == "oracle-0123abcd, seed 1"
    assert whole.startswith("2 joins: label right ")
    assert agrees.endswith(": 2")


def test_it_is_a_command(corpora: Path) -> None:
    """A voice has too few clips of an emotion here, and the command says so."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.joins", "--corpora", corpora, "--joins", "1"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("No voice has 8 clips of one emotion that the model knows")
