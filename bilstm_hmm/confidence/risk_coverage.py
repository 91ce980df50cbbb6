"""How often a model is right among what it answers, by how sure it has to be to answer."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.arrays import Array, FloatMatrix, Indices
from bilstm_hmm.errors import ToolkitError

#: Thresholds of the confidence in a table.
N_THRESHOLDS = 101
#: Answers of a group below which a share of right ones says nothing.
MIN_ANSWERS = 30

#: Fields and their keys in the npz file of a bundle; the keys are the file format's own.
_NPZ_KEYS = {"coverage": "coverage", "accuracy": "coverage_accuracy"}


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """The trade between answering and being right, for thresholds from 0 to 1 in equal steps.

    Attributes
    ----------
    coverage
        Share of clips whose confidence is not below each threshold, ``[K]``.
    accuracy
        Share of right ones among those, ``[K]``: of the group that has the least. NaN where too
        few are left.
    """

    coverage: FloatMatrix
    accuracy: FloatMatrix

    @property
    def thresholds(self) -> FloatMatrix:
        """Of the confidence, ``[K]``."""
        return np.linspace(0.0, 1.0, len(self.coverage))

    def to_arrays(self) -> dict[str, FloatMatrix]:
        """Return the arrays by their keys in an npz file."""
        return {key: getattr(self, field) for field, key in _NPZ_KEYS.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> "RiskCoverage | None":
        """Inverse of `to_arrays`; None where they are not there."""
        if _NPZ_KEYS["coverage"] not in arrays:
            return None
        return cls(**{f: np.asarray(arrays[key], np.float64) for f, key in _NPZ_KEYS.items()})


def fit_risk_coverage(
    probabilities: FloatMatrix, labels: Indices, groups: Indices | None = None
) -> RiskCoverage:
    """Return the table of clips that the model was not trained on.

    Parameters
    ----------
    probabilities
        ``[N, C]``, best of clips of corpora that were left out: those of other speakers of the
        same corpora flatter a model.
    labels
        ``[N]``.
    groups
        ``[N]``, such as the corpora: what is said of accuracy then holds in each of them.
    """
    confidence, is_right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    groups = np.zeros(len(labels), dtype=np.intp) if groups is None else groups
    thresholds = np.linspace(0.0, 1.0, N_THRESHOLDS)
    answered = confidence[:, None] >= thresholds
    by_group = [_accuracy(answered[groups == g], is_right[groups == g]) for g in np.unique(groups)]
    accuracy = np.full(N_THRESHOLDS, np.nan)
    known = ~np.isnan(by_group)
    accuracy[known.any(axis=0)] = np.nanmin(np.array(by_group)[:, known.any(axis=0)], axis=0)
    return RiskCoverage(answered.mean(axis=0), accuracy)


def _accuracy(answered: NDArray[np.bool_], is_right: NDArray[np.bool_]) -> FloatMatrix:
    """Share of right ones of those that are answered at each threshold, NaN for too few."""
    counts = answered.sum(axis=0)
    right = (answered & is_right[:, None]).sum(axis=0)
    shares: FloatMatrix = np.where(counts >= MIN_ANSWERS, right / np.maximum(counts, 1), np.nan)
    return shares


def confidence_for(table: RiskCoverage | None, accuracy: float, model: str) -> float:
    """Return how sure a model has to be for so large a share of right ones among its answers.

    The least threshold from which on the share is reached, also at all thresholds above that are
    known of.

    Raises
    ------
    ToolkitError
        The model has no such table, or does not reach that.
    """
    if table is None:
        raise ToolkitError(
            f"The model {model} has no record of how often it is right at which confidence; give "
            "--abstain CONFIDENCE (abstain=) instead, or take a model that has one, such as "
            "open-accurate."
        )
    known = ~np.isnan(table.accuracy)
    misses = np.flatnonzero(known & (table.accuracy < accuracy))
    first = 0 if not len(misses) else int(misses[-1]) + 1
    if first >= len(known) or not known[first]:
        best = float(np.nanmax(table.accuracy)) if known.any() else 0.0
        raise ToolkitError(
            f"The model {model} is right in {100.0 * best:.0f} % of what it is surest of, not in "
            f"{100.0 * accuracy:.0f} %; ask for less, or give --abstain CONFIDENCE (abstain=)."
        )
    return float(table.thresholds[first])
