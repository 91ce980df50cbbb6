"""The decoder against all paths written out, and against hmmlearn on an HMM with every age."""

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hmmlearn.hmm import GaussianHMM
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from bilstm_hmm.config.schema import TimelineSettings
from bilstm_hmm.timeline.composite_hmm import CompositeHmm, build_composite
from bilstm_hmm.timeline.decoding import posteriors, viterbi

State = tuple[int, int]  # emotion, age


def random_composite(rng: np.random.Generator, min_frames: int, emotions: int = 2) -> CompositeHmm:
    timing = TimelineSettings(
        min_duration=float(min_frames),
        expected_duration=min_frames + float(rng.uniform(0.5, 6.0)),
    )
    return build_composite(rng.dirichlet(np.full(emotions, 2.0)), 1.0, timing)


def successors(composite: CompositeHmm, state: State) -> Iterator[tuple[State, float]]:
    """What may follow a state, and its log probability, written down from the definition."""
    emotion, age = state
    if age < composite.min_frames - 1:
        yield (emotion, age + 1), 0.0
        return
    yield (emotion, age), composite.log_self_loop
    for entered, log_initial in enumerate(composite.log_initial):
        yield (entered, 0), composite.log_exit + log_initial


def all_paths(composite: CompositeHmm, scores: np.ndarray) -> Iterator[tuple[list[int], float]]:
    """Every sequence of states as one of emotions, with its log score."""

    def extend(path: list[State], weight: float) -> Iterator[tuple[list[int], float]]:
        if len(path) == len(scores):
            yield [emotion for emotion, _ in path], weight
            return
        for following, step in successors(composite, path[-1]):
            yield from extend([*path, following], weight + step + scores[len(path), following[0]])

    for emotion, log_initial in enumerate(composite.log_initial):
        yield from extend([(emotion, 0)], log_initial + scores[0, emotion])


def summed(paths: Iterator[tuple[list[int], float]], shape: tuple[int, ...]) -> np.ndarray:
    """The probability of each emotion at each frame."""
    shares = np.zeros(shape)
    for path, weight in paths:
        shares[np.arange(len(path)), path] += np.exp(weight)
    return shares / shares.sum(axis=1, keepdims=True)


def alone(decoder, composite, scores):  # type: ignore[no-untyped-def]
    """Decode a single recording, ``[T, E]``."""
    return decoder(composite, scores[:, None])[:, 0]


@given(
    seed=st.integers(0, 100_000),
    min_frames=st.integers(1, 4),
    frames=st.integers(1, 7),
)
@settings(deadline=None, max_examples=40)
def test_paths_and_posteriors_are_those_of_all_paths(
    seed: int, min_frames: int, frames: int
) -> None:
    rng = np.random.default_rng(seed)
    composite = random_composite(rng, min_frames)
    scores = rng.normal(0.0, 3.0, (frames, 2))
    best, _ = max(all_paths(composite, scores), key=lambda path: path[1])
    assert alone(viterbi, composite, scores).tolist() == best
    expected = summed(all_paths(composite, scores), scores.shape)
    np.testing.assert_allclose(alone(posteriors, composite, scores), expected, atol=1e-12)


def plain_hmm(composite: CompositeHmm) -> tuple[list[State], np.ndarray, np.ndarray]:
    """The composite with a state for every age: its states, start and transition probabilities."""
    states = list(itertools.product(range(len(composite.log_initial)), range(composite.min_frames)))
    start, transition = np.zeros(len(states)), np.zeros((len(states), len(states)))
    for row, state in enumerate(states):
        if state[1] == 0:
            start[row] = np.exp(composite.log_initial[state[0]])
        for following, step in successors(composite, state):
            transition[row, states.index(following)] += np.exp(step)
    return states, start, transition


