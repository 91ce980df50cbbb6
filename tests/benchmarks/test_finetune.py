"""What the measurement of fine-tuning draws: as many clips as asked for, and wrong labels."""

import numpy as np
import pytest

from benchmarks.finetune import draw_clips, flip
from bilstm_hmm.training.fine_tuning.embedding import EmbeddedClips


def clips(n_speakers: int = 4, each: int = 10) -> EmbeddedClips:
    labels = np.tile(np.repeat([0, 1, 2], each), n_speakers).astype(np.intp)
    speakers = np.repeat(np.arange(n_speakers), 3 * each)
    hidden = (np.zeros((1, 1), np.float32),) * len(labels)
    return EmbeddedClips(np.zeros((len(labels), 1)), hidden, labels, speakers)


def test_clips_are_drawn_of_each_emotion_and_of_the_voices_in_turn() -> None:
    known = clips()
    drawn = draw_clips(known, np.array([1, 3]), 5, np.random.default_rng(0))
    assert np.bincount(drawn.labels).tolist() == [5, 5, 5]
    assert len(set(drawn.positions.tolist())) == 15
    assert np.bincount(known.speakers[drawn.positions]).tolist() == [0, 9, 0, 6]


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_a_share_of_the_labels_is_wrong_and_five_of_each_stay(share: float) -> None:
    labels = np.repeat([0, 1, 2], 20).astype(np.intp)
    flipped = flip(labels, 3, share, np.random.default_rng(0))
    assert (flipped != labels).sum() == round(60 * share)
    assert np.bincount(flipped, minlength=3).min() >= 5
