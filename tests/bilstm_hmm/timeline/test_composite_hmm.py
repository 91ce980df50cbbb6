"""The composite HMM has the durations and the prior that it was asked for."""

import numpy as np
import pytest

from bilstm_hmm.config.schema import TimelineSettings
from bilstm_hmm.timeline.composite_hmm import (
    DEFAULT_EXPECTED_DURATION,
    DEFAULT_MIN_DURATION,
    CompositeHmm,
    build_composite,
    log_prior,
)

EVEN = np.array([0.5, 0.5])


def expected_frames(composite: CompositeHmm) -> float:
    """Frames until an emotion is left, on average: those of the block and the geometric rest."""
    rest = np.exp(composite.log_exit + composite.log_self_loop * np.arange(20_000))
    return float(composite.min_frames - 1 + rest @ np.arange(1, 20_001))


@pytest.mark.parametrize(
    ("rate", "minimum", "frames"),
    [
        (25.0, 0.6, 15),
        (10.0, 0.61, 7),
        (10.0, 0.65, 7),
        # 3.0000000000000004 in floating point.
        (10.0, 0.1 + 0.2, 3),
        (10.0, 0.300001, 4),
        (1.0, 0.01, 1),
    ],
)
def test_a_minimum_between_two_frames_is_rounded_up(
    rate: float, minimum: float, frames: int
) -> None:
    settings = TimelineSettings(min_duration=minimum)
    assert build_composite(EVEN, rate, settings).min_frames == frames


@pytest.mark.parametrize(("expected", "minimum"), [(4.0, 0.6), (2.0, 1.0), (10.0, 0.1)])
def test_an_emotion_lasts_as_long_as_expected(expected: float, minimum: float) -> None:
    rate = 25.0
    settings = TimelineSettings(expected_duration=expected, min_duration=minimum)
    composite = build_composite(EVEN, rate, settings)
    assert expected_frames(composite) / rate == pytest.approx(expected, rel=1e-6)
    assert np.exp(composite.log_self_loop) + np.exp(composite.log_exit) == pytest.approx(1.0)


def test_an_emotion_that_is_expected_to_end_at_once_may_go_on() -> None:
    """Longer by a frame, on average, than it has to be."""
    composite = build_composite(
        EVEN, 10.0, TimelineSettings(expected_duration=0.5, min_duration=2.0)
    )
    assert composite.min_frames == 20
    assert np.exp(composite.log_exit) == pytest.approx(0.5)
    assert expected_frames(composite) == pytest.approx(21.0)


def test_durations_that_are_open_have_defaults() -> None:
    explicit = TimelineSettings(
        expected_duration=DEFAULT_EXPECTED_DURATION, min_duration=DEFAULT_MIN_DURATION
    )
    found, expected = (
        build_composite(EVEN, 12.5, settings) for settings in (TimelineSettings(), explicit)
    )
    assert (found.min_frames, found.log_exit) == (expected.min_frames, expected.log_exit)
    assert found.min_frames == 8
    assert expected_frames(found) == pytest.approx(50.0)


def test_the_prior_is_normalised_and_rules_nothing_out() -> None:
    np.testing.assert_allclose(np.exp(log_prior(np.array([3.0, 1.0]))), [0.75, 0.25])
    floored = np.exp(log_prior(np.array([1.0, 0.0])))
    np.testing.assert_allclose(floored, [1.0 / 1.001, 0.001 / 1.001])
    composite = build_composite(np.array([1.0, 0.0]), 10.0, TimelineSettings())
    np.testing.assert_allclose(np.exp(composite.log_initial), floored)
