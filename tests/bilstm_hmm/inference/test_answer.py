"""Label, probabilities, segments and curves of an answer agree, whatever the scores are."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bilstm_hmm.inference.answer import (
    Answer,
    answers,
    evidence_of,
    scale_to_mean,
    scores_probabilities,
    segment_hmm,
    with_largest,
)
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.scoring import RecordingScores, ScoredRecording
from bilstm_hmm.prediction import NO_SPEECH, Segment, speaking_shares
from bilstm_hmm.timeline.segment_hmm import viterbi

RATE = 12.5

#: Of a clean recording, and of worse ones.
TEMPERATURES = st.sampled_from([1.0, 1.3, 3.0])


@pytest.fixture(scope="module")
def bundle(model: Model) -> Bundle:
    return model.bundle


def scores_of(
    rng: np.random.Generator, start: float, frames: int, spread: float = 2.0
) -> RecordingScores:
    """Random scores of a voice that is now nearer to one emotion, now to another."""
    turns = np.repeat(rng.normal(0.0, spread, (-(-frames // 9), 5)), 9, axis=0)[:frames]
    log_likelihoods = (turns + rng.normal(0.0, 0.3, turns.shape)).astype(np.float32)
    return RecordingScores(
        rng.normal(0.0, spread, 5),
        log_likelihoods,
        log_likelihoods,
        RATE,
        start,
        start + frames / RATE,
    )


def recording_of(rng: np.random.Generator, count: int) -> tuple[ScoredRecording, float]:
    segments, end = [], 0.0
    for _ in range(count):
        start = end + rng.choice([0.2, 0.5, 2.0, 15.0])
        segments.append(scores_of(rng, start, int(rng.integers(2, 50))))
        end = segments[-1].end
    return ScoredRecording(tuple(segments), count == 1), end + float(rng.choice([0.0, 0.3, 20.0]))


def answer_of(
    bundle: Bundle,
    scored: ScoredRecording,
    duration: float,
    curves: bool = True,
    temperature: float = 1.0,
) -> Answer:
    (found,) = answers(bundle, [scored], [duration], curves, [temperature])
    return found


@given(seed=st.integers(0, 100_000), count=st.integers(0, 9), temperature=TEMPERATURES)
def test_all_parts_of_an_answer_agree(
    bundle: Bundle, seed: int, count: int, temperature: float
) -> None:
    scored, duration = recording_of(np.random.default_rng(seed), count)
    found = answer_of(bundle, scored, duration, temperature=temperature)
    shares = speaking_shares(found.segments)
    if count == 0:
        assert found.label is None
        assert shares == {}
        assert not found.probabilities.any()
        return
    label = bundle.classes[found.label]
    assert shares[label] == max(shares.values())
    assert found.probabilities.argmax() == found.label
    # As it is written, too.
    assert np.round(found.probabilities, 4).argmax() == found.label
    assert found.probabilities.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(found.curves.probabilities.sum(axis=1), 1.0, atol=1e-5)
    mean = found.curves.probabilities.mean(axis=0)
    if mean.argmax() == found.label and np.sort(mean)[-1] - np.sort(mean)[-2] > 1e-3:
        np.testing.assert_allclose(found.probabilities, mean, atol=1e-4)
    spoken = [s for s in found.segments if s.emotion != NO_SPEECH]
    for segment in spoken:
        inside = (found.curves.times >= segment.start) & (found.curves.times < segment.end)
        column = bundle.classes.index(segment.emotion)
        own = found.curves.probabilities[inside, column].mean()
        assert segment.confidence == pytest.approx(own, abs=1e-3)
    if len(spoken) == 1:
        assert spoken[0].confidence == pytest.approx(found.probabilities[found.label], abs=1e-4)


@given(seed=st.integers(0, 100_000), count=st.integers(1, 6), temperature=TEMPERATURES)
def test_curves_change_nothing_else(
    bundle: Bundle, seed: int, count: int, temperature: float
) -> None:
    scored, duration = recording_of(np.random.default_rng(seed), count)
    with_curves = answer_of(bundle, scored, duration, temperature=temperature)
    without = answer_of(bundle, scored, duration, curves=False, temperature=temperature)
    assert without.curves is None
    assert without.label == with_curves.label
    np.testing.assert_allclose(without.probabilities, with_curves.probabilities, atol=1e-5)
    for one, other in zip(without.segments, with_curves.segments, strict=True):
        assert (one.start, one.end, one.emotion) == (other.start, other.end, other.emotion)
        assert one.confidence == pytest.approx(other.confidence, abs=1e-5)


@given(seed=st.integers(0, 100_000))
def test_an_utterance_has_the_label_of_the_fusion(bundle: Bundle, seed: int) -> None:
    scores = scores_of(np.random.default_rng(seed), 0.4, 60)
    found = answer_of(bundle, ScoredRecording((scores,), True), scores.end)
    expected = scores_probabilities(bundle, scores)
    assert found.label == expected.argmax()
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-3)


def test_recordings_together_have_the_answers_of_each_alone(bundle: Bundle) -> None:
    made = [recording_of(np.random.default_rng(seed), seed % 4) for seed in range(12)]
    together = answers(bundle, [scored for scored, _ in made], [end for _, end in made], True)
    for one, (scored, end) in zip(together, made, strict=True):
        alone = answer_of(bundle, scored, end)
        assert one.label == alone.label
        assert one.segments == pytest.approx(alone.segments) or all(
            replace(a, confidence=0.0) == replace(b, confidence=0.0)
            for a, b in zip(one.segments, alone.segments, strict=True)
        )
        np.testing.assert_allclose(one.probabilities, alone.probabilities, atol=1e-9)
    assert answers(bundle, [], [], True) == []


def test_several_phrases_are_decoded_one_by_one(bundle: Bundle) -> None:
    scored, duration = recording_of(np.random.default_rng(11), 8)
    evidence = [evidence_of(bundle, scores) for scores in scored.segments]
    path = viterbi(segment_hmm(bundle), evidence)
    found = answer_of(bundle, scored, duration)
    for scores, emotion in zip(scored.segments, path, strict=True):
        middle = 0.5 * (scores.start + scores.end)
        (own,) = [s for s in found.segments if s.start <= middle < s.end]
        assert own.emotion == bundle.classes[emotion]


def test_nobody_speaks(bundle: Bundle) -> None:
    silent = answer_of(bundle, ScoredRecording((), False), 60.0)
    assert silent.segments == (Segment(0.0, 60.0, NO_SPEECH, 1.0),)
    assert silent.curves.probabilities.shape == (0, 5)
    assert answer_of(bundle, ScoredRecording((), False), 0.0).segments == ()


def test_long_silence_is_no_speech(bundle: Bundle) -> None:
    rng = np.random.default_rng(0)
    segments = tuple(scores_of(rng, start, 25) for start in (2.0, 6.0))
    found = answer_of(bundle, ScoredRecording(segments, False), 9.0).segments
    silent = [(s.start, s.end) for s in found if s.emotion == NO_SPEECH]
    assert silent == [(0.0, 2.0), (4.0, 6.0)]


@given(seed=st.integers(0, 100_000), label=st.integers(0, 4))
def test_with_largest_moves_as_little_as_it_must(seed: int, label: int) -> None:
    given_ = np.random.default_rng(seed).dirichlet(np.ones(5))
    found = with_largest(given_, label)
    assert found.argmax() == label
    assert np.round(found, 4).argmax() == label
    assert found.sum() == pytest.approx(1.0)
    if given_.argmax() == label and np.sort(given_)[-2] < given_[label] - 1e-3:
        np.testing.assert_allclose(found, given_)
    # What is less likely than all that was moved stays as it was.
    moved = np.abs(found - given_) > 1e-12
    assert not moved.any() or (given_[~moved] <= given_[moved].mean() + 1e-3).all()


@given(seed=st.integers(0, 100_000), frames=st.integers(1, 60))
def test_scaling_keeps_rows_and_gives_the_mean(seed: int, frames: int) -> None:
    rng = np.random.default_rng(seed)
    posterior, mean = rng.dirichlet(np.ones(5), frames), rng.dirichlet(np.ones(5))
    scaled = scale_to_mean(posterior, mean)
    np.testing.assert_allclose(scaled.sum(axis=1), 1.0)
    np.testing.assert_allclose(scaled.mean(axis=0), mean, atol=5e-3)
