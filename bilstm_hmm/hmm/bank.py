"""The bank of emotion HMMs as prediction needs it: Gaussian densities and the forward algorithm.

No hmmlearn here. Everything is float64, and in the log domain wherever a product of probabilities
might vanish, so that scores agree with hmmlearn's to rounding, also where a left-right model
starts in an unlikely state.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bilstm_hmm.arrays import Array, FloatMatrix, Indices
from bilstm_hmm.numerics import log_sum_exp

_LOG_2PI = float(np.log(2 * np.pi))
#: Beside a probability of one, ``exp(-_MAX_LOG_RANGE)`` is far from the least that float64 holds.
_MAX_LOG_RANGE = 600.0

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
        ``[E, S, D, D]``: lower triangular W with ``W.T @ W`` the inverse of the covariance. These
        are the transposes of scikit-learn's `precisions_cholesky_`.
    """

    log_startprob: FloatMatrix
    log_transmat: FloatMatrix
    means: FloatMatrix
    precision_cholesky: FloatMatrix

    def of_emotions(self, indices: Sequence[int]) -> "HmmBank":
        """Return the bank of the emotions at these positions."""
        chosen = list(indices)
        return HmmBank(**{name: getattr(self, name)[chosen] for name in _NPZ_KEYS})

    def to_arrays(self) -> dict[str, FloatMatrix]:
        """Return the arrays by their keys in an npz file."""
        return {key: getattr(self, field) for field, key in _NPZ_KEYS.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> "HmmBank":
        """Inverse of `to_arrays`; KeyError where one is missing."""
        return cls(**{f: np.asarray(arrays[key], np.float64) for f, key in _NPZ_KEYS.items()})


def bank_from_models(
    startprobs: Sequence[FloatMatrix],
    transmats: Sequence[FloatMatrix],
    means: Sequence[FloatMatrix],
    covariances: Sequence[FloatMatrix],
) -> HmmBank:
    """Join fitted HMMs into a bank.

    Parameters
    ----------
    startprobs, transmats, means, covariances
        One of each an emotion: ``[S_e]``, ``[S_e, S_e]``, ``[S_e, D]`` and, full,
        ``[S_e, D, D]``.
    """
    emotions, states = len(startprobs), max(len(startprob) for startprob in startprobs)
    dimensions = means[0].shape[1]
    log_startprob = np.full((emotions, states), -np.inf)
    # A state that nothing enters stays where it is, so that every row is a distribution.
    log_transmat = np.tile(np.where(np.eye(states, dtype=bool), 0.0, -np.inf), (emotions, 1, 1))
    all_means = np.zeros((emotions, states, dimensions))
    precision_cholesky = np.tile(np.eye(dimensions), (emotions, states, 1, 1))
    for emotion, startprob in enumerate(startprobs):
        n = len(startprob)
        with np.errstate(divide="ignore"):
            log_startprob[emotion, :n] = np.log(startprob)
            log_transmat[emotion, :n, :n] = np.log(transmats[emotion])
        all_means[emotion, :n] = means[emotion]
        cholesky = np.linalg.cholesky(covariances[emotion])
        precision_cholesky[emotion, :n] = np.linalg.inv(cholesky)
    return HmmBank(log_startprob, log_transmat, all_means, precision_cholesky)


def concatenate_banks(banks: Sequence[HmmBank]) -> HmmBank:
    """Join banks of the same dimensions, whose emotions follow in order, into one."""
    states = max(bank.means.shape[1] for bank in banks)
    parts = [_with_states(bank, states) for bank in banks]
    return HmmBank(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in _NPZ_KEYS}
    )


def _with_states(bank: HmmBank, states: int) -> HmmBank:
    """The bank, filled up to so many states with some that nothing enters."""
    emotions, n, dimensions = bank.means.shape
    log_startprob = np.full((emotions, states), -np.inf)
    log_transmat = np.tile(np.where(np.eye(states, dtype=bool), 0.0, -np.inf), (emotions, 1, 1))
    means = np.zeros((emotions, states, dimensions))
    precision_cholesky = np.tile(np.eye(dimensions), (emotions, states, 1, 1))
    log_startprob[:, :n] = bank.log_startprob
    log_transmat[:, :n, :n] = bank.log_transmat
    means[:, :n], precision_cholesky[:, :n] = bank.means, bank.precision_cholesky
    return HmmBank(log_startprob, log_transmat, means, precision_cholesky)


