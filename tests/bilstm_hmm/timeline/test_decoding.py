"""Many recordings at once get the paths that each gets alone."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm.timeline.composite_hmm import CompositeHmm, emotion_posteriors, viterbi
from bilstm_hmm.timeline.decoding import best_paths, posteriors


def composite_of(rng: np.random.Generator, emotions: int, ages: int) -> CompositeHmm:
    leave = rng.uniform(0.01, 0.5)
    return CompositeHmm(
        log_initial=np.log(rng.dirichlet(np.full(emotions, 3.0)))[:, None],
        log_transition=np.zeros((emotions, 1, 1)),
        log_self_loop=float(np.log1p(-leave)),
        log_exit=float(np.log(leave)),
        min_frames=ages,
    )


@given(
    seed=st.integers(0, 100_000),
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=6),
    emotions=st.integers(2, 4),
    ages=st.integers(1, 12),
)
@settings(deadline=None, max_examples=200)
def test_paths_are_those_of_the_recordings_one_by_one(
    seed: int, lengths: list[int], emotions: int, ages: int
) -> None:
    rng = np.random.default_rng(seed)
    composite = composite_of(rng, emotions, ages)
    evidence = np.zeros((max(lengths), len(lengths), emotions))
    for row, length in enumerate(lengths):
        evidence[:length, row] = rng.normal(0.0, rng.uniform(0.1, 2.0), (length, emotions))
    paths = best_paths(composite, evidence, np.array(lengths))
    shares = posteriors(composite, evidence, np.array(lengths))
    assert paths.shape == evidence.shape[:2]
    for row, length in enumerate(lengths):
        alone = evidence[:length, row, :, None]
        np.testing.assert_array_equal(paths[:length, row], viterbi(composite, alone))
        expected = emotion_posteriors(composite, alone)
        np.testing.assert_allclose(shares[:length, row], expected, atol=1e-9)


@pytest.mark.parametrize("ages", [1, 5])
def test_each_may_have_a_prior_of_its_own(ages: int) -> None:
    rng = np.random.default_rng(2)
    composite = composite_of(rng, 3, ages)
    lengths, evidence = np.array([30, 12, 3]), rng.normal(size=(30, 3, 3))
    for row, length in enumerate(lengths):
        evidence[length:, row] = 0.0
    entries = np.log(rng.dirichlet(np.full(3, 0.3), 3))
    paths = best_paths(composite, evidence, lengths, entries)
    shares = posteriors(composite, evidence, lengths, entries)
    for row, length in enumerate(lengths):
        own = replace(composite, log_initial=entries[row][:, None])
        alone = evidence[:length, row, :, None]
        np.testing.assert_array_equal(paths[:length, row], viterbi(own, alone))
        expected = emotion_posteriors(own, alone)
        np.testing.assert_allclose(shares[:length, row], expected, atol=1e-9)


@pytest.mark.parametrize("ages", [1, 7])
def test_no_emotion_is_shorter_than_the_minimum_but_for_the_last(ages: int) -> None:
    rng = np.random.default_rng(1)
    composite = composite_of(rng, 3, ages)
    evidence = rng.normal(0.0, 3.0, (200, 5, 3)).astype(np.float32)
    paths = best_paths(composite, evidence, np.full(5, 200))
    for path in paths.T:
        borders = np.flatnonzero(np.diff(path, prepend=-1))
        assert len(borders) > 3
        assert np.diff(borders).min() >= ages
