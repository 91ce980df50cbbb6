"""From clip logits and HMM scores to calibrated probabilities: bilstm, hmm or hybrid.

`ScoreFusion` is fitted on out-of-fold outputs of the training speakers: an inverse temperature for
each of the two alone (Guo et al., 2017), and for both together the two weights of a conditional
logit (McFadden, 1974).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from bilstm_hmm.arrays import Array, FloatMatrix, Indices
from bilstm_hmm.config.back_end_settings import System
from bilstm_hmm.numerics import center, log_loss, softmax

SYSTEMS: tuple[System, ...] = ("bilstm", "hmm", "hybrid")
#: What follows a system's name where its network is the int8 one.
INT8_SUFFIX = "-int8"

#: Fields and their keys in the npz file of a bundle; the keys are the file format's own.
_NPZ_KEYS = {
    "network_inverse_temperature": "clip_scale",
    "hmm_inverse_temperature": "hmm_scale",
    "hmm_score_std": "hmm_spread",
    "weights": "weights",
}
#: Natural logarithms between which an inverse temperature lies.
_LOG_BOUNDS = (-7.0, 7.0)


@dataclass(frozen=True, slots=True)
class ScoreFusion:
    """Calibration of either score and the fusion of both; C emotions.

    Attributes
    ----------
    network_inverse_temperature
        Factor of the clip logits for `bilstm`.
    hmm_inverse_temperature
        Factor of the HMM scores for `hmm`.
    hmm_score_std
        Standard deviation of the centered HMM scores, their unit in `hybrid`.
    weights
        ``[2]``: of the clip logits and of the HMM scores in `hybrid`, the same for all emotions.
    """

    network_inverse_temperature: FloatMatrix
    hmm_inverse_temperature: FloatMatrix
    hmm_score_std: FloatMatrix
    weights: FloatMatrix

    def to_arrays(self) -> dict[str, FloatMatrix]:
        """Return the arrays by their keys in an npz file."""
        return {key: getattr(self, field) for field, key in _NPZ_KEYS.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> "ScoreFusion":
        """Inverse of `to_arrays`; KeyError where one is missing."""
        return cls(**{f: np.asarray(arrays[key], np.float64) for f, key in _NPZ_KEYS.items()})


def predict_proba(
    fusion: ScoreFusion, clip_logits: ArrayLike, hmm_scores: ArrayLike, system: System
) -> FloatMatrix:
    """Return calibrated probabilities, ``[..., C]``.

    Parameters
    ----------
    clip_logits
        ``[..., C]``.
    hmm_scores
        Log-likelihoods a frame, ``[..., C]``.
    system
        What of the two they come from.
    """
    if system == "bilstm":
        return softmax(np.asarray(clip_logits, np.float64) * fusion.network_inverse_temperature)
    if system == "hmm":
        return softmax(np.asarray(hmm_scores, np.float64) * fusion.hmm_inverse_temperature)
    return softmax(fusion_features(clip_logits, hmm_scores, fusion.hmm_score_std) @ fusion.weights)


def fusion_features(
    clip_logits: ArrayLike, hmm_scores: ArrayLike, hmm_score_std: ArrayLike
) -> FloatMatrix:
    """Pair each emotion's clip logit and HMM score, centered over the emotions: ``[..., C, 2]``."""
    return np.stack([center(clip_logits), center(hmm_scores) / np.asarray(hmm_score_std)], axis=-1)


def fit_fusion(clip_logits: FloatMatrix, hmm_scores: FloatMatrix, labels: Indices) -> ScoreFusion:
    """Fit the calibration of `bilstm` and of `hmm`, and the fusion of `hybrid`.

    Parameters
    ----------
    clip_logits, hmm_scores
        Out of fold, ``[N, C]``.
    labels
        ``[N]``.
    """
    hmm_score_std = np.array(max(float(center(hmm_scores).std()), 1e-6))
    features = fusion_features(clip_logits, hmm_scores, hmm_score_std)
    return ScoreFusion(
        network_inverse_temperature=np.array(fit_inverse_temperature(clip_logits, labels)),
        hmm_inverse_temperature=np.array(fit_inverse_temperature(hmm_scores, labels)),
        hmm_score_std=hmm_score_std,
        weights=fit_fusion_weights(features, labels),
    )