def log_densities(bank: HmmBank, sequence: FloatMatrix) -> FloatMatrix:
    """Return the log density of each frame in each state, ``[T, E, S]``.

    Parameters
    ----------
    sequence
        ``[T, D]``.
    """
    emotions, states, dimensions = bank.means.shape
    flat = bank.precision_cholesky.reshape(emotions * states * dimensions, dimensions)
    whitened_means = np.einsum("esij,esj->esi", bank.precision_cholesky, bank.means)
    whitened = (sequence @ flat.T).reshape(-1, emotions, states, dimensions) - whitened_means
    log_determinant = np.log(np.einsum("esii->esi", bank.precision_cholesky)).sum(axis=-1)
    mahalanobis = np.einsum("tesd,tesd->tes", whitened, whitened)
    densities: FloatMatrix = log_determinant - 0.5 * (dimensions * _LOG_2PI + mahalanobis)
    return densities


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
    lengths = np.array([len(sequence) for sequence in sequences])
    if not len(lengths):
        return []
    if not lengths.all():
        raise ValueError("a sequence needs at least one frame")
    flat = log_densities(bank, np.concatenate(sequences).astype(np.float64, copy=False))
    # The longest first: those that have ended fall off the end.
    order = np.argsort(-lengths, kind="stable")
    columns = np.argsort(order)
    densities = np.zeros((lengths[order[0]], len(order), *flat.shape[1:]))
    for column, of_sequence in zip(columns, np.split(flat, lengths.cumsum()[:-1]), strict=True):
        densities[: len(of_sequence), column] = of_sequence
    n_active = (lengths > np.arange(len(densities))[:, None]).sum(axis=1)
    totals = log_sum_exp(_forward_pass(bank, densities, n_active), axis=-1)
    return [
        np.diff(totals[:length, column], axis=0, prepend=0.0)
        for column, length in zip(columns, lengths, strict=True)
    ]


def mean_log_likelihoods(bank: HmmBank, sequence: FloatMatrix) -> FloatMatrix:
    """Return the log-likelihood a frame of the sequence under each emotion, ``[E]``.

    Raises
    ------
    ValueError
        For a sequence without frames.
    """
    (log_likelihoods,) = score_frames(bank, [sequence])
    scores: FloatMatrix = log_likelihoods.sum(axis=0) / len(sequence)
    return scores


def _forward_pass(bank: HmmBank, densities: FloatMatrix, n_active: Indices) -> FloatMatrix:
    """Return the log probability of the frames so far and the state now, ``[T, N, E, S]``.

    The sum over the states before is a product of matrices, which is several times faster than
    in the log domain, unless states lie so far apart that one would vanish beside another.

    Parameters
    ----------
    densities
        ``[T, N, E, S]``, log; N sequences, the longest first.
    n_active
        ``[T]``: how many of them have not ended.
    """
    start = bank.log_startprob + densities[0]
    transmat = np.exp(bank.log_transmat)
    forward = _recursion(_step_linear, transmat, start, densities, n_active)
    active = np.arange(densities.shape[1]) < n_active[:, None]
    highest = forward.max(axis=-1)
    lowest = np.where(np.isfinite(forward), forward, np.inf).min(axis=-1)
    least_likely = bank.log_transmat[np.isfinite(bank.log_transmat)].min()
    # Compared so that what is not a number counts as far apart.
    near = highest - lowest - least_likely < _MAX_LOG_RANGE
    if near[active].all():
        return forward
    return _recursion(_step_log, bank.log_transmat, start, densities, n_active)


def _recursion(
    step: Callable[[FloatMatrix, FloatMatrix], FloatMatrix],
    transition: FloatMatrix,
    start: FloatMatrix,
    densities: FloatMatrix,
    n_active: Indices,
) -> FloatMatrix:
    forward = np.full(densities.shape, -np.inf)
    forward[0] = start
    with np.errstate(divide="ignore", invalid="ignore"):
        for t, count in enumerate(n_active[1:], start=1):
            forward[t, :count] = step(forward[t - 1, :count], transition) + densities[t, :count]
    return forward


def _step_linear(log_forward: FloatMatrix, transmat: FloatMatrix) -> FloatMatrix:
    peak = log_forward.max(axis=-1, keepdims=True)
    relative = np.exp(log_forward - peak)
    stepped: FloatMatrix = np.log((relative[:, :, None] @ transmat)[:, :, 0]) + peak
    return stepped


def _step_log(log_forward: FloatMatrix, log_transmat: FloatMatrix) -> FloatMatrix:
    return log_sum_exp(log_forward[..., None] + log_transmat, axis=-2)
