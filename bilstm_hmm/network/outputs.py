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
