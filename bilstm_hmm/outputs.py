"""What the network says of one recording."""

from dataclasses import dataclass

from features.frames import FloatArray


@dataclass(frozen=True, slots=True)
class Outputs:
    """Outputs of the network for one recording.

    `hidden` is float32 ``[n_frames', n_hidden]``, `frame` ``[n_frames', n_classes]`` and
    `clip` ``[n_classes]``; the last two are logits.
    """

    hidden: FloatArray
    frame: FloatArray
    clip: FloatArray
