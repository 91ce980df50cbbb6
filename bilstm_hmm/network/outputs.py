"""What the network says of one recording."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bilstm_hmm.features.frames import FloatArray


@dataclass(frozen=True, slots=True)
class NetworkOutput:
    """Outputs of the network for one recording.

    `hidden` is float32 ``[n_frames', n_hidden]``, `frame` ``[n_frames', n_classes]`` and
    `clip` ``[n_classes]``; the last two are logits.
    """

    hidden: FloatArray
    frame: FloatArray
    clip: FloatArray


def average_outputs(views: Sequence[NetworkOutput]) -> NetworkOutput:
    """Return the mean of the outputs for several views of one recording, of equal length."""
    if len(views) == 1:
        return views[0]
    return NetworkOutput(
        hidden=np.mean([view.hidden for view in views], axis=0),
        frame=np.mean([view.frame for view in views], axis=0),
        clip=np.mean([view.clip for view in views], axis=0),
    )
