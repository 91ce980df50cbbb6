"""Phrases through the network: as clips of their own, in the order of the recording."""

import numpy as np
import pytest

from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.scoring import RecordingScores
from bilstm_hmm.inference.speech_segments import (
    MAX_SEGMENTS_PER_BATCH,
    SegmentScorer,
    make_segmenter,
    score_segments,
    score_speech,
)
from tests.oracle import EMOTIONS, talk


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    return talk(*(EMOTIONS[n % 5] for n in range(24)), speaker=3)


@pytest.fixture(scope="module")
def found(model: Model, samples: np.ndarray) -> tuple[RecordingScores, ...]:
    return score_speech(samples, model.bundle, model._session)


def test_a_phrase_is_heard_as_a_clip_of_its_own(
    model: Model, samples: np.ndarray, found: tuple[RecordingScores, ...]
) -> None:
    cutter = make_segmenter(model.bundle.recipe)
    phrases = cutter.push(samples) + cutter.flush()
    assert len(phrases) == len(found) > MAX_SEGMENTS_PER_BATCH
    for phrase, evidence in zip(phrases, found, strict=True):
        alone = model.score(phrase.samples)
        np.testing.assert_allclose(evidence.frame_logits, alone.frame_logits, atol=1e-4)
        np.testing.assert_allclose(
            evidence.frame_log_likelihoods, alone.frame_log_likelihoods, atol=1e-3
        )
        assert evidence.start == pytest.approx(phrase.start / 16000 + alone.start)
        assert evidence.end == pytest.approx(phrase.start / 16000 + alone.end)


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("size", [4_000, 50_000, 10**7])
def test_overheard_phrases_are_the_same(
    model: Model, samples: np.ndarray, found: tuple[RecordingScores, ...], jobs: int, size: int
) -> None:
    blocks = np.split(samples, range(size, len(samples), size))
    overheard = SegmentScorer(model.bundle, model._session, jobs)
    passed_on = list(overheard.blocks(blocks))
    np.testing.assert_array_equal(np.concatenate(passed_on), samples)
    for one, other in zip(overheard.evidence(), found, strict=True):
        assert (one.start, one.end) == (other.start, other.end)
        np.testing.assert_allclose(one.frame_logits, other.frame_logits, atol=1e-4)


def test_silence_has_no_phrases(model: Model) -> None:
    silence = np.zeros(16000 * 12, np.float32)
    assert score_speech(silence, model.bundle, model._session) == ()
    assert score_segments([], model.bundle, model._session) == ()
    (segment,) = model.predict(silence).segments
    assert (segment.start, segment.end, segment.emotion) == (0.0, 12.0, "no speech")
