"""Recordings are made of whole clips of one speaker, of every speaker in turn."""

from dataclasses import replace
from itertools import groupby

import numpy as np
import pytest

from bilstm_hmm.timeline import simulated_recordings
from bilstm_hmm.timeline.simulated_recordings import NO_LABEL, simulate_recordings
from tests.bilstm_hmm.timeline.made_scores import CLASSES, outputs, simulated


def test_recordings_are_made_of_whole_clips_of_one_speaker() -> None:
    made = outputs()
    # Centered already: the clip can be told from it.
    numbered = [
        np.tile(np.float32([clip, 0.0, -clip]), (len(logits), 1))
        for clip, logits in enumerate(made.frame_logits)
    ]
    recordings = simulated(replace(made, frame_logits=numbered))
    shape = (max(recordings.lengths), 5 * simulated_recordings.RECORDINGS_PER_SPEAKER, 3)
    assert recordings.frame_logits.shape == recordings.frame_log_likelihoods.shape == shape
    assert recordings.labels.shape == recordings.mask.shape == shape[:2]
    clip_of = np.round(recordings.frame_logits[..., 0] * recordings.logit_std).astype(int)
    for column, length in enumerate(recordings.lengths):
        clips = clip_of[:length, column]
        labels = recordings.labels[:length, column]
        np.testing.assert_array_equal(labels, made.labels[clips])
        for clip, frames in groupby(clips):
            # Twice where it comes again.
            assert len(list(frames)) % len(made.frame_logits[clip]) == 0
        assert len(set(made.speakers[clips])) == 1
        emotions = [CLASSES[label] for label, _ in groupby(labels)]
        assert set(emotions[1::2]) == {"neutral"}
        assert 3 <= len(emotions[::2]) <= 8
    # One of every speaker, then another of every speaker.
    speakers = made.speakers[clip_of[0]]
    np.testing.assert_array_equal(speakers, np.tile(np.arange(5), 4))


def test_nothing_stands_behind_the_end_of_a_recording() -> None:
    recordings = simulated(outputs())
    assert len(set(recordings.lengths)) > 1
    for column, length in enumerate(recordings.lengths):
        assert recordings.mask[:length, column].all()
        assert not recordings.mask[length:, column].any()
        assert (recordings.labels[length:, column] == NO_LABEL).all()
        assert not recordings.frame_logits[length:, column].any()
        assert not recordings.frame_log_likelihoods[length:, column].any()


def test_both_scores_are_centered_and_in_their_own_units() -> None:
    made = outputs()
    louder = [100.0 * scores + 7.0 for scores in made.frame_log_likelihoods]
    recordings, other = simulated(made), simulated(replace(made, frame_log_likelihoods=louder))
    np.testing.assert_allclose(
        other.frame_log_likelihoods, recordings.frame_log_likelihoods, atol=1e-4
    )
    assert other.log_likelihood_std == pytest.approx(100.0 * recordings.log_likelihood_std)
    assert other.logit_std == recordings.logit_std
    for scores in (recordings.frame_logits, recordings.frame_log_likelihoods):
        assert scores.dtype == np.float32
        np.testing.assert_allclose(scores.sum(axis=2), 0.0, atol=1e-5)
        assert scores[recordings.mask].std() == pytest.approx(1.0, abs=1e-4)


def test_scores_that_are_all_alike_have_a_unit_as_well() -> None:
    made = outputs()
    silent = [np.zeros_like(scores) for scores in made.frame_log_likelihoods]
    recordings = simulated(replace(made, frame_log_likelihoods=silent))
    assert recordings.log_likelihood_std == 1e-6
    assert not recordings.frame_log_likelihoods.any()


def test_no_more_is_made_than_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = simulated(outputs())
    monkeypatch.setattr(simulated_recordings, "MAX_FRAMES", int(whole.lengths[:3].sum()))
    np.testing.assert_array_equal(simulated(outputs()).lengths, whole.lengths[:3])


def test_the_seed_decides() -> None:
    one, same, other = (simulated(outputs(), seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.labels, same.labels)
    assert one.labels.shape != other.labels.shape or (one.labels != other.labels).any()


def test_speakers_of_one_emotion_are_left_out() -> None:
    made = outputs()
    made.labels[made.speakers == 2] = 1
    recordings = simulated(made)
    assert len(recordings.lengths) == 4 * simulated_recordings.RECORDINGS_PER_SPEAKER
    made.labels[:] = 1
    assert (
        simulate_recordings(
            made.frame_logits,
            made.frame_log_likelihoods,
            made.labels,
            made.speakers,
            CLASSES,
            1,
        )
        is None
    )
