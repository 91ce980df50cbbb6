import itertools
from collections.abc import Iterator

import librosa
import numpy as np
import pytest
from hmmlearn.hmm import GaussianHMM
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from bilstm_hmm.config.schema import TimelineSettings
from bilstm_hmm.hmm.bank import HmmBank, bank_from_models, log_densities
from bilstm_hmm.timeline.composite_hmm import (
    CompositeHmm,
    apply_temperature,
    compose,
    emotion_posteriors,
    viterbi,
)

State = tuple[int, int, int]  # emotion, HMM state, age


def random_bank(
    rng: np.random.Generator, emotions: int = 2, states: int = 2, left_right: bool = False
) -> HmmBank:
    starts, transitions = [], []
    for _ in range(emotions):
        allowed = np.ones((states, states))
        start = rng.uniform(0.1, 1.0, states)
        if left_right:
            allowed, start = np.triu(np.tri(states, k=1)), np.eye(states)[0]
        transition = allowed * rng.uniform(0.1, 1.0, (states, states))
        starts.append(start / start.sum())
        transitions.append(transition / transition.sum(axis=1, keepdims=True))
    means = [rng.normal(0.0, 3.0, (states, 2)) for _ in range(emotions)]
    covariances = [np.tile(np.eye(2), (states, 1, 1))] * emotions
    return bank_from_models(starts, transitions, means, covariances)


def random_composite(
    rng: np.random.Generator,
    ages: int,
    emotions: int = 2,
    states: int = 2,
    left_right: bool = False,
) -> CompositeHmm:
    bank = random_bank(rng, emotions, states, left_right)
    prior = rng.dirichlet(np.ones(emotions))
    timing = TimelineSettings(minimum=float(ages), dwell=ages + float(rng.uniform(0.5, 6.0)))
    return compose(bank.log_startprob, bank.log_transmat, prior, 1.0, timing)


def successors(composite: CompositeHmm, state: State) -> Iterator[tuple[State, float]]:
    """What may follow a composite state, written down from its definition."""
    emotion, source, age = state
    emotions, states = composite.log_initial.shape
    oldest = composite.min_frames - 1
    for target in range(states):
        step = composite.log_transition[emotion, source, target]
        if age < oldest:
            yield (emotion, target, age + 1), step
        else:
            yield (emotion, target, oldest), step + composite.log_self_loop
    if age == oldest:
        for entered, target in itertools.product(range(emotions), range(states)):
            leave = composite.log_exit + composite.log_initial[entered, target]
            yield (entered, target, 0), leave


def all_paths(
    composite: CompositeHmm, densities: np.ndarray
) -> Iterator[tuple[list[State], float]]:
    def extend(path: list[State], weight: float) -> Iterator[tuple[list[State], float]]:
        if len(path) == len(densities):
            yield path, weight
            return
        for following, step in successors(composite, path[-1]):
            if np.isfinite(step):
                emission = densities[len(path), following[0], following[1]]
                yield from extend([*path, following], weight + step + emission)

    for emotion, state in np.ndindex(composite.log_initial.shape):
        first = composite.log_initial[emotion, state]
        if np.isfinite(first):
            yield from extend([(emotion, state, 0)], first + densities[0, emotion, state])


CASES = {
    "seed": st.integers(0, 100_000),
    "ages": st.integers(1, 4),
    "frames": st.integers(1, 6),
    "left_right": st.booleans(),
}


@given(**CASES)
@settings(deadline=None, max_examples=60)
def test_viterbi_finds_the_best_of_all_paths(
    seed: int, ages: int, frames: int, left_right: bool
) -> None:
    rng = np.random.default_rng(seed)
    composite = random_composite(rng, ages, left_right=left_right)
    densities = rng.normal(0.0, 3.0, (frames, 2, 2))
    best, _ = max(all_paths(composite, densities), key=lambda found: found[1])
    assert viterbi(composite, densities).tolist() == [emotion for emotion, _, _ in best]


@given(**CASES)
@settings(deadline=None, max_examples=60)
def test_posteriors_sum_over_all_paths(seed: int, ages: int, frames: int, left_right: bool) -> None:
    rng = np.random.default_rng(seed)
    composite = random_composite(rng, ages, left_right=left_right)
    densities = rng.normal(0.0, 3.0, (frames, 2, 2))
    expected = np.zeros((frames, 2))
    for path, weight in all_paths(composite, densities):
        for t, (emotion, _, _) in enumerate(path):
            expected[t, emotion] += np.exp(weight)
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(emotion_posteriors(composite, densities), expected, atol=1e-9)


