"""Overlapping windows of what is longer than the clips that a network was trained on."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from bilstm_hmm.arrays import FloatArray
from bilstm_hmm.features.windows import window_starts as grid_starts
from bilstm_hmm.network.outputs import NetworkOutput


def window_starts(length: int, size: int, stride: int) -> list[int]:
    """Return where the windows of a sequence of `length` frames begin, at half overlap.

    The last one ends with the sequence, at a multiple of the stride.
    """
    return grid_starts(length, size, size // 2, stride)


def stitch_windows(
    parts: Sequence[NetworkOutput], starts: Sequence[int], length: int, size: int, stride: int
) -> tuple[FloatArray, FloatArray]:
    """Return hidden states and frame logits of the whole, each frame from where it is most central.

    Parameters
    ----------
    parts
        Outputs of the windows that begin at `starts`.
    length
        Frames of the whole.
    """
    seams = [(left + size + right) // 2 // stride for left, right in pairwise(starts)]
    edges = [0, *seams, -(-length // stride)]
    hidden, frame = [], []
    for index, part in enumerate(parts):
        offset = starts[index] // stride
        window = slice(edges[index] - offset, edges[index + 1] - offset)
        hidden.append(part.hidden[window])
        frame.append(part.frame_logits[window])
    return np.concatenate(hidden), np.concatenate(frame)
