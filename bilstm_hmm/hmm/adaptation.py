"""Adapting the emotion HMMs to a voice by clips of it without labels.

The emotion and the states of a clip are not known, so that their posteriors stand in for them
(expectation-maximisation): maximum a posteriori estimates of the means (Gauvain and Lee, 1994), or
one shift of all means (the bias of MLLR: Leggetter and Woodland, 1995).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bilstm_hmm.arrays import FloatMatrix
from bilstm_hmm.hmm.bank import HmmBank, log_densities
from bilstm_hmm.numerics import log_sum_exp, softmax


@dataclass(frozen=True, slots=True)
class StateStatistics:
    """What clips say of the states of a bank; E emotions, S states, D dimensions.

    Attributes
    ----------
    occupancy
        Expected number of frames in each state, ``[E, S]``.
    sums
        Sums of the frames, each weighted by its posterior in the state, ``[E, S, D]``.
    log_likelihood
        Of all clips, each a mixture of the emotions by their prior probabilities.
    """

    occupancy: FloatMatrix
    sums: FloatMatrix
    log_likelihood: float


def state_statistics(
    bank: HmmBank,
    sequences: Sequence[FloatMatrix],
    emotions: Sequence[FloatMatrix] | None = None,
) -> StateStatistics:
    """Return the statistics of clips by the forward-backward algorithm (Rabiner, 1989).

    Parameters
    ----------
    sequences
        ``[T, D]`` each, T > 0.
    emotions
        Posterior probabilities of the emotions of each clip, ``[E]``, such as those of the score
        fusion; None takes those by the HMMs themselves, all emotions as likely before.
    """
    n_emotions, n_states, dimensions = bank.means.shape
    occupancy = np.zeros((n_emotions, n_states))
    sums = np.zeros((n_emotions, n_states, dimensions))
    total = 0.0
    for number, sequence in enumerate(sequences):
        frames = sequence.astype(np.float64, copy=False)
        states, log_likelihoods = state_posteriors(bank, frames)
        posterior = softmax(log_likelihoods) if emotions is None else emotions[number]
        weighted = states * posterior[:, None]
        occupancy += weighted.sum(axis=0)
        sums += np.einsum("tes,td->esd", weighted, frames)
        total += float(log_sum_exp(log_likelihoods, axis=-1)) - np.log(n_emotions)
    return StateStatistics(occupancy, sums, total)


def adapt_means(bank: HmmBank, statistics: StateStatistics, prior_frames: float) -> HmmBank:
    """Return the bank with the maximum a posteriori means of its states.

    Parameters
    ----------
    prior_frames
        How many frames the means of the bank count as, of each state.

    Notes
    -----
    ``(prior_frames * mean + sum) / (prior_frames + occupancy)``, as Gauvain and Lee have it: a
    state that the clips have nothing of stays as it is.
    """
    occupancy = statistics.occupancy[..., None]
    means: FloatMatrix = (prior_frames * bank.means + statistics.sums) / (prior_frames + occupancy)
    return replace(bank, means=means)


def shift_means(bank: HmmBank, statistics: StateStatistics, prior_frames: float = 0.0) -> HmmBank:
    """Return the bank with all means shifted alike, as is likeliest by the statistics.

    Parameters
    ----------
    prior_frames
        How many frames count for no shift at all.
    """
    precisions = np.einsum("esij,esik->esjk", bank.precision_cholesky, bank.precision_cholesky)
    deviations = statistics.sums - statistics.occupancy[..., None] * bank.means
    weighted = np.einsum("es,esjk->jk", statistics.occupancy, precisions)
    n_frames = max(float(statistics.occupancy.sum()), 1e-12)
    precision = weighted * (1.0 + prior_frames / n_frames)
    shift = np.linalg.solve(precision, np.einsum("esjk,esk->j", precisions, deviations))
    return replace(bank, means=bank.means + shift)


def adapt_bank(
    bank: HmmBank,
    sequences: Sequence[FloatMatrix],
    *,
    shift_frames: float | None = None,
    mean_frames: float | None = None,
    iterations: int = 3,
    emotions: Sequence[FloatMatrix] | None = None,
) -> HmmBank:
    """Return a bank adapted to clips without labels: first shifted, then its means estimated.

    Parameters
    ----------
    sequences
        ``[T, D]`` each; without any the bank stays as it is.
    shift_frames, mean_frames
        `prior_frames` of `shift_means` and of `adapt_means`; None leaves that step out.
    iterations
        Of expectation and maximisation, in each of the two.
    emotions
        As for `state_statistics`.
    """
    if not sequences:
        return bank
    adapted = bank
    if shift_frames is not None:
        for _ in range(iterations):
            # From the bank as it was, so that what counts for no shift counts once.
            found = state_statistics(adapted, sequences, emotions)
            adapted = shift_means(bank, found, shift_frames)
    shifted = adapted
    if mean_frames is not None:
        for _ in range(iterations):
            found = state_statistics(adapted, sequences, emotions)
            adapted = adapt_means(shifted, found, mean_frames)
    return adapted


def state_posteriors(bank: HmmBank, frames: FloatMatrix) -> tuple[FloatMatrix, FloatMatrix]:
    """Return the posteriors of the states within each emotion, ``[T, E, S]``, and the
    log-likelihood of the clip under each emotion, ``[E]``.
    """
    densities = log_densities(bank, frames)
    forward, backward = np.empty_like(densities), np.zeros_like(densities)
    forward[0] = bank.log_startprob + densities[0]
    # States that nothing enters have a probability of none.
    with np.errstate(divide="ignore", invalid="ignore"):
        for t in range(1, len(frames)):
            stepped = log_sum_exp(forward[t - 1][..., None] + bank.log_transmat, axis=-2)
            forward[t] = stepped + densities[t]
        for t in range(len(frames) - 2, -1, -1):
            ahead = (densities[t + 1] + backward[t + 1])[:, None, :]
            backward[t] = log_sum_exp(bank.log_transmat + ahead, axis=-1)
        log_likelihoods = log_sum_exp(forward[-1], axis=-1)
    posteriors: FloatMatrix = np.exp(forward + backward - log_likelihoods[:, None])
    return posteriors, log_likelihoods
