"""Arithmetic of logits and log probabilities, and runs of equal labels."""

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from bilstm_hmm.arrays import FloatMatrix, Indices

#: The least probability that `log_loss` takes the logarithm of.
MIN_PROBABILITY = 1e-12


def softmax(logits: FloatMatrix) -> FloatMatrix:
    """Return exponentials that sum to one over the last axis."""
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: FloatMatrix = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities


def log_softmax(logits: FloatMatrix) -> FloatMatrix:
    """Return the logarithm of `softmax`, without rounding small probabilities to zero."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_probabilities: FloatMatrix = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return log_probabilities


def log_sum_exp(values: FloatMatrix, axis: int) -> FloatMatrix:
    """Return the log of the sum of exponentials; minus infinity where every term is."""
    peak = values.max(axis=axis, keepdims=True)
    # Minus infinity less itself is not a number.
    finite_peak = np.where(np.isfinite(peak), peak, 0.0)
    with np.errstate(divide="ignore"):
        log_total = np.log(np.exp(values - finite_peak).sum(axis=axis))
    result: FloatMatrix = log_total + np.squeeze(finite_peak, axis=axis)
    return result


def center(scores: ArrayLike) -> FloatMatrix:
    """Return scores less their mean over the last axis, the emotions, as float64.

    Only differences between emotions tell them apart: what all have in common is the
    recording's own (its level, its noise).
    """
    values = np.asarray(scores, np.float64)
    centered: FloatMatrix = values - values.mean(axis=-1, keepdims=True)
    return centered


def log_loss(probabilities: FloatMatrix, labels: Indices) -> float:
    """Return the mean negative log probability of the true labels.

    Parameters
    ----------
    probabilities
        ``[N, C]``; those below `MIN_PROBABILITY` count as that.
    labels
        ``[N]``, the column of each row's true class.
    """
    of_truth = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(of_truth, MIN_PROBABILITY)).mean())


def find_runs(labels: ArrayLike) -> list[tuple[int, int]]:
    """Return where each run of equal labels starts and stops, in order.

    Parameters
    ----------
    labels
        ``[T]``; entry `stop` is the first that is no longer of the run.
    """
    values = np.asarray(labels)
    if not len(values):
        return []
    boundaries = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    return list(pairwise(boundaries))
