import itertools
import warnings

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm.evaluation import metrics

N_CLASSES = 5
pairs = st.lists(
    st.tuples(st.integers(0, N_CLASSES - 1), st.integers(0, N_CLASSES - 1)), min_size=1, max_size=60
).map(lambda rows: tuple(np.array(column) for column in zip(*rows, strict=True)))


@given(pairs)
@settings(deadline=None)
def test_scores_agree_with_scikit_learn(pair: tuple[np.ndarray, np.ndarray]) -> None:
    truth, predicted = pair
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of classes that are predicted but never true
        balanced = sklearn.metrics.balanced_accuracy_score(truth, predicted)
    every = range(N_CLASSES)
    np.testing.assert_array_equal(
        metrics.confusion_matrix(truth, predicted, N_CLASSES),
        sklearn.metrics.confusion_matrix(truth, predicted, labels=every),
    )
    recalls = sklearn.metrics.recall_score(
        truth, predicted, labels=every, average=None, zero_division=np.nan
    )
    np.testing.assert_allclose(
        metrics.class_recalls(truth, predicted, N_CLASSES), 100 * recalls, rtol=1e-12
    )
    assert metrics.unweighted_accuracy(truth, predicted) == pytest.approx(100 * balanced)
    assert metrics.weighted_accuracy(truth, predicted) == pytest.approx(
        100 * sklearn.metrics.accuracy_score(truth, predicted)
    )
    f1 = sklearn.metrics.f1_score(truth, predicted, average="macro", zero_division=0)
    assert metrics.macro_f1(truth, predicted) == pytest.approx(100 * f1)


def _brute_ece(probabilities: np.ndarray, truth: np.ndarray, bins: int) -> float:
    total = 0.0
    for lower in range(bins):
        inside = [
            i
            for i, row in enumerate(probabilities)
            if lower / bins < row.max() <= (lower + 1) / bins
        ]
        if inside:
            confidence = np.mean([probabilities[i].max() for i in inside])
            right = np.mean([probabilities[i].argmax() == truth[i] for i in inside])
            total += len(inside) / len(truth) * abs(confidence - right)
    return total


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_calibration_error_agrees_with_a_loop(bins: int) -> None:
    rng = np.random.default_rng(bins)
    probabilities = rng.dirichlet(np.full(4, 0.4), 300)
    truth = rng.integers(4, size=300)
    ours = metrics.expected_calibration_error(probabilities, truth, bins)
    assert ours == pytest.approx(_brute_ece(probabilities, truth, bins))
    confidence, accuracy, share = metrics.calibration_curve(probabilities, truth, bins)
    assert share.sum() == pytest.approx(1)
    assert np.nansum(share * accuracy) == pytest.approx(
        np.mean(probabilities.argmax(axis=1) == truth)
    )
    assert np.nansum(share * confidence) == pytest.approx(probabilities.max(axis=1).mean())


def test_calibration_error_at_its_ends() -> None:
    sure = np.eye(3)
    assert metrics.expected_calibration_error(sure, [0, 1, 2]) == 0.0
    assert metrics.expected_calibration_error(sure, [1, 2, 0]) == 1.0


def test_the_interval_counts_speakers_not_clips() -> None:
    rng = np.random.default_rng(0)
    speakers = np.repeat(np.arange(8), 50)
    skill = np.linspace(0.2, 0.95, 8)
    truth = rng.integers(4, size=400)
    right = rng.random(400) < skill[speakers]
    predicted = np.where(right, truth, (truth + 1) % 4)
    by_speaker = metrics.bootstrap_interval(
        metrics.weighted_accuracy, truth, predicted, speakers.tolist()
    )
    by_clip = metrics.bootstrap_interval(metrics.weighted_accuracy, truth, predicted, range(400))
    score = metrics.weighted_accuracy(truth, predicted)
    assert by_speaker[0] < by_clip[0] < score < by_clip[1] < by_speaker[1]
    assert by_speaker[1] - by_speaker[0] > 2 * (by_clip[1] - by_clip[0])
    # The spread of a mean over the speakers is known: the normal approximation is the oracle.
    rates = 100 * np.array([np.mean((truth == predicted)[speakers == s]) for s in range(8)])
    expected = 2 * 1.96 * rates.std() / np.sqrt(8)
    assert by_speaker[1] - by_speaker[0] == pytest.approx(expected, rel=0.15)


