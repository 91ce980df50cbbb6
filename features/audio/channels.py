"""From the channels of a recording to one."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ..frames import FloatArray

# Channels that have nothing to do with each other lose some level in their mean; where the mean
# keeps less than this share of even that power, they cancel each other.
_MIN_POWER_RATIO = 0.25


def mixing_weights(blocks: Iterable[FloatArray], n_channels: int) -> tuple[FloatArray, str]:
    """Return the weight of each channel in the mono signal, and the note that says so.

    The mean of all channels, but only the strongest channel where they are out of phase and
    would cancel each other.

    Parameters
    ----------
    blocks
        The whole recording, float32 ``[n, n_channels]`` a block.

    Returns
    -------
    float32 ``[n_channels]``, and the note.
    """
    energy: NDArray[np.float64] = np.zeros(n_channels)
    energy_of_mean = 0.0
    for block in blocks:
        energy += np.square(block, dtype=np.float64).sum(axis=0)
        energy_of_mean += float(np.square(block.mean(axis=1), dtype=np.float64).sum())
    if energy_of_mean < _MIN_POWER_RATIO * energy.sum() / n_channels**2:
        strongest = np.zeros(n_channels, dtype=np.float32)
        strongest[energy.argmax()] = 1.0
        return strongest, f"{n_channels} channels cancel each other: the strongest alone is used"
    mean = np.full(n_channels, 1.0 / n_channels, dtype=np.float32)
    return mean, f"{n_channels} channels mixed to one"