def temper_fusion(fusion: ScoreFusion, temperature: float) -> ScoreFusion:
    """Return a fusion whose probabilities are those of `fusion` at a temperature, in their order.

    What is calibrated on unknown speakers of known corpora is too sure of recordings of others.
    """
    return replace(
        fusion,
        network_inverse_temperature=fusion.network_inverse_temperature / temperature,
        hmm_inverse_temperature=fusion.hmm_inverse_temperature / temperature,
        weights=fusion.weights / temperature,
    )


def refit_fusion(
    before: ScoreFusion,
    clip_logits: FloatMatrix,
    hmm_scores: FloatMatrix,
    labels: Indices,
    prior_clips: float,
) -> ScoreFusion:
    """Fit a fusion to few clips, that of another model being its prior.

    Parameters
    ----------
    before
        What holds without any clip; it also gives the unit of the HMM scores.
    clip_logits, hmm_scores, labels
        As for `fit_fusion`.
    prior_clips
        How many clips it counts as.
    """
    prior = prior_clips / max(len(labels), 1)
    features = fusion_features(clip_logits, hmm_scores, before.hmm_score_std)
    network, hmm = before.network_inverse_temperature, before.hmm_inverse_temperature
    return replace(
        before,
        network_inverse_temperature=np.array(
            fit_inverse_temperature(clip_logits, labels, float(network), prior)
        ),
        hmm_inverse_temperature=np.array(
            fit_inverse_temperature(hmm_scores, labels, float(hmm), prior)
        ),
        weights=fit_fusion_weights(features, labels, before.weights, prior),
    )


def fit_inverse_temperature(
    logits: FloatMatrix, labels: Indices, before: float = 1.0, prior: float = 0.0
) -> float:
    """Return the positive factor of the logits ``[N, C]`` with the least log loss.

    It is the inverse of the temperature of Guo et al. (2017). The squared logarithm of its ratio to
    `before` counts `prior` times half.
    """
    from scipy.optimize import minimize_scalar

    center_at = np.log(max(before, np.exp(_LOG_BOUNDS[0])))

    def loss(log_factor: float) -> float:
        penalty = 0.5 * prior * float(log_factor - center_at) ** 2
        return log_loss(softmax(logits * np.exp(log_factor)), labels) + penalty

    return float(np.exp(minimize_scalar(loss, bounds=_LOG_BOUNDS, method="bounded").x))


def fit_fusion_weights(
    features: FloatMatrix,
    labels: Indices,
    before: FloatMatrix | None = None,
    prior: float = 0.0,
) -> FloatMatrix:
    """Return the weights ``[2]`` of `hybrid` with the least log loss.

    A conditional logit (McFadden, 1974): the weights are the same for every emotion and not
    negative. A bias for each emotion would learn how often the training speakers were asked to
    act it, which is nothing about the next speaker and costs the rarer emotions their recall.

    Parameters
    ----------
    features
        ``[N, C, 2]``, of `fusion_features`.
    before
        Weights to start from; the squared distance to them, as a share of their own square, counts
        `prior` times half.
    """
    from scipy.optimize import minimize

    n_features = features.shape[2]
    start = np.full(n_features, 0.5) if before is None else np.asarray(before, np.float64)
    penalty = prior / max(float(start @ start), 1e-12)
    targets = np.eye(features.shape[1])[labels]

    def loss_and_gradient(weights: FloatMatrix) -> tuple[float, FloatMatrix]:
        posteriors = softmax(features @ weights)
        gradient = np.einsum("nc,nci->i", posteriors - targets, features) / len(labels)
        away = weights - start
        loss = log_loss(posteriors, labels) + 0.5 * penalty * float(away @ away)
        return loss, gradient + penalty * away

    weights: FloatMatrix = minimize(
        loss_and_gradient,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, None)] * n_features,
    ).x
    return weights
