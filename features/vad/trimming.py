"""Where the sound in a recording begins and ends."""

import numpy as np

from ..frames import FloatArray
from ..spectral.energy import MIN_RMS, mean_square


def trim_silence(
    samples: FloatArray, top_db: float, frame_length: int, hop_length: int
) -> tuple[int, int]:
    """Return the first sample and the one behind the last that are not silence.

    A frame is silent where its RMS lies `top_db` dB or more below the loudest frame's. The
    indices are those of ``librosa.effects.trim(..., ref=np.max)``; a recording that is silent
    throughout is left whole.

    Parameters
    ----------
    samples
        float32 ``[n]``.
    frame_length, hop_length
        In samples.
    """
    power = np.maximum(mean_square(samples, frame_length, hop_length), np.float32(MIN_RMS**2))
    level = 10.0 * np.log10(power / power.max())
    sounding = np.flatnonzero(level > -top_db)
    first, last = int(sounding[0]), int(sounding[-1])
    return first * hop_length, min(len(samples), (last + 1) * hop_length)
