"""Softmax, its logarithm, sums of exponentials, and runs of equal labels."""

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

from bilstm_hmm.numerics import center, find_runs, log_loss, log_softmax, log_sum_exp, softmax


def test_softmax_of_large_logits_is_finite() -> None:
    probabilities = softmax(np.array([[1000.0, 1000.0 + np.log(3.0)], [-1000.0, 0.0]]))
    np.testing.assert_allclose(probabilities, [[0.25, 0.75], [0.0, 1.0]], atol=1e-12)


@given(st.lists(st.floats(-1e5, 1e5), min_size=2, max_size=8))
def test_softmax_agrees_with_scipy(values: list[float]) -> None:
    array = np.array(values)
    np.testing.assert_allclose(softmax(array), scipy.special.softmax(array), atol=1e-15)


def test_the_log_of_softmax_tells_tiny_probabilities_apart() -> None:
    logits = np.array([0.0, -800.0, -900.0])
    assert softmax(logits)[1] == softmax(logits)[2] == 0.0
    np.testing.assert_allclose(log_softmax(logits), [0.0, -800.0, -900.0], atol=1e-12)


def test_log_sum_exp_of_nothing_possible_is_minus_infinity() -> None:
    values = np.array([[0.0, np.log(3.0)], [-np.inf, -np.inf]])
    np.testing.assert_allclose(log_sum_exp(values, axis=1), [np.log(4.0), -np.inf])


@given(st.lists(st.one_of(st.just(-np.inf), st.floats(-1000, 1000)), min_size=6, max_size=6))
def test_log_sum_exp_agrees_with_scipy(values: list[float]) -> None:
    array = np.array(values).reshape(2, 3)
    for axis in (0, 1):
        expected = scipy.special.logsumexp(array, axis=axis)
        np.testing.assert_allclose(log_sum_exp(array, axis=axis), expected, rtol=1e-12, atol=1e-14)


def test_centred_scores_have_no_common_part() -> None:
    scores = np.array([[1.0, 2.0, 6.0], [0.0, 0.0, 3.0]], np.float32)
    centred = center(scores)
    assert centred.dtype == np.float64
    np.testing.assert_allclose(centred, [[-2.0, -1.0, 3.0], [-1.0, -1.0, 2.0]])
    np.testing.assert_allclose(center(scores + 100.0), centred)


def test_log_loss_is_finite_where_the_truth_was_ruled_out() -> None:
    probabilities = np.array([[0.25, 0.75], [1.0, 0.0]])
    assert log_loss(probabilities, np.array([1, 0])) == pytest.approx(-np.log(0.75) / 2)
    assert log_loss(probabilities[1:], np.array([1])) == pytest.approx(-np.log(1e-12))


@given(labels=st.lists(st.integers(0, 2), max_size=30))
def test_runs_are_as_long_as_they_can_be(labels: list[int]) -> None:
    found = find_runs(labels)
    assert [label for start, stop in found for label in labels[start:stop]] == labels
    assert all(len(set(labels[start:stop])) == 1 for start, stop in found)
    assert all(labels[start - 1] != labels[start] for start, _ in found[1:])
