"""The level of each frame."""

import numpy as np

from ..frames import FloatArray
from .spectrum import centred_frames, frame_blocks

MIN_RMS = 1e-5


def mean_square(samples: FloatArray, frame_length: int, hop_length: int) -> FloatArray:
    """Return the mean square of each centred frame, float32 ``[n_frames]``.

    Its root is ``librosa.feature.rms``.
    """
    frames = centred_frames(samples, frame_length, hop_length)
    power = np.empty(len(frames), dtype=np.float32)
    for span, block in frame_blocks(frames):
        np.einsum("ij,ij->i", block, block, out=power[span])
    power /= np.float32(frame_length)
    return power


def log_energy(samples: FloatArray, frame_length: int, hop_length: int) -> FloatArray:
    """Return the RMS level of each frame in dB, float32 ``[n_frames, 1]``, -100 dB at least."""
    power = mean_square(samples, frame_length, hop_length)
    level = 10.0 * np.log10(np.maximum(power, np.float32(MIN_RMS**2)))
    return level[:, None].astype(np.float32)
