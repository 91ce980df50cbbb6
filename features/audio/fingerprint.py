"""What is left of a recording that level, rate and codec have changed: a fingerprint.

After Haitsma & Kalker (2002), "A highly robust audio fingerprinting system": a bit says whether
the difference of two neighbouring bands grows from one frame to the next. The frames here are
shorter than theirs, for clips of a second or two.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..frames import FloatArray

#: Of the signal that is taken, in Hz.
RATE = 8000
#: Samples from one word of bits to the next (16 ms), and those that a word looks at (128 ms).
HOP, _LENGTH = 128, 1024
_N_BANDS = 33
_LOWEST, _HIGHEST = 250.0, 3000.0
# Frames so far below the loudest are noise, which a codec makes anew.
_RANGE_DB = 40.0

#: A word a frame; `SILENT` where nothing is loud enough to be compared.
Fingerprint = NDArray[np.uint32]
SILENT = 0


def fingerprint(samples: FloatArray) -> Fingerprint:
    """Return a word of 32 bits for each frame of a signal, ``[n_frames]``.

    Parameters
    ----------
    samples
        Mono at `RATE`, float32 ``[n]``.
    """
    if len(samples) < _LENGTH + HOP:
        return np.zeros(0, dtype=np.uint32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, _LENGTH)[::HOP]
    spectrum = np.fft.rfft(frames * np.hanning(_LENGTH).astype(np.float32), axis=1)
    powers = (spectrum.real**2 + spectrum.imag**2) @ _bands()
    # Levels, not powers: the loudest band would decide alone.
    steps = np.diff(powers, axis=1)
    grows = np.diff(steps, axis=0) > 0.0
    words: Fingerprint = grows @ (1 << np.arange(_N_BANDS - 1, dtype=np.uint64))
    words = words.astype(np.uint32)
    energy = powers[1:].sum(axis=1)
    words[energy <= energy.max() * 10.0 ** (-_RANGE_DB / 10.0)] = SILENT
    return words


@lru_cache(maxsize=1)
def _bands() -> FloatArray:
    """Which frequency belongs to which band, ``[_LENGTH // 2 + 1, _N_BANDS]``."""
    edges = np.geomspace(_LOWEST, _HIGHEST, _N_BANDS + 1)
    frequencies = np.fft.rfftfreq(_LENGTH, 1.0 / RATE)[:, None]
    centres = np.sqrt(edges[:-1] * edges[1:])
    # Triangles one and a half bands wide: low bands are narrower than a step of the spectrum.
    width = np.maximum(edges[1:] - edges[:-1], RATE / _LENGTH)
    bands: FloatArray = np.maximum(0.0, 1.0 - np.abs(frequencies - centres) / width)
    return bands.astype(np.float32)
