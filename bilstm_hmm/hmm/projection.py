"""What the HMMs see of the network: frame logits, or hidden states through a linear projection.

The hidden states of two networks are not comparable, but the HMMs are fitted on those of the
inner folds' networks and used on those of the final one. So each inner network is aligned
first: a ridge regression takes its hidden states to the final network's, on clips that the inner
network was trained on, and is then applied to the clips that the inner network has not seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.arrays import FloatMatrix, Indices
from bilstm_hmm.config.back_end_settings import HmmSettings
from bilstm_hmm.network.outputs import NetworkOutput

#: Dimensions that PCA keeps where the recipe does not say.
DEFAULT_PCA_DIMENSIONS = 16
_RIDGE = 1.0
_LDA_SHRINKAGE = 1e-3


@dataclass(frozen=True, slots=True)
class Projection:
    """An affine map of hidden states ``[H]`` or frame logits ``[C]`` to HMM input ``[D]``.

    Attributes
    ----------
    matrix
        ``[H, D]`` or ``[C, D]``.
    offset
        ``[D]``.
    from_logits
        Whether it maps frame logits.
    """

    matrix: FloatMatrix
    offset: FloatMatrix
    from_logits: bool


def project(projection: Projection, outputs: NetworkOutput) -> FloatMatrix:
    """Return the HMM input of a recording, ``[T, D]``."""
    source = outputs.frame_logits if projection.from_logits else outputs.hidden
    return source.astype(np.float64) @ projection.matrix + projection.offset


def fit_projection(
    sequences: Sequence[NDArray[np.floating]],
    labels: Indices,
    n_classes: int,
    settings: HmmSettings,
) -> Projection:
    """Fit the projection on out-of-fold frames: centered logits, LDA or whitened PCA.

    Parameters
    ----------
    sequences
        Frame logits ``[T, C]`` for ``logits``, aligned hidden states ``[T, H]`` otherwise.
    labels
        The class of each sequence.

    Notes
    -----
    LDA keeps at most one dimension less than there are classes. Both LDA and PCA are
    scikit-learn's; what is kept of them is one matrix and one vector.
    """
    frames = np.concatenate(list(sequences)).astype(np.float64)
    if settings.input == "logits":
        return _logits(frames, n_classes)
    if settings.input == "pca":
        return _pca(frames, settings.dimensions or DEFAULT_PCA_DIMENSIONS)
    classes = np.repeat(labels, [len(sequence) for sequence in sequences])
    most = max(1, n_classes - 1)
    return _lda(frames, classes, min(settings.dimensions or most, most))


def _logits(frames: FloatMatrix, n_classes: int) -> Projection:
    # Adding a constant to all logits changes no posterior, so that direction is dropped.
    centering = np.eye(n_classes) - 1.0 / n_classes
    basis = np.linalg.svd(centering)[0][:, : max(1, n_classes - 1)]
    std = np.maximum((frames @ basis).std(axis=0), 1e-6)
    return _centered(frames, basis / std, from_logits=True)


def _pca(frames: FloatMatrix, dimensions: int) -> Projection:
    from sklearn.decomposition import PCA

    fitted = PCA(min(dimensions, *frames.shape), svd_solver="full").fit(frames)
    matrix = fitted.components_.T / np.sqrt(np.maximum(fitted.explained_variance_, 1e-10))
    return _centered(frames, matrix)


def _lda(frames: FloatMatrix, classes: Indices, dimensions: int) -> Projection:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    fitted = LinearDiscriminantAnalysis(
        solver="eigen", shrinkage=_LDA_SHRINKAGE, n_components=dimensions
    ).fit(frames, classes)
    return _centered(frames, fitted.scalings_[:, :dimensions])


def _centered(frames: FloatMatrix, matrix: FloatMatrix, from_logits: bool = False) -> Projection:
    """The projection by `matrix` after which the mean of the frames is zero."""
    return Projection(matrix, -frames.mean(axis=0) @ matrix, from_logits)


def fit_alignment(source: Sequence[NetworkOutput], target: Sequence[NetworkOutput]) -> Projection:
    """Return the map from one network's hidden states to another's, on the same clips.

    Ridge regression; `source` and `target` are the two networks' outputs clip by clip.
    """
    x = np.concatenate([outputs.hidden for outputs in source]).astype(np.float64)
    y = np.concatenate([outputs.hidden for outputs in target]).astype(np.float64)
    x_mean, y_mean = x.mean(axis=0), y.mean(axis=0)
    centered = x - x_mean
    gram = centered.T @ centered + _RIDGE * np.eye(x.shape[1])
    matrix = np.linalg.solve(gram, centered.T @ (y - y_mean))
    return Projection(matrix, y_mean - x_mean @ matrix, from_logits=False)
