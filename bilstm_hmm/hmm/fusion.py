"""From clip logits and HMM scores to calibrated probabilities: bilstm, hmm or hybrid."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bilstm_hmm.config.schema import System

FloatMatrix = NDArray[np.float64]

SYSTEMS: tuple[System, ...] = ("bilstm", "hmm", "hybrid")
#: What follows a system's name where its network is the int8 one.
INT8_MARK = "-int8"

#: Fields and their keys in the npz file of a bundle; the keys are the file format's own.
_NPZ_KEYS = {
    "network_inverse_temperature": "clip_scale",
    "hmm_inverse_temperature": "hmm_scale",
    "hmm_score_std": "hmm_spread",
    "weights": "weights",
}


@dataclass(frozen=True, slots=True)
class ScoreFusion:
    """The fitted decision layers; C emotions.

    Attributes
    ----------
    network_inverse_temperature
        Factor of the clip logits for `bilstm`: the inverse temperature (Guo et al., 2017).
    hmm_inverse_temperature
        Factor of the HMM scores for `hmm`.
    hmm_score_std
        Standard deviation of the centred HMM scores, their unit in `hybrid`.
    weights
        ``[2]``: of the clip logits and of the HMM scores in `hybrid`, the same for all emotions.
    """

    network_inverse_temperature: FloatMatrix
    hmm_inverse_temperature: FloatMatrix
    hmm_score_std: FloatMatrix
    weights: FloatMatrix

    def to_arrays(self) -> dict[str, FloatMatrix]:
        """Return the arrays by their keys in an npz file."""
        return {key: getattr(self, name) for name, key in _NPZ_KEYS.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "ScoreFusion":
        """Inverse of `to_arrays`; KeyError where one is missing."""
        return cls(**{n: np.asarray(arrays[key], np.float64) for n, key in _NPZ_KEYS.items()})


def probabilities(
    decision: ScoreFusion, clip: ArrayLike, hmm: ArrayLike, system: System
) -> FloatMatrix:
    """Return calibrated probabilities, ``[..., C]``.

    Parameters
    ----------
    clip
        Clip logits ``[..., C]``.
    hmm
        Log-likelihoods a frame ``[..., C]``.
    """
    if system == "bilstm":
        return softmax(np.asarray(clip, np.float64) * decision.network_inverse_temperature)
    if system == "hmm":
        return softmax(np.asarray(hmm, np.float64) * decision.hmm_inverse_temperature)
    inputs = fusion_features(clip, hmm, decision.hmm_score_std)
    return softmax(inputs @ decision.weights)


def fusion_features(clip: ArrayLike, hmm: ArrayLike, spread: ArrayLike) -> FloatMatrix:
    """Pair each emotion's clip logit and HMM score, centred over the emotions: ``[..., C, 2]``.

    Only differences between emotions tell them apart: what all have in common is the
    recording's own (its level, its noise).
    """
    return np.stack([_center(clip), _center(hmm) / np.asarray(spread)], axis=-1)


def softmax(logits: FloatMatrix) -> FloatMatrix:
    """Exponentials that sum to one over the last axis."""
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: FloatMatrix = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return result


def _center(values: ArrayLike) -> FloatMatrix:
    array = np.asarray(values, np.float64)
    centred: FloatMatrix = array - array.mean(axis=-1, keepdims=True)
    return centred