@pytest.mark.parametrize("min_frames", [1, 2, 7])
def test_long_recordings_agree_with_hmmlearn(min_frames: int) -> None:
    rng = np.random.default_rng(min_frames)
    composite = random_composite(rng, min_frames, emotions=3)
    states, start, transition = plain_hmm(composite)
    means = np.array([-1.5, 0.0, 2.0])
    model = GaussianHMM(n_components=len(states), covariance_type="diag")
    # These check that the probabilities are those of an HMM.
    model.startprob_, model.transmat_ = start, transition
    model.means_ = means[[emotion for emotion, _ in states]][:, None]
    model.covars_ = np.ones((len(states), 1))
    sequence, _ = model.sample(600, random_state=min_frames)
    scores = norm.logpdf(sequence, means)
    expected = [states[state][0] for state in model.predict(sequence)]
    assert len(set(expected)) == 3
    assert alone(viterbi, composite, scores).tolist() == expected
    by_state = model.predict_proba(sequence)
    by_emotion = by_state.reshape(len(sequence), 3, min_frames).sum(axis=2)
    np.testing.assert_allclose(alone(posteriors, composite, scores), by_emotion, atol=1e-8)


@given(
    seed=st.integers(0, 100_000),
    min_frames=st.integers(1, 12),
    frames=st.integers(1, 60),
    spread=st.sampled_from([0.1, 3.0, 300.0]),
)
@settings(deadline=None, max_examples=40)
def test_no_emotion_is_shorter_than_the_minimum_but_for_the_last(
    seed: int, min_frames: int, frames: int, spread: float
) -> None:
    rng = np.random.default_rng(seed)
    composite = random_composite(rng, min_frames, emotions=3)
    path = alone(viterbi, composite, rng.normal(0.0, spread, (frames, 3)))
    lengths = [len(list(run)) for _, run in itertools.groupby(path.tolist())]
    assert all(length >= min_frames for length in lengths[:-1])
    assert frames >= min_frames or len(lengths) == 1


@given(
    seed=st.integers(0, 100_000), frames=st.integers(1, 80), spread=st.sampled_from([1.0, 500.0])
)
@settings(deadline=None, max_examples=40)
def test_posteriors_sum_to_one(seed: int, frames: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    composite = random_composite(rng, 5, emotions=3)
    found = posteriors(composite, rng.normal(0.0, spread, (frames, 2, 3)))
    assert found.shape == (frames, 2, 3)
    assert found.min() >= 0.0
    np.testing.assert_allclose(found.sum(axis=2), 1.0, atol=1e-9)


@given(
    seed=st.integers(0, 100_000),
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=6),
    emotions=st.integers(2, 4),
    min_frames=st.integers(1, 12),
    own=st.booleans(),
)
@settings(deadline=None, max_examples=40)
def test_recordings_together_are_the_recordings_one_by_one(
    seed: int, lengths: list[int], emotions: int, min_frames: int, own: bool
) -> None:
    """With the prior of all or each with its own."""
    rng = np.random.default_rng(seed)
    composite = random_composite(rng, min_frames, emotions)
    scores = np.zeros((max(lengths), len(lengths), emotions))
    for n, length in enumerate(lengths):
        scores[:length, n] = rng.normal(0.0, rng.uniform(0.1, 2.0), (length, emotions))
    priors = np.log(rng.dirichlet(np.full(emotions, 0.5), len(lengths)))
    batch = (np.array(lengths), priors if own else None)
    paths = viterbi(composite, scores, *batch)
    shares = posteriors(composite, scores, *batch)
    assert paths.shape == scores.shape[:2]
    assert paths.dtype == np.intp
    for n, length in enumerate(lengths):
        single = replace(composite, log_initial=priors[n]) if own else composite
        expected = alone(viterbi, single, scores[:length, n])
        np.testing.assert_array_equal(paths[:length, n], expected)
        expected = alone(posteriors, single, scores[:length, n])
        np.testing.assert_allclose(shares[:length, n], expected, atol=1e-9)


def test_single_precision_scores_are_added_in_double() -> None:
    rng = np.random.default_rng(3)
    composite = random_composite(rng, 3, emotions=3)
    scores = rng.normal(0.0, 1.0, (3000, 2, 3)).astype(np.float32)
    found = posteriors(composite, scores)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, posteriors(composite, scores.astype(np.float64)), atol=1e-12)


def test_the_scores_are_left_as_they_are() -> None:
    rng = np.random.default_rng(4)
    composite = random_composite(rng, 3)
    scores = rng.normal(size=(20, 2, 2))
    kept = scores.copy(), composite.log_initial.copy()
    viterbi(composite, scores)
    posteriors(composite, scores, np.array([20, 20]))
    for now, then in zip((scores, composite.log_initial), kept, strict=True):
        np.testing.assert_array_equal(now, then)
