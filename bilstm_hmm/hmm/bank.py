"""The bank of emotion HMMs as prediction needs it: Gaussian densities and the forward algorithm.

No hmmlearn here. Everything is float64, and in the log domain wherever a product of probabilities
might vanish, so that scores agree with hmmlearn's to rounding, also where a left-right model
starts in an unlikely state.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatMatrix = NDArray[np.float64]

_LOG_2PI = float(np.log(2 * np.pi))
#: A probability of ``exp(-_REACH)`` is still far from the least that float64 holds.
_REACH = 600.0

#: Fields and their keys in the npz file of a bundle; the keys are the file format's own.
_NPZ_KEYS = {
    "log_startprob": "log_start",
    "log_transmat": "log_transition",
    "means": "means",
    "precision_cholesky": "whiteners",
}


@dataclass(frozen=True, slots=True)
class HmmBank:
    """One Gaussian HMM an emotion, side by side; E emotions, S states, D dimensions.

    An emotion with fewer states than S is filled up with states that nothing enters.

    Attributes
    ----------
    log_startprob
        ``[E, S]``.
    log_transmat
        ``[E, S, S]``, from the second axis to the third.
    means
        ``[E, S, D]``.
    precision_cholesky
        ``[E, S, D, D]``: W with ``W.T @ W`` the inverse covariance, lower triangular.
    """

    log_startprob: FloatMatrix
    log_transmat: FloatMatrix
    means: FloatMatrix
    precision_cholesky: FloatMatrix

    def to_arrays(self) -> dict[str, FloatMatrix]:
        """Return the arrays by their keys in an npz file."""
        return {key: getattr(self, name) for name, key in _NPZ_KEYS.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "HmmBank":
        """Inverse of `to_arrays`; KeyError where one is missing."""
        return cls(**{n: np.asarray(arrays[key], np.float64) for n, key in _NPZ_KEYS.items()})


def bank_from_models(
    starts: list[FloatMatrix],
    transitions: list[FloatMatrix],
    means: list[FloatMatrix],
    covariances: list[FloatMatrix],
) -> HmmBank:
    """Join fitted HMMs, one an emotion, into a bank; covariances are full, ``[S_e, D, D]``."""
    emotions, states = len(starts), max(len(start) for start in starts)
    dimensions = means[0].shape[1]
    log_startprob = np.full((emotions, states), -np.inf)
    log_transmat = np.full((emotions, states, states), -np.inf)
    all_means = np.zeros((emotions, states, dimensions))
    precision_cholesky = np.tile(np.eye(dimensions), (emotions, states, 1, 1))
    with np.errstate(divide="ignore"):
        for e, start in enumerate(starts):
            n = len(start)
            log_startprob[e, :n] = np.log(start)
            log_transmat[e, :n, :n] = np.log(transitions[e])
            all_means[e, :n] = means[e]
            lower = np.linalg.cholesky(covariances[e])
            precision_cholesky[e, :n] = np.linalg.inv(lower)
    unused = np.arange(states) >= np.array([len(s) for s in starts])[:, None]
    log_transmat[unused, :] = np.where(np.eye(states, dtype=bool), 0.0, -np.inf)[
        np.nonzero(unused)[1]
    ]
    return HmmBank(log_startprob, log_transmat, all_means, precision_cholesky)


def log_densities(bank: HmmBank, sequence: FloatMatrix) -> FloatMatrix:
    """Return the log density of each frame in each state.

    Parameters
    ----------
    sequence
        ``[T, D]``.

    Returns
    -------
    FloatMatrix
        ``[T, E, S]``.
    """
    emotions, states, dimensions = bank.means.shape
    flat = bank.precision_cholesky.reshape(emotions * states * dimensions, dimensions)
    offsets = np.einsum("esij,esj->esi", bank.precision_cholesky, bank.means)
    whitened = (sequence @ flat.T).reshape(-1, emotions, states, dimensions) - offsets
    log_determinant = np.log(np.einsum("esii->esi", bank.precision_cholesky)).sum(axis=-1)
    distance = np.einsum("tesd,tesd->tes", whitened, whitened)
    densities: FloatMatrix = log_determinant - 0.5 * (dimensions * _LOG_2PI + distance)
    return densities


def log_sum_exp(values: FloatMatrix, axis: int) -> FloatMatrix:
    """Log of the sum of exponentials; minus infinity where every term is."""
    peak = values.max(axis=axis, keepdims=True)
    safe = np.where(np.isfinite(peak), peak, 0.0)
    with np.errstate(divide="ignore"):
        total = np.log(np.exp(values - safe).sum(axis=axis))
    result: FloatMatrix = total + np.squeeze(safe, axis=axis)
    return result


def score_frames(bank: HmmBank, sequences: Sequence[FloatMatrix]) -> list[FloatMatrix]:
    """Return the log-likelihood of each frame given those before it, ``[T, E]`` a sequence.

    The forward algorithm (Rabiner, 1989), all emotions of all sequences at once; the sum over
    time is the log-likelihood of the sequence.

    Parameters
    ----------
    sequences
        ``[T, D]`` each.

    Raises
    ------
    ValueError
        For a sequence without frames.
    """
    lengths = [len(sequence) for sequence in sequences]
    if min(lengths, default=1) == 0:
        raise ValueError("a sequence needs at least one frame")
    if not lengths:
        return []
    flat = log_densities(bank, np.concatenate(list(sequences)).astype(np.float64, copy=False))
    # Longest first: those that have ended fall off the end.
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    densities = np.zeros((lengths[order[0]], len(order), *flat.shape[1:]))
    ends = np.cumsum(lengths)
    for row, index in enumerate(order):
        densities[: lengths[index], row] = flat[ends[index] - lengths[index] : ends[index]]
    going = (np.array(lengths)[:, None] > np.arange(len(densities))).sum(axis=0)
    totals = log_sum_exp(_forward_pass(bank, densities, going), axis=-1)
    rows = {index: row for row, index in enumerate(order)}
    return [
        np.diff(totals[:length, rows[index]], axis=0, prepend=0.0)
        for index, length in enumerate(lengths)
    ]


def _forward_pass(bank: HmmBank, densities: FloatMatrix, going: NDArray[np.intp]) -> FloatMatrix:
    """Return the log probability of the frames so far and the state now, ``[T, N, E, S]``.

    The sum over the states before is a product of matrices, which is several times faster than
    in the log domain, unless states lie so far apart that one would vanish beside another.

    Parameters
    ----------
    densities
        ``[T, N, E, S]``, log; N sequences, the longest first.
    going
        ``[T]``: how many of them have not ended.
    """
    start = bank.log_startprob + densities[0]
    transition = np.exp(bank.log_transmat)
    forward = _forward_step(_forward_linear, transition, start, densities, going)
    alive = np.arange(densities.shape[1]) < going[:, None]
    reached = np.isfinite(forward)
    peak = forward.max(axis=-1)
    least = np.where(reached, forward, np.inf).min(axis=-1)
    steepest = bank.log_transmat[np.isfinite(bank.log_transmat)].min()
    # Compared so that what is not a number counts as far apart.
    near = peak - least - steepest < _REACH
    if near[alive].all():
        return forward
    return _forward_step(_forward_log, bank.log_transmat, start, densities, going)


def _forward_step(
    step: Callable[[FloatMatrix, FloatMatrix], FloatMatrix],
    transition: FloatMatrix,
    start: FloatMatrix,
    densities: FloatMatrix,
    going: NDArray[np.intp],
) -> FloatMatrix:
    forward = np.full(densities.shape, -np.inf)
    forward[0] = start
    with np.errstate(divide="ignore", invalid="ignore"):
        for t, count in enumerate(going[1:], start=1):
            forward[t, :count] = step(forward[t - 1, :count], transition) + densities[t, :count]
    return forward


def _forward_linear(last: FloatMatrix, transition: FloatMatrix) -> FloatMatrix:
    peak = last.max(axis=-1, keepdims=True)
    shares = np.exp(last - peak)
    result: FloatMatrix = np.log((shares[:, :, None] @ transition)[:, :, 0]) + peak
    return result


def _forward_log(last: FloatMatrix, log_transmat: FloatMatrix) -> FloatMatrix:
    return log_sum_exp(last[..., None] + log_transmat, axis=-2)


def mean_scores(bank: HmmBank, sequence: FloatMatrix) -> FloatMatrix:
    """Return the log-likelihood a frame of the sequence under each emotion, ``[E]``.

    Raises
    ------
    ValueError
        For a sequence without frames.
    """
    (told,) = score_frames(bank, [sequence])
    scores: FloatMatrix = told.sum(axis=0) / len(sequence)
    return scores
