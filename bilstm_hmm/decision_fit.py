"""Fitting the decision layers on out-of-fold outputs of the training speakers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.decision import Decision, hybrid_inputs, softmax

FloatMatrix = NDArray[np.float64]

#: Inverse strengths of the L2 penalty that are compared; the best goes by log loss.
PENALTIES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


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
        The inner fold of each clip: the penalty is
        chosen on folds that the layer has not seen.
    """
    centred = hmm - hmm.mean(axis=1, keepdims=True)
    spread = np.array(max(float(centred.std()), 1e-6))
    inputs = hybrid_inputs(clip, hmm, spread)
    weights, bias = _logistic(inputs, labels, np.asarray(groups), clip.shape[1])
    return Decision(
        clip_scale=np.array(_scale(clip, labels)),
        hmm_scale=np.array(_scale(hmm, labels)),
        hmm_spread=spread,
        weights=weights,
        bias=bias,
    )


def _log_loss(probabilities: FloatMatrix, labels: NDArray[np.intp]) -> float:
    picked = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(picked, 1e-12)).mean())


def _scale(logits: FloatMatrix, labels: NDArray[np.intp]) -> float:
    """Return the positive factor of the logits with the least log loss."""
    from scipy.optimize import minimize_scalar

    def loss(log_scale: float) -> float:
        return _log_loss(softmax(logits * np.exp(log_scale)), labels)

    return float(np.exp(minimize_scalar(loss, bounds=(-7.0, 7.0), method="bounded").x))


def _logistic(
    inputs: FloatMatrix, labels: NDArray[np.intp], groups: NDArray[np.intp], n_classes: int
) -> tuple[FloatMatrix, FloatMatrix]:
    from sklearn.model_selection import GroupKFold

    n_folds = min(5, len(np.unique(groups)))
    penalty = PENALTIES[len(PENALTIES) // 2]
    if n_folds >= 2:
        folds = list(GroupKFold(n_folds).split(inputs, labels, groups))
        losses = []
        for candidate in PENALTIES:
            held_out = np.zeros((len(labels), n_classes))
            for train, test in folds:
                weights, bias = _fit_layer(inputs[train], labels[train], candidate, n_classes)
                held_out[test] = softmax(inputs[test] @ weights + bias)
            losses.append(_log_loss(held_out, labels))
        penalty = PENALTIES[int(np.argmin(losses))]
    return _fit_layer(inputs, labels, penalty, n_classes)


def _fit_layer(
    inputs: FloatMatrix, labels: NDArray[np.intp], penalty: float, n_classes: int
) -> tuple[FloatMatrix, FloatMatrix]:
    """Multinomial logistic regression by scikit-learn; classes not in `labels` never win."""
    from sklearn.linear_model import LogisticRegression

    present = np.unique(labels)
    model = LogisticRegression(C=penalty, max_iter=2000).fit(inputs, labels)
    weights = np.zeros((inputs.shape[1], n_classes))
    bias = np.full(n_classes, -30.0)
    if len(present) == 2:
        # scikit-learn gives two classes one column: the logit of the second.
        weights[:, present[1]] = model.coef_[0]
        bias[present] = 0.0, float(model.intercept_[0])
    else:
        weights[:, present] = model.coef_.T
        bias[present] = model.intercept_
    return weights, bias