def expanded(composite: CompositeHmm) -> tuple[list[State], np.ndarray, np.ndarray]:
    """The composite as one plain HMM: its states, start and transition probabilities."""
    emotions, states = composite.log_initial.shape
    names = list(itertools.product(range(emotions), range(states), range(composite.min_frames)))
    place = {name: i for i, name in enumerate(names)}
    transition = np.zeros((len(names), len(names)))
    start = np.zeros(len(names))
    for name in names:
        for following, step in successors(composite, name):
            transition[place[name], place[following]] += np.exp(step)
        if name[2] == 0:
            start[place[name]] = np.exp(composite.log_initial[name[0], name[1]])
    return names, start, transition


@given(seed=st.integers(0, 100_000), ages=st.integers(1, 9), left_right=st.booleans())
@settings(deadline=None, max_examples=25)
def test_the_composite_is_a_proper_hmm(seed: int, ages: int, left_right: bool) -> None:
    composite = random_composite(np.random.default_rng(seed), ages, 3, 2, left_right)
    _, start, transition = expanded(composite)
    assert start.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(transition.sum(axis=1), 1.0)


@pytest.mark.parametrize("ages", [2, 5, 11])
def test_viterbi_agrees_with_librosa(ages: int) -> None:
    rng = np.random.default_rng(ages)
    composite = random_composite(rng, ages, emotions=4, states=3)
    densities = rng.normal(0.0, 1.5, (200, 4, 3))
    names, start, transition = expanded(composite)
    emissions = np.stack([densities[:, e, s] for e, s, _ in names])
    shares = np.exp(emissions - emissions.max())
    states = librosa.sequence.viterbi(shares, transition, p_init=start)
    expected = [names[state][0] for state in states]
    assert len(set(expected)) > 1
    assert viterbi(composite, densities).tolist() == expected


@pytest.mark.parametrize("ages", [2, 6])
def test_viterbi_of_posteriors_agrees_with_librosa(ages: int) -> None:
    """A network's posteriors, divided by how likely each emotion is, count as densities."""
    rng = np.random.default_rng(ages)
    composite = random_composite(rng, ages, emotions=4, states=1)
    names, start, transition = expanded(composite)
    shares = rng.dirichlet(np.full(4, 0.7), 300)
    usual = rng.dirichlet(np.full(4, 5.0))
    # The ages of an emotion share its probability.
    own = [e for e, _, _ in names]
    states = librosa.sequence.viterbi_discriminative(
        shares[:, own].T / ages, transition, p_state=usual[own] / ages, p_init=start
    )
    expected = [own[state] for state in states]
    assert len(set(expected)) > 1
    densities = np.log(shares / usual)[:, :, None]
    assert viterbi(composite, densities).tolist() == expected


@pytest.mark.parametrize("ages", [2, 4])
def test_paths_and_posteriors_agree_with_hmmlearn(ages: int) -> None:
    rng = np.random.default_rng(ages)
    composite = random_composite(rng, ages, emotions=3, states=2)
    names, start, transition = expanded(composite)
    means = np.array([[-3.0, -2.0], [0.0, 0.5], [2.0, 3.0]])
    model = GaussianHMM(n_components=len(names), covariance_type="diag")
    model.startprob_, model.transmat_ = start, transition
    model.means_ = np.array([[means[e, s]] for e, s, _ in names])
    model.covars_ = np.ones((len(names), 1))
    sequence, _ = model.sample(400, random_state=ages)
    densities = norm.logpdf(sequence[:, :, None], means[None])
    path = [names[state][0] for state in model.predict(sequence)]
    assert len(set(path)) > 1
    assert viterbi(composite, densities).tolist() == path
    shares = model.predict_proba(sequence)
    expected = np.stack(
        [shares[:, [e == own for e, _, _ in names]].sum(axis=1) for own in range(3)], axis=1
    )
    np.testing.assert_allclose(emotion_posteriors(composite, densities), expected, atol=1e-8)


@given(
    seed=st.integers(0, 100_000),
    ages=st.integers(1, 12),
    frames=st.integers(1, 60),
    spread=st.sampled_from([0.1, 3.0, 300.0]),
)
@settings(deadline=None, max_examples=60)
def test_no_emotion_is_shorter_than_the_minimum(
    seed: int, ages: int, frames: int, spread: float
) -> None:
    rng = np.random.default_rng(seed)
    composite = random_composite(rng, ages, emotions=3, states=2)
    densities = rng.normal(0.0, spread, (frames, 3, 2))
    path = viterbi(composite, densities)
    borders = [0, *(np.flatnonzero(np.diff(path)) + 1).tolist(), frames]
    lengths = np.diff(borders)
    # The end of the recording may cut the last one.
    assert np.all(lengths[:-1] >= ages)
    if frames < ages:
        assert len(lengths) == 1


