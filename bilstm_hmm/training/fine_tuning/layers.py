"""Output layers fitted to a few clips, held to those of a bundle.

A softmax regression whose weights are drawn to where they start from instead of to zero (L2-SP, Li
et al., 2018): the maximum a posteriori estimate with the bundle's weights for a prior.
"""

import numpy as np

from bilstm_hmm.arrays import Array, FloatMatrix, Indices
from bilstm_hmm.numerics import MIN_PROBABILITY, softmax
from bilstm_hmm.training.fine_tuning.embedding import EmbeddedClips
from bilstm_hmm.training.fine_tuning.output_layers import DenseLayer, OutputLayers

#: Frames of a clip that the layer ``frame`` is fitted on, at most.
_FRAMES = 32
#: Clips that no offset of a speaker counts as.
_OFFSET_CLIPS = 4.0
_LEAST_STD = 0.05
_ITERATIONS = 200


def fit_clip_layer(clips: EmbeddedClips, before: DenseLayer, strength: float) -> DenseLayer:
    """Return the layer ``clip`` fitted to clips; see `fit_layer`."""
    return fit_layer(clips.pooled, clips.labels, clips.speakers, before, strength)


def fit_frame_layer(clips: EmbeddedClips, before: DenseLayer, strength: float) -> DenseLayer:
    """Return the layer ``frame`` fitted to frames of clips, evenly spread over each."""
    frames, owners = [], []
    for number, hidden in enumerate(clips.hidden):
        chosen = np.unique(np.linspace(0, len(hidden) - 1, _FRAMES).round().astype(np.intp))
        frames.append(hidden[chosen])
        owners.extend([number] * len(chosen))
    own = np.array(owners, np.intp)
    vectors = np.concatenate(frames).astype(np.float64)
    return fit_layer(vectors, clips.labels[own], clips.speakers[own], before, strength)


def fit_layer(
    vectors: FloatMatrix, labels: Indices, speakers: Indices, before: DenseLayer, strength: float
) -> DenseLayer:
    """Return the layer with the least log loss and the least squared distance from `before`.

    Every class counts alike, however many clips it has. What a speaker's vectors have in common is
    taken off them first, so that the layer learns emotions and not who shows them.

    Parameters
    ----------
    vectors
        ``[N, P]``.
    labels, speakers
        ``[N]``.
    strength
        What half the squared distance counts, with vectors scaled to a deviation of one.
    """
    from scipy.optimize import minimize

    n_classes, width = len(before.bias), vectors.shape[1]
    mean, std = vectors.mean(axis=0), vectors.std(axis=0)
    std = std + max(_LEAST_STD * float(std.mean()), 1e-6)
    scaled = (vectors - mean) / std
    scaled = scaled - _speaker_offsets(scaled, labels, speakers)
    start = np.vstack([before.matrix * std[:, None], before.bias + mean @ before.matrix])
    targets = np.eye(n_classes)[labels]
    clip_weights = 1.0 / targets.sum(axis=0)[labels]
    clip_weights /= clip_weights.sum()

    def loss_and_gradient(flat: FloatMatrix) -> tuple[float, FloatMatrix]:
        weights = flat.reshape(width + 1, n_classes)
        posteriors = softmax(scaled @ weights[:-1] + weights[-1])
        of_truth = np.maximum((posteriors * targets).sum(axis=1), MIN_PROBABILITY)
        error = (posteriors - targets) * clip_weights[:, None]
        away = weights - start
        gradient = np.vstack([scaled.T @ error, error.sum(axis=0)]) + strength * away
        loss = -float(clip_weights @ np.log(of_truth)) + 0.5 * strength * float((away**2).sum())
        return loss, gradient.ravel()

    fitted = minimize(
        loss_and_gradient,
        start.ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": _ITERATIONS},
    ).x.reshape(width + 1, n_classes)
    matrix = fitted[:-1] / std[:, None]
    return DenseLayer(matrix, fitted[-1] - mean @ matrix)


def _speaker_offsets(scaled: FloatMatrix, labels: Indices, speakers: Indices) -> Array:
    """What the vectors of each speaker have in common beside their emotions, ``[N, P]``.

    The mean of what is left of them without the mean of their class, drawn to nothing where a
    speaker has few: speakers who show one emotion each would else leave nothing to learn.
    """
    left = scaled.copy()
    for label in np.unique(labels):
        left[labels == label] -= left[labels == label].mean(axis=0)
    offsets = np.zeros_like(scaled)
    numbers = np.unique(speakers)
    for speaker in numbers if len(numbers) > 1 else ():
        own = speakers == speaker
        offsets[own] = left[own].sum(axis=0) / (own.sum() + _OFFSET_CLIPS)
    return offsets


def mix_layers(before: OutputLayers, after: OutputLayers, weight: float) -> OutputLayers:
    """Return layers whose logits are the weighted mean of two, `weight` of them of `after`."""
    return OutputLayers(
        _mix(before.clip, after.clip, weight), _mix(before.frame, after.frame, weight)
    )


def _mix(before: DenseLayer, after: DenseLayer, weight: float) -> DenseLayer:
    return DenseLayer(
        (1.0 - weight) * before.matrix + weight * after.matrix,
        (1.0 - weight) * before.bias + weight * after.bias,
    )
