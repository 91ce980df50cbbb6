"""The recursions in float64 on long sequences, against plain ones that are written in logarithms.

The references go through a sequence frame by frame and hold every age of an emotion as a state of
its own. A million frames are too many for them here: ``python -m benchmarks.long_sequences``.
"""

import pytest

from benchmarks.long_sequences import (
    compare_bank,
    compare_states,
    compare_timeline,
    random_bank,
    random_scores,
)

FRAMES = 12_000
#: Of probabilities; measured at a million frames: see the benchmark.
TOLERANCE = 1e-6


@pytest.mark.parametrize("scale", [0.1, 3.0, 300.0])
def test_the_timeline_of_an_hour_is_that_of_the_reference(scale: float) -> None:
    agreement = compare_timeline(random_scores(FRAMES, scale))
    assert agreement.posteriors < TOLERANCE
    # Of the paths the scores: where two paths are as good, either is right.
    assert agreement.path_score == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("distance", [1.0, 60.0])
def test_the_forward_algorithm_is_that_of_the_reference(distance: float) -> None:
    """States near one another, and so far that one vanishes beside the other."""
    bank, sequence = random_bank(FRAMES, distance)
    assert compare_bank(bank, sequence) < 1e-9


def test_the_best_states_are_those_of_the_reference() -> None:
    bank, sequence = random_bank(FRAMES, 1.0)
    assert compare_states(bank, sequence) == pytest.approx(0.0, abs=1e-12)
