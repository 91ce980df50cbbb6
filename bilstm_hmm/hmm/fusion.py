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


@dataclass(frozen=True, slots=True)
class ScoreFusion:
    """The fitted decision layers; C emotions.

    Attributes
    ----------
    clip_scale
        Factor of the clip logits for `bilstm`: the inverse temperature (Guo et al., 2017).
    hmm_scale
        Factor of the HMM scores for `hmm`.
    hmm_spread
        Standard deviation of the centred HMM scores, their unit in `hybrid`.
    weights
        ``[2]``: of the clip logits and of the HMM scores in `hybrid`, the same for all emotions.
    """

    clip_scale: FloatMatrix
    hmm_scale: FloatMatrix
    hmm_spread: FloatMatrix
    weights: FloatMatrix

    def to_arrays(self) -> dict[str, FloatMatrix]:
        """Return the arrays by name, for an npz file."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "ScoreFusion":
        """Inverse of `to_arrays`; KeyError where one is missing."""
        return cls(**{name: np.asarray(arrays[name], np.float64) for name in cls.__slots__})


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
        return softmax(np.asarray(clip, np.float64) * decision.clip_scale)
    if system == "hmm":
        return softmax(np.asarray(hmm, np.float64) * decision.hmm_scale)
    inputs = fusion_features(clip, hmm, decision.hmm_spread)
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
