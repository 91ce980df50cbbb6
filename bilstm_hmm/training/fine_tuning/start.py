"""What a fine-tuning starts from: the parts of a bundle that it changes, for some classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bilstm_hmm.arrays import Array, FloatMatrix, Mask
from bilstm_hmm.config.back_end_settings import System
from bilstm_hmm.hmm.bank import HmmBank, score_frames
from bilstm_hmm.hmm.fusion import ScoreFusion, predict_proba
from bilstm_hmm.hmm.projection import Projection
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.training.fine_tuning.output_layers import (
    DenseLayer,
    OutputLayers,
    read_output_layers,
)


@dataclass(frozen=True, slots=True)
class Start:
    """The changeable parts of a bundle, for C classes, of which it may know some alone.

    Attributes
    ----------
    known
        Which classes the bundle has, ``[C]``.
    layers
        Of all classes: one that the bundle has not begins with the mean of those that it has.
    hmm_bank
        Of the known classes, in the order of `classes`.
    projection
        Of hidden states, whatever the bundle's is of: output layers may change.
    """

    classes: tuple[str, ...]
    known: Mask
    layers: OutputLayers
    projection: Projection
    hmm_bank: HmmBank
    fusion: ScoreFusion
    system: System


def start_from(bundle: Bundle, classes: Sequence[str]) -> Start:
    """Return what a fine-tuning to these classes starts from."""
    before = list(bundle.classes)
    kept = [before.index(emotion) for emotion in classes if emotion in before]
    known = np.array([emotion in before for emotion in classes])
    layers = read_output_layers(bundle.network)
    chosen = OutputLayers(
        _of_classes(layers.clip, kept, known), _of_classes(layers.frame, kept, known)
    )
    return Start(
        classes=tuple(classes),
        known=known,
        layers=chosen,
        projection=_of_hidden(bundle.projection, layers.frame),
        hmm_bank=bundle.hmm_bank.of_emotions(kept),
        fusion=bundle.fusion,
        system=bundle.recipe.decision.system,
    )


def rename_classes(bundle_classes: Sequence[str], renamed: Mapping[str, str]) -> tuple[str, ...]:
    """Return the classes of a bundle by their new names."""
    return tuple(renamed.get(emotion, emotion) for emotion in bundle_classes)


def _of_classes(layer: DenseLayer, kept: Sequence[int], known: Mask) -> DenseLayer:
    matrix = np.empty((len(layer.matrix), len(known)))
    bias = np.empty(len(known))
    matrix[:, known], bias[known] = layer.matrix[:, list(kept)], layer.bias[list(kept)]
    matrix[:, ~known] = matrix[:, known].mean(axis=1, keepdims=True) if known.any() else 0.0
    bias[~known] = bias[known].mean() if known.any() else 0.0
    return DenseLayer(matrix, bias)


def _of_hidden(projection: Projection, frame: DenseLayer) -> Projection:
    """The same projection, as one of hidden states."""
    if not projection.from_logits:
        return projection
    offset = frame.bias @ projection.matrix + projection.offset
    return Projection(frame.matrix @ projection.matrix, offset, from_logits=False)


def start_probabilities(
    start: Start, pooled: Array, sequences: Sequence[FloatMatrix]
) -> FloatMatrix:
    """Return what the bundle says of clips, ``[N, C]``: zero for a class that it has not.

    Parameters
    ----------
    pooled
        ``[N, P]``.
    sequences
        Their projected hidden states, ``[T, D]`` each.
    """
    probabilities = np.zeros((len(pooled), len(start.classes)))
    if start.known.any():
        clip_logits = start.layers.clip.logits(pooled)[:, start.known]
        scores = mean_scores(start.hmm_bank, sequences)
        probabilities[:, start.known] = predict_proba(
            start.fusion, clip_logits, scores, start.system
        )
    return probabilities


def mean_scores(bank: HmmBank, sequences: Sequence[FloatMatrix]) -> FloatMatrix:
    """Return the log-likelihoods a frame of clips under each emotion, ``[N, E]``."""
    by_frame = score_frames(bank, sequences)
    return np.stack([scores.mean(axis=0) for scores in by_frame])
