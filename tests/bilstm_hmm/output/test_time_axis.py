import numpy as np
import pytest

from bilstm_hmm.output.time_axis import clock, time_step


@pytest.mark.parametrize(
    ("end", "step"),
    [
        (0.001, 0.01),
        (0.5, 0.05),
        (3, 0.5),
        (10, 1),
        (120, 10),
        (600, 60),
        (7200, 600),
        (43200, 3600),
    ],
)
def test_ticks_are_at_round_times(end: float, step: float) -> None:
    assert time_step(end) == step


def test_no_axis_is_crowded_or_bare() -> None:
    for end in np.geomspace(0.05, 3e6, 400):
        assert 3 <= end / time_step(end) <= 12


@pytest.mark.parametrize(
    ("seconds", "end", "step", "text"),
    [
        (0.02, 0.1, 0.01, "0:00.02"),
        (2.5, 3, 0.5, "0:02.5"),
        (9, 120, 1, "0:09"),
        (119.9999999, 120, 10, "2:00"),
        (75, 3599, 15, "1:15"),
        (75, 3600, 15, "0:01:15"),
        (7200, 7200, 600, "2:00:00"),
        (360000, 400000, 36000, "100:00:00"),
    ],
)
def test_times_are_told_in_minutes_and_seconds(
    seconds: float, end: float, step: float, text: str
) -> None:
    assert clock(seconds, end, step) == text
