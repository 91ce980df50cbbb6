"""What counts as a gain over the bundle that a fine-tuning starts from."""

from dataclasses import replace

import numpy as np
import pytest

from bilstm_hmm.training.fine_tuning.choice import is_gain_over
from tests.bilstm_hmm.training.fine_tuning.test_fine_tuning import embedded

CLIPS = embedded(4, takes=20)
ALL = np.ones(3, dtype=np.bool_)


def said(right: np.ndarray) -> np.ndarray:
    """Probabilities that are for the label where `right`, and for the next emotion elsewhere."""
    chosen = np.where(right, CLIPS.labels, (CLIPS.labels + 1) % 3)
    return np.where(np.eye(3, dtype=np.bool_)[chosen], 0.8, 0.1)


def right(*shares: float) -> np.ndarray:
    """Whether clips are right, by the share of each emotion's of each speaker that are."""
    by_speaker = [np.tile(np.arange(20) < 20 * share, 3) for share in shares]
    return np.concatenate(by_speaker)


def is_gain(before: np.ndarray, after: np.ndarray, known: np.ndarray = ALL) -> bool:
    return is_gain_over(said(before), said(after), CLIPS, known, certainty=1.0)


def test_it_is_one_where_all_speakers_gain() -> None:
    before = right(0.5, 0.5, 0.5, 0.5)
    assert is_gain(before, right(0.7, 0.6, 0.65, 0.6))
    assert not is_gain(before, before)
    assert not is_gain(right(0.7, 0.6, 0.65, 0.6), before)


def test_a_single_speaker_who_gains_is_chance_as_long_as_others_lose() -> None:
    before, after = right(0.5, 0.5, 0.5, 0.5), right(1.0, 0.5, 0.45, 0.45)
    assert not is_gain(before, after)
    # Of one speaker the clips alone can say it.
    alone = replace(CLIPS, speakers=np.zeros_like(CLIPS.speakers))
    assert is_gain_over(said(before), said(after), alone, ALL, certainty=1.0)


@pytest.mark.parametrize(("kept", "expected"), [(0.5, True), (0.4, False)])
def test_an_emotion_that_is_new_is_not_paid_for_by_the_others(kept: float, expected: bool) -> None:
    known = np.array([True, True, False])
    is_new = CLIPS.labels == 2
    before = right(0.5, 0.5, 0.5, 0.5) & ~is_new
    after = right(kept, kept, kept, kept) | is_new
    assert is_gain(before, after, known) == expected
