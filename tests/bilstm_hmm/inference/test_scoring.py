"""Clips together and alone; speech segments as clips of their own; one session for all threads."""

import copy
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bilstm_hmm.inference import scoring
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.scoring import Scorer, make_segmenter
from bilstm_hmm.inference.speech_cutter import align_utterance
from tests.oracle import EMOTIONS, say, talk


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    """A minute of many utterances by one voice, with pauses."""
    return talk(*(EMOTIONS[n % 5] for n in range(24)), speaker=3)


def test_clips_get_together_what_they_get_alone(model: Model, samples: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    clips = []
    for seconds in (0.01, 0.3, 2.0, 2.1, 2.2, 9.0, 14.0, 3.0, 3.0):
        first = int(rng.integers(0, len(samples) - 14 * 16000))
        clips.append(samples[first : first + round(seconds * 16000)])
    together = model.scorer.score_clips(clips)
    for clip, found in zip(clips, together, strict=True):
        alone = model.score(clip)
        for name in ("clip_logits", "frame_logits", "frame_log_likelihoods"):
            np.testing.assert_allclose(getattr(found, name), getattr(alone, name), atol=2e-4)
        assert (found.rate, found.start, found.end) == (alone.rate, alone.start, alone.end)


def test_a_segment_is_scored_as_a_clip_of_its_own(model: Model, samples: np.ndarray) -> None:
    segmenter = make_segmenter(model.bundle.recipe)
    segments = segmenter.push(samples) + segmenter.flush()
    scores = model.scorer.score_speech(samples)
    assert len(segments) == len(scores) > 8
    for segment, scored in zip(segments, scores, strict=True):
        aligned = align_utterance(segment, 16000)
        alone = model.score(aligned.samples)
        np.testing.assert_allclose(scored.frame_logits, alone.frame_logits, atol=1e-4)
        np.testing.assert_allclose(
            scored.frame_log_likelihoods, alone.frame_log_likelihoods, atol=1e-3
        )
        assert scored.start == pytest.approx(max(0.0, aligned.start / 16000 + alone.start))
        assert scored.end == pytest.approx(aligned.start / 16000 + alone.end)


def test_silence_has_no_segments(model: Model) -> None:
    silence = np.zeros(16000 * 12, np.float32)
    assert model.scorer.score_speech(silence) == ()
    assert model.scorer.score_segments([]) == ()
    (segment,) = model.predict(silence, 16000).segments
    assert (segment.start, segment.end, segment.emotion) == (0.0, 12.0, "no speech")


def test_threads_share_one_session(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []

    def open_session(*_: object) -> object:
        opened.append(object())
        return opened[-1]

    monkeypatch.setattr(scoring, "open_session", open_session)
    scorer = Scorer(model.bundle)
    assert not opened  # a model that labels nothing opens none
    with ThreadPoolExecutor(4) as pool:
        sessions = list(pool.map(lambda _: scorer.session, range(8)))
    assert sessions == opened * 8


def test_a_model_in_use_can_be_copied(model: Model) -> None:
    clip = say("angry", 0, 0)
    scores = model.score(clip)
    np.testing.assert_array_equal(copy.deepcopy(model).score(clip).clip_logits, scores.clip_logits)
