"""What was measured of a clip's audio, whoever decoded it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Words of 32 bits, one a frame, that a copy shares whatever its level, rate or codec; a frame of
#: 0 is too quiet to be compared. Two frames of the same time differ in a few bits.
Fingerprint = NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """A clip's audio in numbers.

    Attributes
    ----------
    seconds, rate, n_channels
        Of the original; the rate in Hz.
    peak
        The largest magnitude of a sample, full scale at 1.
    speech_seconds
        How long somebody speaks; None where that was not looked for.
    is_clipped
        Whether its waves are cut off flat.
    damage
        What of the file could not be decoded, a phrase; None where nothing is missing.
    digest
        A hash of the decoded samples: equal where all samples are.
    fingerprint
        ``[n_frames]``.
    """

    seconds: float
    rate: int
    n_channels: int
    peak: float
    speech_seconds: float | None
    is_clipped: bool
    damage: str | None
    digest: str
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A clip that cannot be decoded, and why: a sentence."""

    reason: str
