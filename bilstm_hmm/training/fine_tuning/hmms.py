"""The emotion HMMs of a bundle adapted to clips, or fitted anew where there is enough to fit."""

from collections.abc import Sequence

import numpy as np

from bilstm_hmm.arrays import FloatMatrix, Indices
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.hmm.bank import HmmBank, concatenate_banks
from bilstm_hmm.hmm.fit import fit_bank
from bilstm_hmm.hmm.map_estimation import map_adapt
from bilstm_hmm.training.fine_tuning.start import Start


def adapt_hmms(
    start: Start, sequences: Sequence[FloatMatrix], labels: Indices, recipe: Recipe
) -> HmmBank:
    """Return an HMM of every class, in their order.

    Those of the bundle are adapted by `map_adapt`. A class that it has not, or one of
    ``fine_tuning.refit_clips`` clips and more, has its HMM fitted by the clips alone.

    Parameters
    ----------
    sequences
        Projected hidden states, ``[T, D]`` each.
    labels
        ``[N]``.
    """
    settings = recipe.fine_tuning
    counts = np.bincount(labels, minlength=len(start.classes))
    is_fitted = (~start.known & (counts > 0)) | (counts >= settings.refit_clips)
    places = np.cumsum(start.known) - 1
    adapted = _adapted(start, sequences, labels, settings.relevance, is_fitted)
    fitted = _fitted(start, sequences, labels, recipe, np.flatnonzero(is_fitted))
    banks = []
    for label in range(len(start.classes)):
        if is_fitted[label]:
            banks.append(fitted[label])
        elif start.known[label]:
            banks.append(adapted.of_emotions([int(places[label])]))
        else:
            # Without a clip to fit it on, as in a fold, it is as likely as the first of the others.
            banks.append(adapted.of_emotions([0]))
    return concatenate_banks(banks)


def _adapted(
    start: Start,
    sequences: Sequence[FloatMatrix],
    labels: Indices,
    relevance: float,
    is_fitted: np.ndarray,
) -> HmmBank:
    places = np.cumsum(start.known) - 1
    chosen = np.flatnonzero((start.known & ~is_fitted)[labels])
    return map_adapt(
        start.hmm_bank, [sequences[int(i)] for i in chosen], places[labels[chosen]], relevance
    )


def _fitted(
    start: Start,
    sequences: Sequence[FloatMatrix],
    labels: Indices,
    recipe: Recipe,
    wanted: Indices,
) -> dict[int, HmmBank]:
    banks = {}
    for label in map(int, wanted):
        own = [sequences[int(i)] for i in np.flatnonzero(labels == label)]
        names = (start.classes[label],)
        none = np.zeros(len(own), np.intp)
        banks[label] = fit_bank(own, none, names, recipe.hmm, seed=recipe.seed + label).bank
    return banks
