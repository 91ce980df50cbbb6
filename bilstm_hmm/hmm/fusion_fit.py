"""Fitting the decision layers on out-of-fold outputs of the training speakers."""

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.hmm.fusion import ScoreFusion, fusion_features, softmax

FloatMatrix = NDArray[np.float64]


def fit_fusion(clip: FloatMatrix, hmm: FloatMatrix, labels: NDArray[np.intp]) -> ScoreFusion:
    """Fit the scales of `bilstm` and `hmm` and the weights of `hybrid`.

    Parameters
    ----------
    clip, hmm
        Out-of-fold clip logits and HMM scores, ``[N, C]``.
    labels
        ``[N]``.
    """
    centred = hmm - hmm.mean(axis=1, keepdims=True)
    spread = np.array(max(float(centred.std()), 1e-6))
    return ScoreFusion(
        network_inverse_temperature=np.array(fit_temperature(clip, labels)),
        hmm_inverse_temperature=np.array(fit_temperature(hmm, labels)),
        hmm_score_std=spread,
        weights=fit_fusion_weights(fusion_features(clip, hmm, spread), labels),
    )


def _log_loss(probabilities: FloatMatrix, labels: NDArray[np.intp]) -> float:
    picked = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(picked, 1e-12)).mean())


def fit_temperature(logits: FloatMatrix, labels: NDArray[np.intp]) -> float:
    """Return the positive factor of the logits ``[N, C]`` with the least log loss.

    It is the inverse of the temperature of Guo et al. (2017).
    """
    from scipy.optimize import minimize_scalar

    def loss(log_scale: float) -> float:
        return _log_loss(softmax(logits * np.exp(log_scale)), labels)

    return float(np.exp(minimize_scalar(loss, bounds=(-7.0, 7.0), method="bounded").x))


def fit_fusion_weights(inputs: FloatMatrix, labels: NDArray[np.intp]) -> FloatMatrix:
    """Return the weights ``[2]`` of `hybrid` with the least log loss.

    A conditional logit (McFadden, 1974): the weights are the same for every emotion and not
    negative. A bias for each emotion would learn how often the training speakers were asked to
    act it, which is nothing about the next speaker and costs the rarer emotions their recall.

    Parameters
    ----------
    inputs
        ``[N, C, 2]``, of `fusion_features`.
    """
    from scipy.optimize import minimize

    targets = np.eye(inputs.shape[1])[labels]

    def loss(weights: FloatMatrix) -> tuple[float, FloatMatrix]:
        shares = softmax(inputs @ weights)
        gradient = np.einsum("nc,nci->i", shares - targets, inputs) / len(labels)
        return _log_loss(shares, labels), gradient

    count = inputs.shape[2]
    bounds = [(0.0, None)] * count
    found: FloatMatrix = minimize(
        loss, np.full(count, 0.5), jac=True, method="L-BFGS-B", bounds=bounds
    ).x
    return found
