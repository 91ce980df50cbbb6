"""What is settled of a path is the path's beginning, whatever comes behind."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm.arrays import FloatMatrix, Indices
from bilstm_hmm.config.schema import TimelineSettings
from bilstm_hmm.timeline.composite_hmm import CompositeHmm, build_composite
from bilstm_hmm.timeline.decoding import posteriors, viterbi
from bilstm_hmm.timeline.online_viterbi import resume_inside, stable_prefix

RATE = 12.5


def composite_of(minimum: float = 0.4, emotions: int = 3, expected: float = 2.0) -> CompositeHmm:
    even = np.full(emotions, 1.0 / emotions)
    return build_composite(
        even, RATE, TimelineSettings(expected_duration=expected, min_duration=minimum)
    )


def turns(seed: int, frames: int, strength: float = 1.0, emotions: int = 3) -> FloatMatrix:
    """Scores ``[T, E]`` of an emotion that changes now and then."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(rng.integers(0, emotions, frames), 12)[:frames]
    return strength * (np.eye(emotions)[truth] + rng.normal(size=(frames, emotions)))


def best_path(
    composite: CompositeHmm, scores: FloatMatrix, before: FloatMatrix | None = None
) -> Indices:
    return viterbi(composite, scores[:, None], before=before)[:, 0]


def curve(
    composite: CompositeHmm, scores: FloatMatrix, before: FloatMatrix | None = None
) -> FloatMatrix:
    return posteriors(composite, scores[:, None], before=before)[:, 0]


@given(
    seed=st.integers(0, 10_000),
    frames=st.integers(1, 80),
    minimum=st.sampled_from([0.01, 0.4, 1.2]),
    strength=st.sampled_from([0.3, 1.0, 3.0]),
    inside=st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_nothing_to_come_changes_what_is_settled(
    seed: int, frames: int, minimum: float, strength: float, inside: bool
) -> None:
    composite, scores = composite_of(minimum), turns(seed, 120, strength)
    before = resume_inside(seed % 3, 3) if inside else None
    known = stable_prefix(composite, scores[:frames], before)
    assert len(known) <= frames
    for future in range(6):
        rest = turns(seed + future, 60, 5.0 if future % 2 else 0.5)
        whole = best_path(composite, np.concatenate([scores[:frames], rest]), before)
        np.testing.assert_array_equal(whole[: len(known)], known)


def test_as_much_is_settled_as_can_be() -> None:
    """With frames that leave no doubt all but the last few, which may begin something."""
    composite, scores = composite_of(), turns(0, 100, 20.0)
    assert len(stable_prefix(composite, scores)) >= 100 - 2 * composite.min_frames
    assert len(stable_prefix(composite, scores[: composite.min_frames - 1])) == 0
    # Frames that say nothing settle nothing.
    assert len(stable_prefix(composite, np.zeros((60, 3)))) == 0


@pytest.mark.parametrize("seed", range(8))
def test_decoding_goes_on_in_the_middle_of_an_emotion(seed: int) -> None:
    composite, scores = composite_of(), turns(seed, 200)
    whole = best_path(composite, scores)
    known = stable_prefix(composite, scores)
    boundaries = np.flatnonzero(np.diff(known)) + 1
    assert len(boundaries) > 2
    for boundary in boundaries.tolist():
        # At a boundary a new emotion is entered, as where a recording begins.
        np.testing.assert_array_equal(best_path(composite, scores[boundary:]), whole[boundary:])
    for cut in range(composite.min_frames, len(known)):
        if len(set(whole[cut - composite.min_frames : cut])) == 1:
            before = resume_inside(int(whole[cut - 1]), 3)
            found = best_path(composite, scores[cut:], before)
            np.testing.assert_array_equal(found, whole[cut:])


def test_posteriors_in_the_middle_of_an_emotion_know_it() -> None:
    """As those of a recording whose first frames leave no doubt, where every frame is mature."""
    composite, scores = composite_of(0.01), turns(4, 90, 0.5)
    sure = np.zeros((40, 3))
    sure[:, 1] = 50.0
    whole = curve(composite, np.concatenate([sure, scores]))[40:]
    found = curve(composite, scores, resume_inside(1, 3))
    np.testing.assert_allclose(found, whole, atol=1e-6)
    assert not np.allclose(curve(composite, scores)[0], whole[0], atol=0.05)
