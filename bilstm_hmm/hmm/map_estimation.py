"""Maximum a posteriori estimates of the emotion HMMs from labelled clips (Gauvain and Lee, 1994).

The HMMs of a bundle count as so many frames a state, the relevance factor; means are estimated
first, then the covariances about them. Start and transition probabilities stay as they are.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bilstm_hmm.arrays import FloatMatrix, Indices
from bilstm_hmm.hmm.adaptation import StateStatistics, adapt_means, state_posteriors
from bilstm_hmm.hmm.bank import HmmBank

_ITERATIONS = 2
#: Least variance of an adapted state, as a share of what it was before.
_FLOOR = 0.1


def map_adapt(
    bank: HmmBank, sequences: Sequence[FloatMatrix], labels: Indices, relevance: float
) -> HmmBank:
    """Return the bank with the means, then the covariances, that clips make likely.

    Parameters
    ----------
    sequences
        ``[T, D]`` each, T > 0.
    labels
        ``[N]``, the emotion of each: its position in the bank. An emotion without clips stays as
        it is.
    relevance
        How many frames a state of the bank counts as.

    Notes
    -----
    Covariances are ``(r * (cov + m0 m0') + sum x x') / (r + n) - m m'`` of the mean before `m0` and
    the estimated `m`, whose diagonal alone is kept where the bank's are diagonal.
    """
    adapted = bank
    for _ in range(_ITERATIONS):
        adapted = adapt_means(bank, _statistics(adapted, sequences, labels)[0], relevance)
    statistics, squares = _statistics(adapted, sequences, labels)
    n = statistics.occupancy[..., None, None]
    inverse = np.linalg.inv(bank.precision_cholesky)
    before = inverse @ np.swapaxes(inverse, -1, -2) + _outer(bank.means)
    covariances = (relevance * before + squares) / (relevance + n) - _outer(adapted.means)
    diagonal = np.eye(covariances.shape[-1])
    if not (bank.precision_cholesky * (1.0 - diagonal)).any():
        covariances = covariances * diagonal
    cholesky = np.linalg.cholesky(_floored(covariances, before - _outer(bank.means)))
    return replace(adapted, precision_cholesky=np.linalg.inv(cholesky))


def _outer(means: FloatMatrix) -> FloatMatrix:
    outer: FloatMatrix = means[..., :, None] * means[..., None, :]
    return outer


def _floored(covariances: FloatMatrix, before: FloatMatrix) -> FloatMatrix:
    """Add to the diagonal what it lacks of a share of the variances before."""
    variances = np.einsum("esdd->esd", covariances)
    missing = np.maximum(_FLOOR * np.einsum("esdd->esd", before) - variances, 0.0)
    floored: FloatMatrix = covariances + missing[..., None] * np.eye(covariances.shape[-1])
    return floored


def _statistics(
    bank: HmmBank, sequences: Sequence[FloatMatrix], labels: Indices
) -> tuple[StateStatistics, FloatMatrix]:
    """Statistics of each clip under the HMM of its own emotion, and sums of squared frames.

    The latter are ``[E, S, D, D]``.
    """
    n_emotions, n_states, dimensions = bank.means.shape
    occupancy = np.zeros((n_emotions, n_states))
    sums = np.zeros((n_emotions, n_states, dimensions))
    squares = np.zeros((n_emotions, n_states, dimensions, dimensions))
    total = 0.0
    for sequence, emotion in zip(sequences, map(int, labels), strict=True):
        frames = sequence.astype(np.float64, copy=False)
        posteriors, log_likelihood = state_posteriors(bank.of_emotions([emotion]), frames)
        of_states = posteriors[:, 0]
        occupancy[emotion] += of_states.sum(axis=0)
        sums[emotion] += of_states.T @ frames
        weighted = of_states[:, :, None] * frames[:, None, :]
        squares[emotion] += np.einsum("tsd,te->sde", weighted, frames)
        total += float(log_likelihood[0])
    return StateStatistics(occupancy, sums, total), squares
