"""The HMM of successive segments, against all paths written out."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm.timeline import segment_hmm
from bilstm_hmm.timeline.segment_hmm import (
    EVIDENCE_WEIGHT,
    INVERSE_TEMPERATURE,
    MAX_GAP,
    SECTION_SILENCE,
    SegmentEvidence,
    SegmentHmm,
    carry_on,
    decode_recording,
    decode_sections,
    log_bayes_factor,
    posteriors,
    segment_evidence,
    stable_prefix,
    viterbi,
)

HMM = SegmentHmm(3, 6.0)


def segments(
    seed: int, count: int, emotions: int = 3, sureness: float = 1.0, gap: float = 2.0
) -> list[SegmentEvidence]:
    rng = np.random.default_rng(seed)
    end, found = 0.0, []
    for _ in range(count):
        start = end + rng.uniform(0.1, gap)
        end = start + rng.uniform(0.3, 4.0)
        probabilities = rng.dirichlet(np.full(emotions, 1.0 / sureness))
        found.append(segment_evidence(start, end, probabilities))
    return found


def all_paths(evidence: list[SegmentEvidence]) -> dict[tuple[int, ...], float]:
    """The log score of every path."""
    scores = {}
    for path in product(range(3), repeat=len(evidence)):
        own = sum(each.log_scores[e] for each, e in zip(evidence, path, strict=True))
        steps = zip(pairwise(evidence), pairwise(path), strict=True)
        scores[path] = own + sum(HMM.log_transition(*two)[change] for two, change in steps)
    return scores


@given(seed=st.integers(0, 10_000), count=st.integers(1, 6))
def test_it_is_what_all_paths_give(seed: int, count: int) -> None:
    evidence = segments(seed, count)
    paths = all_paths(evidence)
    assert tuple(viterbi(HMM, evidence)) == max(paths, key=paths.__getitem__)
    # Each step of a path is tempered, so that sums over paths are those of the tempered steps.
    expected = np.zeros((count, 3))
    for path, score in paths.items():
        expected[np.arange(count), path] += np.exp(INVERSE_TEMPERATURE * score)
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(posteriors(HMM, evidence), expected, atol=1e-9)


@given(seed=st.integers(0, 10_000), count=st.integers(2, 12), parts=st.integers(1, 6))
def test_what_is_carried_on_is_as_if_it_were_there(seed: int, count: int, parts: int) -> None:
    evidence = segments(seed, count)
    first = min(parts, count - 1)
    path = viterbi(HMM, evidence)
    carried = carry_on(HMM, evidence[:first], path[:first])
    np.testing.assert_array_equal(viterbi(HMM, evidence[first:], carried), path[first:])
    np.testing.assert_allclose(
        posteriors(HMM, evidence[first:], carried), posteriors(HMM, evidence)[first:], atol=1e-9
    )


@given(seed=st.integers(0, 10_000), count=st.integers(0, 10), more=st.integers(0, 6))
@settings(max_examples=40)
def test_nothing_to_come_changes_what_is_stable(seed: int, count: int, more: int) -> None:
    evidence = segments(seed, count + more, sureness=3.0)
    stable = stable_prefix(HMM, evidence[:count])
    assert len(stable) <= max(0, count - 1)
    np.testing.assert_array_equal(viterbi(HMM, evidence)[: len(stable)], stable)


def test_sure_segments_are_stable_soon() -> None:
    evidence = [
        segment_evidence(3.0 * n, 3.0 * n + 2.0, np.eye(3)[n % 3] * 0.998 + 0.001) for n in range(9)
    ]
    assert len(stable_prefix(HMM, evidence)) >= 7


def test_the_longer_between_two_segments_the_likelier_a_change() -> None:
    def stays(gap: float) -> float:
        left, right = (segment_evidence(t, t + 2.0, np.ones(3) / 3) for t in (0.0, 2.0 + gap))
        matrix = np.exp(HMM.log_transition(left, right))
        np.testing.assert_allclose(matrix.sum(axis=1), 1.0)
        return float(matrix[0, 0])

    # Middles that are t seconds apart: the same with exp(-t / expected), or drawn anew.
    assert stays(0.5) == pytest.approx(np.exp(-2.5 / 6.0) * 2 / 3 + 1 / 3)
    assert stays(0.1) > stays(1.0) > stays(MAX_GAP) == stays(500.0) > 1 / 3


def test_many_unsure_segments_of_one_emotion_are_one() -> None:
    evidence = [segment_evidence(2.5 * n, 2.5 * n + 2.0, p) for n, p in enumerate(VOICE)]
    hmm = SegmentHmm(3)
    assert log_bayes_factor(hmm, evidence) > 0.0
    path, rows = decode_recording(hmm, evidence)
    assert (path == 1).all()
    assert (rows == rows[0]).all()
    assert rows[0].argmax() == 1
    # Of n segments that are right or wrong together, as much counts as of the root of n.
    total = np.sum([each.log_scores for each in evidence], axis=0)
    logits = INVERSE_TEMPERATURE * total / np.sqrt(len(evidence))
    np.testing.assert_allclose(rows[0], np.exp(logits) / np.exp(logits).sum())


def test_sure_segments_of_several_emotions_are_several() -> None:
    evidence = [
        segment_evidence(2.5 * n, 2.5 * n + 2.0, np.eye(3)[n // 3] * 0.9 + 0.1 / 3)
        for n in range(9)
    ]
    assert log_bayes_factor(SegmentHmm(3), evidence) < 0.0
    path, rows = decode_recording(SegmentHmm(3), evidence)
    np.testing.assert_array_equal(path, np.repeat(np.arange(3), 3))
    np.testing.assert_array_equal(rows, decode_sections(SegmentHmm(3), evidence)[1])


def test_one_emotion_is_one_although_a_segment_says_another() -> None:
    """What is likelier is enough: there need not be so much speech that it is beyond doubt."""
    shares = np.array([0.6, 0.3, 0.1])
    evidence = [
        segment_evidence(4.0 * n, 4.0 * n + 2.0, np.roll(shares, 1) if n == 2 else shares)
        for n in range(6)
    ]
    hmm = SegmentHmm(3)
    assert viterbi(hmm, evidence).tolist() == [0, 0, 1, 0, 0, 0]
    path, _ = decode_recording(hmm, evidence)
    assert path.tolist() == [0] * 6


@given(seed=st.integers(0, 10_000), count=st.integers(2, 8), sureness=st.floats(0.3, 4.0))
def test_a_recording_follows_the_likelier_of_the_two(
    seed: int, count: int, sureness: float
) -> None:
    evidence = segments(seed, count, sureness=sureness)
    path, rows = decode_recording(HMM, evidence)
    if log_bayes_factor(HMM, evidence) >= 0.0:
        assert (path == rows[0].argmax()).all()
        assert (rows == rows[0]).all()
    else:
        changing = decode_sections(HMM, evidence)
        np.testing.assert_array_equal(path, changing[0])
        np.testing.assert_array_equal(rows, changing[1])


@given(seed=st.integers(0, 10_000), count=st.integers(1, 6))
def test_the_bayes_factor_is_what_all_paths_give(seed: int, count: int) -> None:
    evidence = segments(seed, count)
    likelihoods = np.array([each.log_scores for each in evidence]) / EVIDENCE_WEIGHT
    untempered = [
        SegmentEvidence(e.start, e.end, row) for e, row in zip(evidence, likelihoods, strict=True)
    ]
    changing = np.logaddexp.reduce([*all_paths(untempered).values()]) - np.log(3)
    throughout = np.logaddexp.reduce(likelihoods.sum(axis=0)) - np.log(3)
    assert log_bayes_factor(HMM, evidence) == pytest.approx(throughout - changing, abs=1e-9)


#: Of ten segments in one emotion, some are taken for another one.
VOICE = [np.array(p) for p in ([0.5, 0.4, 0.1], *[[0.2, 0.7, 0.1]] * 4, [0.1, 0.3, 0.6])] + [
    np.array([0.25, 0.5, 0.25])
] * 20


def test_a_long_silence_ends_a_section() -> None:
    evidence = segments(3, 6)
    later = [SegmentEvidence(e.start + 100.0, e.end + 100.0, e.log_scores) for e in segments(4, 5)]
    path, rows = decode_sections(HMM, evidence + later)
    np.testing.assert_array_equal(path[:6], viterbi(HMM, evidence))
    np.testing.assert_allclose(rows[:6], posteriors(HMM, evidence))
    carried = carry_on(HMM, evidence, path[:6])
    np.testing.assert_array_equal(path[6:], viterbi(HMM, later, carried))
    assert later[0].start - evidence[-1].end > SECTION_SILENCE


def test_a_section_begins_with_what_was_before_it() -> None:
    """Each of these is a section; one that is unsure takes after the last one before it."""
    sure, unsure = np.eye(3) * 0.97 + 0.01, np.array([0.33, 0.34, 0.33])
    step = SECTION_SILENCE + 1.0
    evidence = [
        segment_evidence(step * place, step * place + 1.0, shares)
        for place, shares in enumerate((sure[0], unsure, sure[2], unsure))
    ]
    path, rows = decode_sections(HMM, evidence)
    assert path.tolist() == [0, 0, 2, 2]
    for count in range(1, 5):
        np.testing.assert_allclose(rows[count - 1], posteriors(HMM, evidence[:count])[-1])


def test_no_segments() -> None:
    path, rows = decode_sections(HMM, [])
    assert len(path) == 0
    assert rows.shape == (0, 3)
    assert len(viterbi(HMM, [])) == len(stable_prefix(HMM, [])) == 0


def test_evidence_is_the_weighted_logarithm() -> None:
    found = segment_evidence(1.0, 2.0, np.array([0.5, 0.5, 0.0]))
    assert found.log_scores[0] == pytest.approx(EVIDENCE_WEIGHT * np.log(0.5))
    assert np.isfinite(found.log_scores).all()


def test_hours_lose_no_digits() -> None:
    evidence = segments(7, 4000)
    _, rows = decode_sections(HMM, evidence)
    np.testing.assert_allclose(rows.sum(axis=1), 1.0, atol=1e-9)
    tail = posteriors(HMM, evidence[-60:])
    np.testing.assert_allclose(rows[-20:], tail[-20:], atol=1e-3)
    assert SegmentHmm(3).expected_duration == segment_hmm.EXPECTED_DURATION
