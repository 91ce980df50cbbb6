"""Fitting the decision layers on out-of-fold outputs of the training speakers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.decision import Decision, hybrid_inputs, softmax

FloatMatrix = NDArray[np.float64]

#: Strengths of the L2 penalty on the bias that are compared; the best goes by log loss.
PENALTIES = (0.001, 0.01, 0.1, 100.0)


def fit_decision(
    clip: FloatMatrix,
    hmm: FloatMatrix,
    labels: NDArray[np.intp],
    groups: Sequence[int] | NDArray[np.intp],
) -> Decision:
    """Fit the scales of `bilstm` and `hmm` and the logistic layer of `hybrid`.

    Parameters
    ----------
    clip, hmm
        Out-of-fold clip logits and HMM scores, ``[N, C]``.
    labels
        ``[N]``, every class at least once.
    groups
        The group of each clip, its speaker as a rule: the penalty is chosen on groups that the
        layer has not seen.
    """
    centred = hmm - hmm.mean(axis=1, keepdims=True)
    spread = np.array(max(float(centred.std()), 1e-6))
    inputs = hybrid_inputs(clip, hmm, spread)
    weights, bias = _logistic(inputs, labels, np.asarray(groups), clip.shape[1])
    return Decision(
        clip_scale=np.array(fit_scale(clip, labels)),
        hmm_scale=np.array(fit_scale(hmm, labels)),
        hmm_spread=spread,
        weights=weights,
        bias=bias,
    )


def _log_loss(probabilities: FloatMatrix, labels: NDArray[np.intp]) -> float:
    picked = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(picked, 1e-12)).mean())


def fit_scale(logits: FloatMatrix, labels: NDArray[np.intp]) -> float:
    """Return the positive factor of the logits ``[N, C]`` with the least log loss.

    It is the inverse of the temperature of Guo et al. (2017).
    """
    from scipy.optimize import minimize_scalar

    def loss(log_scale: float) -> float:
        return _log_loss(softmax(logits * np.exp(log_scale)), labels)

    return float(np.exp(minimize_scalar(loss, bounds=(-7.0, 7.0), method="bounded").x))


def _logistic(
    inputs: FloatMatrix, labels: NDArray[np.intp], groups: NDArray[np.intp], n_classes: int
) -> tuple[FloatMatrix, FloatMatrix]:
    """Fit the layer with the penalty that does best on groups held out in turn."""
    from sklearn.model_selection import GroupKFold

    n_folds = min(5, len(np.unique(groups)))
    penalty = PENALTIES[-1]
    if n_folds >= 2:
        folds = list(GroupKFold(n_folds).split(labels, labels, groups))
        losses = []
        for candidate in PENALTIES:
            held_out = np.zeros((len(labels), n_classes))
            for train, test in folds:
                weights, bias = fit_layer(inputs[train], labels[train], candidate)
                held_out[test] = softmax(inputs[test] @ weights + bias)
            losses.append(_log_loss(held_out, labels))
        penalty = PENALTIES[int(np.argmin(losses))]
    return fit_layer(inputs, labels, penalty)


def fit_layer(
    inputs: FloatMatrix, labels: NDArray[np.intp], penalty: float
) -> tuple[FloatMatrix, FloatMatrix]:
    """Fit the multinomial logistic layer of `hybrid`: ``[2]`` weights and ``[C]`` biases.

    The weights are the same for every emotion (a conditional logit; McFadden, 1974) and not
    negative: a matrix of its own for every pair of emotions has a hundred more parameters, and
    the training speakers, a few tens at most, do not determine them.

    Parameters
    ----------
    inputs
        ``[N, C, 2]``, of `hybrid_inputs`.
    penalty
        Strength of the L2 penalty on the biases.
    """
    from scipy.optimize import minimize

    count, n_classes, n_inputs = inputs.shape
    targets = np.eye(n_classes)[labels]

    def loss(parameters: FloatMatrix) -> tuple[float, FloatMatrix]:
        weights, bias = parameters[:n_inputs], parameters[n_inputs:]
        shares = softmax(inputs @ weights + bias)
        error = (shares - targets) / count
        gradient = np.concatenate(
            [np.einsum("nc,nci->i", error, inputs), error.sum(axis=0) + 2 * penalty * bias]
        )
        return _log_loss(shares, labels) + penalty * float(bias @ bias), gradient

    start = np.concatenate([np.full(n_inputs, 0.5), np.zeros(n_classes)])
    bounds = [(0.0, None)] * n_inputs + [(None, None)] * n_classes
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return found[:n_inputs], found[n_inputs:]
