"""What the network says of one recording."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bilstm_hmm.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class NetworkOutput:
    """Outputs of the network for one recording of T output frames; C emotions.

    Attributes
    ----------
    hidden
        Hidden states of the last recurrent layer, float32 ``[T, H]``.
    frame_logits
        float32 ``[T, C]``.
    clip_logits
        float32 ``[C]``.
    """

    hidden: FloatArray
    frame_logits: FloatArray
    clip_logits: FloatArray


def average_outputs(views: Sequence[NetworkOutput]) -> NetworkOutput:
    """Return the mean of the outputs for several views of one recording, of equal length."""
    if len(views) == 1:
        return views[0]
    return NetworkOutput(
        hidden=np.mean([view.hidden for view in views], axis=0),
        frame_logits=np.mean([view.frame_logits for view in views], axis=0),
        clip_logits=np.mean([view.clip_logits for view in views], axis=0),
    )


def unpad_outputs(
    hidden: FloatArray,
    frame_logits: FloatArray,
    clip_logits: FloatArray,
    lengths: Sequence[int],
    stride: int,
) -> list[NetworkOutput]:
    """Return the outputs of each recording of a padded batch, without the padding.

    Parameters
    ----------
    hidden, frame_logits, clip_logits
        ``[B, T, H]``, ``[B, T, C]`` and ``[B, C]``.
    lengths
        Input frames of each recording.
    stride
        Input frames an output frame.
    """
    steps = [-(-length // stride) for length in lengths]
    return [
        NetworkOutput(hidden[row, :count], frame_logits[row, :count], clip_logits[row])
        for row, count in enumerate(steps)
    ]
