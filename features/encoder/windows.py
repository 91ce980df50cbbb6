"""What is longer than an encoder hears at once: overlapping windows, joined without a seam."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ..frames import FloatArray


def encoder_window_starts(count: int, size: int, step: int) -> list[int]:
    """Return the frames at which the windows of a sequence of `count` frames begin.

    They lie on the grid of `step`; only the last one ends with the sequence, wherever that is.
    """
    if count <= size:
        return [0]
    return [*range(0, count - size, step), count - size]


def overlap_add(parts: Sequence[FloatArray], starts: Sequence[int]) -> FloatArray:
    """Return the whole of overlapping windows, faded over from each to the next.

    Parameters
    ----------
    parts
        float32 ``[size, width]`` each.
    starts
        The frame of the whole that each begins at, ascending.

    Returns
    -------
    float32 ``[starts[-1] + size, width]``.
    """
    if len(parts) == 1:
        return parts[0]
    whole = np.empty((starts[-1] + len(parts[-1]), parts[0].shape[1]), dtype=np.float32)
    whole[: len(parts[0])] = parts[0]
    for part, (before, start) in zip(parts[1:], pairwise(starts), strict=True):
        overlap = before + len(parts[0]) - start
        # At neither end of the overlap is a window alone, nor is one left out.
        share = (np.arange(overlap, dtype=np.float32)[:, None] + 1) / np.float32(overlap + 1)
        shared = whole[start : start + overlap]
        shared += share * (part[:overlap] - shared)
        whole[start + overlap : start + len(part)] = part[overlap:]
    return whole
