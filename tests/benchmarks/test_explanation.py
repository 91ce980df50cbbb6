"""The measure of explanations, where what comes out is known."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.explanation import Measured, main, report


def test_falls_are_set_against_each_other() -> None:
    measured = [
        Measured("one", 0.4, 0.1, 3.0, 0.5),
        Measured("other", 0.05, 0.1, 2.0, 0.7),
        Measured("one", 0.45, 0.1, 6.0, 1.5),
    ]
    lines = list(report(measured, np.random.default_rng(0)))
    assert "falls by 30.0 points" in lines[0]
    assert "by 10.0 without a random fifth: 3.00 times as much" in lines[0]
    assert lines[1] == "more than without a random fifth in 66.7 % of the clips"
    assert lines[2] == "    one: 42.5 and 10.0 points, 4.25 times"
    assert "mean 0.90" in lines[-2]
    assert lines[-1] == "of 2.5 to 3.5 s: mean 0.50, most 0.50"


def test_clips_of_all_corpora_are_measured(
    corpora: Path, oracle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--corpora", str(corpora), "--model", str(oracle), "--clips", "3"])
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first == "oracle-0123abcd, 3 of 3 clips with speech"
    assert "times as much" in second
