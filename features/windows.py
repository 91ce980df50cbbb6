"""What is longer than a network takes at once: the grid of overlapping windows, and their sum."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from .frames import FloatArray


def window_starts(length: int, size: int, step: int, multiple: int = 1) -> list[int]:
    """Return the frames at which the windows of a sequence begin.

    They lie on the grid of `step`; only the last one ends with the sequence, or as few frames
    behind it as bring its start to a `multiple`.

    Parameters
    ----------
    length
        Frames of the sequence.
    size
        Frames of a window.
    """
    if length <= size:
        return [0]
    last = -(-(length - size) // multiple) * multiple
    return [*range(0, length - size, step), last]


def overlap_add(windows: Sequence[FloatArray], starts: Sequence[int]) -> FloatArray:
    """Return the whole of overlapping windows, faded over from each to the next.

    Parameters
    ----------
    windows
        float32 ``[size, width]`` each.
    starts
        The frame of the whole that each begins at, ascending.

    Returns
    -------
    float32 ``[starts[-1] + size, width]``.
    """
    if len(windows) == 1:
        return windows[0]
    size, width = windows[0].shape
    whole = np.empty((starts[-1] + size, width), dtype=np.float32)
    whole[:size] = windows[0]
    for window, (previous, start) in zip(windows[1:], pairwise(starts), strict=True):
        overlap = previous + size - start
        # At neither end of the overlap is a window alone, nor is one left out.
        weight = (np.arange(overlap, dtype=np.float32)[:, None] + 1) / np.float32(overlap + 1)
        common = whole[start : start + overlap]
        common += weight * (window[:overlap] - common)
        whole[start + overlap : start + size] = window[overlap:]
    return whole