@given(
    seed=st.integers(0, 100_000), frames=st.integers(1, 80), spread=st.sampled_from([1.0, 500.0])
)
@settings(deadline=None, max_examples=40)
def test_posteriors_sum_to_one(seed: int, frames: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    composite = random_composite(rng, 5, emotions=3, states=2)
    posteriors = emotion_posteriors(composite, rng.normal(0.0, spread, (frames, 3, 2)))
    assert posteriors.shape == (frames, 3)
    assert posteriors.min() >= 0.0
    np.testing.assert_allclose(posteriors.sum(axis=1), 1.0, atol=1e-9)


def test_a_minimum_between_two_frames_is_rounded_up() -> None:
    bank = random_bank(np.random.default_rng(0))
    prior = np.array([0.5, 0.5])
    for rate, minimum, ages in ((25.0, 0.6, 15), (10.0, 0.61, 7), (10.0, 0.65, 7), (10.0, 0.3, 3)):
        assert (
            compose(
                bank.log_startprob,
                bank.log_transmat,
                prior,
                rate,
                TimelineSettings(minimum=minimum),
            ).min_frames
            == ages
        )
    assert (
        compose(
            bank.log_startprob, bank.log_transmat, prior, 1.0, TimelineSettings(minimum=0.01)
        ).min_frames
        == 1
    )


@pytest.mark.parametrize(("dwell", "minimum"), [(4.0, 0.6), (2.0, 1.0), (10.0, 0.1)])
def test_an_emotion_dwells_as_long_as_expected(dwell: float, minimum: float) -> None:
    """The mean of the ages plus the geometric rest is the dwell time that was asked for."""
    bank, rate = random_bank(np.random.default_rng(1)), 25.0
    timing = TimelineSettings(dwell=dwell, minimum=minimum)
    composite = compose(bank.log_startprob, bank.log_transmat, np.array([0.5, 0.5]), rate, timing)
    # 20 000 frames are more than any stay lasts.
    rest = np.exp(composite.log_exit + composite.log_self_loop * np.arange(20_000))
    mean = (composite.min_frames - 1) + rest @ np.arange(1, 20_001)
    assert mean / rate == pytest.approx(dwell, rel=1e-6)


def test_a_class_without_any_probability_may_still_occur() -> None:
    bank = random_bank(np.random.default_rng(2))
    composite = compose(
        bank.log_startprob, bank.log_transmat, np.array([1.0, 0.0]), 10.0, TimelineSettings()
    )
    assert np.isfinite(composite.log_initial).all()


def test_emotions_with_fewer_states_than_the_others() -> None:
    rng = np.random.default_rng(4)
    small, large = random_bank(rng, 1, 1), random_bank(rng, 1, 3)
    both = bank_from_models(
        [np.exp(small.log_startprob[0]), np.exp(large.log_startprob[0])],
        [np.exp(small.log_transmat[0]), np.exp(large.log_transmat[0])],
        [small.means[0], large.means[0]],
        [np.tile(np.eye(2), (1, 1, 1)), np.tile(np.eye(2), (3, 1, 1))],
    )
    composite = compose(
        both.log_startprob,
        both.log_transmat,
        np.array([0.5, 0.5]),
        1.0,
        TimelineSettings(minimum=2.0),
    )
    densities = log_densities(both, rng.normal(0.0, 3.0, (5, 2)))
    best, _ = max(all_paths(composite, densities), key=lambda found: found[1])
    assert viterbi(composite, densities).tolist() == [emotion for emotion, _, _ in best]


@given(seed=st.integers(0, 10_000), sureness=st.floats(0.05, 1.0))
@settings(deadline=None, max_examples=25)
def test_tempered_paths_have_their_weight_to_a_power(seed: int, sureness: float) -> None:
    """By brute force over all paths of the composite."""
    rng = np.random.default_rng(seed)
    composite = random_composite(rng, ages=2)
    densities = rng.normal(0.0, 2.0, (5, 2, 2))
    paths, weights = zip(*all_paths(composite, densities), strict=True)
    powers = np.exp(sureness * (np.array(weights) - max(weights)))
    expected = np.zeros((5, 2))
    for path, power in zip(paths, powers, strict=True):
        for t, (emotion, _, _) in enumerate(path):
            expected[t, emotion] += power / powers.sum()
    found = emotion_posteriors(apply_temperature(composite, sureness), sureness * densities)
    np.testing.assert_allclose(found, expected, atol=1e-9)