def test_the_interval_agrees_with_every_possible_resample() -> None:
    truth, predicted, groups = [0, 0, 1, 1, 0, 1], [0, 1, 1, 0, 0, 1], list("aabbcc")
    members = {"a": [0, 1], "b": [2, 3], "c": [4, 5]}
    scores = []
    for pick in itertools.product("abc", repeat=3):
        clips = [i for group in pick for i in members[group]]
        scores.append(metrics.weighted_accuracy(np.array(truth)[clips], np.array(predicted)[clips]))
    expected = np.percentile(np.repeat(scores, 100), [2.5, 97.5])
    found = metrics.bootstrap_interval(
        metrics.weighted_accuracy, truth, predicted, groups, resamples=4000
    )
    np.testing.assert_allclose(found, expected)


def test_the_paired_interval_agrees_with_every_possible_resample() -> None:
    """Of two folds together: each speaker's clips come as a whole, for both systems at once."""
    rng = np.random.default_rng(2)
    speakers = list("aaabbbbcccdd")
    truth = np.array([0, 1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1])
    one, other = rng.integers(2, size=(2, 12))
    differences = []
    for pick in itertools.product("abcd", repeat=4):
        clips = [i for speaker in pick for i in range(12) if speakers[i] == speaker]
        scores = [
            100 * sklearn.metrics.balanced_accuracy_score(truth[clips], said[clips])
            for said in (one, other)
        ]
        differences.append(scores[0] - scores[1])
    expected = np.percentile(np.repeat(differences, 50), [2.5, 97.5])
    _, low, high = metrics.paired_bootstrap(
        metrics.unweighted_accuracy, truth, one, other, speakers, resamples=5000
    )
    np.testing.assert_allclose((low, high), expected)


def test_the_paired_difference_is_surer_than_the_two_scores() -> None:
    rng = np.random.default_rng(4)
    speakers = np.repeat(np.arange(12), 40)
    truth = rng.integers(3, size=480)
    difficulty = np.repeat(np.linspace(0, 0.8, 12), 40)
    chance = rng.random(480)
    better = np.where(chance < 0.98 - difficulty, truth, (truth + 1) % 3)
    worse = np.where(chance < 0.88 - difficulty, truth, (truth + 1) % 3)
    metric = metrics.unweighted_accuracy
    difference, low, high = metrics.paired_bootstrap(
        metric, truth, better, worse, speakers.tolist(), seed=1
    )
    assert difference == metric(truth, better) - metric(truth, worse)
    assert 0 < low < difference < high
    alone = metrics.bootstrap_interval(metric, truth, better, speakers.tolist(), seed=1)
    assert high - low < alone[1] - alone[0]
    back = metrics.paired_bootstrap(metric, truth, worse, better, speakers.tolist(), seed=1)
    np.testing.assert_allclose(back, (-difference, -high, -low))
    same = metrics.paired_bootstrap(metric, truth, better, better, speakers.tolist())
    assert same == (0.0, 0.0, 0.0)


def test_one_speaker_leaves_nothing_to_resample() -> None:
    score = metrics.weighted_accuracy([0, 1, 1], [0, 1, 0])
    interval = metrics.bootstrap_interval(
        metrics.weighted_accuracy, [0, 1, 1], [0, 1, 0], ["a", "a", "a"], resamples=20
    )
    assert interval == pytest.approx((score, score))


def test_the_seed_decides() -> None:
    arguments = (metrics.weighted_accuracy, [0, 1, 0, 1, 1], [0, 0, 0, 1, 0], list("abcde"))
    first = [metrics.bootstrap_interval(*arguments, resamples=7, seed=s) for s in range(6)]
    again = [metrics.bootstrap_interval(*arguments, resamples=7, seed=s) for s in range(6)]
    assert first == again
    assert len(set(first)) > 1


@pytest.mark.parametrize(
    ("truth", "predicted"), [([], []), ([0, 1], [0]), ([-1], [0]), ([[0]], [[0]])]
)
def test_what_cannot_be_scored_is_refused(truth: list[int], predicted: list[int]) -> None:
    with pytest.raises(ValueError, match=r"truth|class indices"):
        metrics.weighted_accuracy(truth, predicted)


def test_counts_and_groups_must_fit() -> None:
    with pytest.raises(ValueError, match="not below 2"):
        metrics.confusion_matrix([0, 2], [0, 0], 2)
    with pytest.raises(ValueError, match="1 groups for 2 clips"):
        metrics.bootstrap_interval(metrics.macro_f1, [0, 1], [0, 1], ["a"])
