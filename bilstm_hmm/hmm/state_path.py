"""The most likely states of one emotion's HMM, frame by frame."""

import numpy as np

from bilstm_hmm.arrays import FloatMatrix, Indices
from bilstm_hmm.hmm.bank import HmmBank, log_densities


def best_states(bank: HmmBank, sequence: FloatMatrix, emotion: int) -> Indices:
    """Return the states on the best path of a sequence (Viterbi, 1967), ``[T]``.

    Parameters
    ----------
    sequence
        ``[T, D]``, T > 0.
    emotion
        Whose HMM it is, by its place in the bank.
    """
    densities = log_densities(bank.of_emotions([emotion]), sequence)[:, 0]
    transitions = bank.log_transmat[emotion]
    scores = bank.log_startprob[emotion] + densities[0]
    origins = np.zeros(densities.shape, np.intp)
    for t in range(1, len(densities)):
        step = scores[:, None] + transitions
        origins[t] = step.argmax(axis=0)
        scores = step.max(axis=0) + densities[t]
    path = np.empty(len(densities), np.intp)
    path[-1] = scores.argmax()
    for t in range(len(path) - 1, 0, -1):
        path[t - 1] = origins[t, path[t]]
    return path
