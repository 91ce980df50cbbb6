"""Chroma and spectral contrast from a power spectrum."""

import numpy as np
from numpy.typing import NDArray

from ..frames import FloatArray
from .cepstra import power_to_db


def chroma(power: FloatArray, bank: FloatArray) -> FloatArray:
    """Return the strength of each pitch class, the strongest of a frame being 1.

    Parameters
    ----------
    power
        float32 ``[n_frames, n_bins]``.
    bank
        Filters, ``[n_chroma, n_bins]``.

    Returns
    -------
    float32 ``[n_frames, n_chroma]`` in [0, 1], zeros where a frame is silent; equals
    ``librosa.feature.chroma_stft(..., tuning=0).T``.
    """
    strength = power @ bank.T
    strongest = strength.max(axis=1, keepdims=True)
    strongest[strongest < np.finfo(np.float32).tiny] = 1.0
    strength /= strongest
    return strength


def spectral_contrast(power: FloatArray, bands: NDArray[np.int32]) -> FloatArray:
    """Return how far the peaks of each octave stand above its valleys, in dB of magnitude.

    Parameters
    ----------
    power
        float32 ``[n_frames, n_bins]``.
    bands
        int32 ``[n_bands, 3]``, see `features.spectral.filterbanks.FilterBanks`.

    Returns
    -------
    float32 ``[n_frames, n_bands]``; equals ``librosa.feature.spectral_contrast(...).T``, which
    works on magnitudes (Jiang et al., 2002).
    """
    valleys = np.empty((len(power), len(bands)), dtype=np.float32)
    peaks = np.empty_like(valleys)
    for k, (first, stop, n_outer) in enumerate(bands.tolist()):
        band = np.sqrt(power[:, first:stop])
        if n_outer == 1:
            valleys[:, k], peaks[:, k] = band.min(axis=1), band.max(axis=1)
        else:
            band.sort(axis=1)
            valleys[:, k] = band[:, :n_outer].mean(axis=1)
            peaks[:, k] = band[:, -n_outer:].mean(axis=1)
    return power_to_db(peaks) - power_to_db(valleys)
