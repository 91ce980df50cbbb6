"""Samples that were cut off flat, in the recording as it came."""

import numpy as np

from ..frames import FloatArray

# Samples this near to the peak, three or more in a row, are a wave cut off flat: any number where
# the peak is at full scale; below it where they are many, and no wave of a few steps either.
FULL_SCALE = 0.99
FLAT = 0.9999
MIN_SHARE_BELOW, MIN_PEAK_BELOW = 0.01, 1e-3


def count_clipped(block: FloatArray) -> int:
    """Return how many samples of a block ``[n, n_channels]`` lie in flat runs at its peak."""
    magnitude = np.abs(block)
    peak = float(magnitude.max(initial=0.0))
    if peak < MIN_PEAK_BELOW:
        return 0
    flat = magnitude >= FLAT * peak
    if peak < FULL_SCALE and flat.sum() < MIN_SHARE_BELOW * len(block):
        return 0
    runs = flat[2:] & flat[1:-1] & flat[:-2]
    inside = np.zeros_like(flat)
    inside[2:] |= runs
    inside[1:-1] |= runs
    inside[:-2] |= runs
    count = int(inside.any(axis=1).sum())
    return count if peak >= FULL_SCALE or count >= MIN_SHARE_BELOW * len(block) else 0
