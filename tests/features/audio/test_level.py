"""The envelope of levels that come a few at a time."""

import numpy as np
from bilstm_hmm.features.audio.level import LookaheadEnvelope
from hypothesis import given
from hypothesis import strategies as st


def follow(levels: np.ndarray, width: int, release: float, cuts: list[int]) -> np.ndarray:
    envelope = LookaheadEnvelope(width, release)
    parts = [envelope.push(part) for part in np.split(levels, sorted(cuts))]
    return np.concatenate([*parts, envelope.flush()])


def by_definition(levels: np.ndarray, width: int, release: float) -> np.ndarray:
    """By a loop over all that came before: the largest of the next levels, fallen since."""
    return np.array(
        [
            max(
                levels[before : before + width].max() - release * (point - before)
                for before in range(point + 1)
            )
            for point in range(len(levels))
        ]
    )


@given(
    seed=st.integers(0, 1000),
    count=st.integers(1, 120),
    width=st.integers(1, 20),
    release=st.sampled_from([0.01, 0.5, 5.0]),
    cuts=st.lists(st.integers(0, 120), max_size=12),
)
def test_it_is_the_peak_ahead_or_what_is_left_of_an_earlier_one(
    seed: int, count: int, width: int, release: float, cuts: list[int]
) -> None:
    levels = np.random.default_rng(seed).uniform(-80.0, 0.0, count)
    found = follow(levels, width, release, [cut for cut in cuts if cut <= count])
    np.testing.assert_allclose(found, by_definition(levels, width, release), atol=1e-9)


def test_levels_one_by_one() -> None:
    levels = np.random.default_rng(0).uniform(-80.0, 0.0, 300)
    whole = follow(levels, 31, 0.01, [])
    np.testing.assert_allclose(follow(levels, 31, 0.01, list(range(1, 300))), whole)


def test_it_is_up_before_the_loud_part_and_falls_slowly() -> None:
    levels = np.full(400, -60.0)
    levels[100] = -10.0
    found = follow(levels, 31, 0.1, [])
    assert (found[:70] == -60.0).all()
    assert (found[70:101] == -10.0).all()
    np.testing.assert_allclose(found[100:], np.maximum(-10.0 - 0.1 * np.arange(300), -60.0))
