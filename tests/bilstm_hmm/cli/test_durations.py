"""Durations and paces as people say them."""

import pytest

from bilstm_hmm.cli.durations import hours_minutes, pace


def test_the_pace_is_that_since_the_start() -> None:
    assert pace(0, 10, 3.0) == ""
    assert pace(20, 120, 8.0) == "2.5/s, 40 s left"
    assert pace(120, 120, 8.0) == "15/s, 0.0 s left"


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
