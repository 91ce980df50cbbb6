"""How far a recording lies from what a model was trained on.

Two things tell it: the model does not know what to say, by the entropy of its probabilities
(Hendrycks & Gimpel, 2017, take their maximum), and the features are not those of training clips, by
their squared distance (Mahalanobis with a diagonal covariance, cf. Lee et al., 2018) over a clip.
The likelihood under the HMMs, which comes to mind first, does not: noise makes frames likelier.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bilstm_hmm.arrays import Array, FloatArray, FloatMatrix, Indices

#: The share of training clips that lie nearer than what is called unlike them.
LIMIT_QUANTILE = 0.985
#: What the entropy counts for in units of the distance.
_ENTROPY_WEIGHT = 2.0
_MIN_SCALE, _MIN_STD = 1e-6, 1e-3

#: Fields and their keys in the npz file of a bundle; the keys are the file format's own.
_NPZ_KEYS = {
    "summary_mean": "typical_mean",
    "summary_std": "typical_std",
    "scales": "typical_scales",
    "limits": "typical_limits",
}


@dataclass(frozen=True, slots=True)
class Typicality:
    """What training clips are like; F features.

    Attributes
    ----------
    summary_mean, summary_std
        Of the summaries of training clips, ``[2F]``.
    scales
        ``[2, 2]``: mean and standard deviation of the entropy, and of the log distance.
    limits
        ``[2]``: the median of the sum of both, and the value that `LIMIT_QUANTILE` of them do not
        reach.
    """

    summary_mean: FloatMatrix
    summary_std: FloatMatrix
    scales: FloatMatrix
    limits: FloatMatrix

    def novelty(
        self,
        probabilities: FloatMatrix,
        summaries: Sequence[FloatArray],
        lengths: Sequence[int],
    ) -> float:
        """Return how far a recording lies from training clips: 0 is usual, 1 and more unlike them.

        Parameters
        ----------
        probabilities
            Of its segments, ``[S, C]``.
        summaries
            `summarise` of the features of each, ``[2F]``.
        lengths
            By which they count.
        """
        features = np.stack([np.asarray(summary, np.float64) for summary in summaries])
        log_distances = _log_distance(features, self.summary_mean, self.summary_std)
        totals = _totals(relative_entropy(probabilities), log_distances, self.scales)
        median, limit = self.limits
        total = float(np.average(totals, weights=lengths))
        return (total - float(median)) / max(float(limit - median), _MIN_SCALE)

    def to_arrays(self) -> dict[str, FloatMatrix]:
        """Return the arrays by their keys in an npz file."""
        return {key: getattr(self, field) for field, key in _NPZ_KEYS.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> "Typicality | None":
        """Inverse of `to_arrays`; None where they are not there."""
        if _NPZ_KEYS["limits"] not in arrays:
            return None
        return cls(**{f: np.asarray(arrays[key], np.float64) for f, key in _NPZ_KEYS.items()})


def summarise(frames: FloatArray) -> FloatArray:
    """Return mean and standard deviation of a clip's normalised features ``[N, F]``, ``[2F]``."""
    summary: FloatArray = np.concatenate([frames.mean(axis=0), frames.std(axis=0)])
    return summary


def relative_entropy(probabilities: FloatMatrix) -> FloatMatrix:
    """Return the entropy of probabilities ``[..., C]``, one where all are equal, ``[...]``."""
    logs = np.log(np.maximum(probabilities, 1e-12))
    entropy: FloatMatrix = -(probabilities * logs).sum(axis=-1) / np.log(probabilities.shape[-1])
    return entropy


def novelty_warnings(novelty: float | None) -> tuple[str, ...]:
    """Return the warning that a recording is unlike the training data, where it is."""
    if novelty is None or novelty < 1.0:
        return ()
    share = f"{100.0 * LIMIT_QUANTILE:g} %"
    return (f"unlike the training data: further from it than {share} of its own clips",)


def fit_typicality(
    probabilities: FloatMatrix, summaries: FloatMatrix, groups: Indices | None = None
) -> Typicality:
    """Return what the training clips are like.

    Parameters
    ----------
    probabilities
        Out of fold, by the bundle's system, ``[N, C]``.
    summaries
        `summarise` of the features of each clip as the final network takes them, ``[N, 2F]``.
    groups
        ``[N]``: what each clip's distance is measured without, as its speaker is new where the
        model is used. None takes every clip for a group of its own, of which there are many.
    """
    mean, std = _mean_and_std(summaries)
    log_distances = _log_distance(summaries, mean, std)
    for group in () if groups is None else np.unique(groups):
        inside = groups == group
        if not inside.all():
            log_distances[inside] = _log_distance(
                summaries[inside], *_mean_and_std(summaries[~inside])
            )
    entropies = relative_entropy(probabilities)
    scales = np.array([[v.mean(), max(v.std(), _MIN_SCALE)] for v in (entropies, log_distances)])
    totals = _totals(entropies, log_distances, scales)
    return Typicality(mean, std, scales, np.quantile(totals, [0.5, LIMIT_QUANTILE]))


def _mean_and_std(summaries: FloatMatrix) -> tuple[FloatMatrix, FloatMatrix]:
    # What is the same in all clips, as after a normalisation by clip, tells nothing.
    return summaries.mean(axis=0), np.maximum(summaries.std(axis=0), _MIN_STD)


def _log_distance(summaries: FloatMatrix, mean: FloatMatrix, std: FloatMatrix) -> FloatMatrix:
    deviations = (summaries - mean) / std
    distances: FloatMatrix = np.log(np.maximum((deviations**2).mean(axis=-1), _MIN_SCALE))
    return distances


def _totals(entropies: FloatMatrix, log_distances: FloatMatrix, scales: FloatMatrix) -> FloatMatrix:
    """Entropy and distance in units of their own spread; to be near is no merit."""
    (entropy_mean, entropy_std), (distance_mean, distance_std) = scales
    uncertain = (entropies - entropy_mean) / entropy_std
    distant = (log_distances - distance_mean) / distance_std
    totals: FloatMatrix = _ENTROPY_WEIGHT * uncertain + np.maximum(distant, 0.0)
    return totals
