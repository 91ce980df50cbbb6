"""Log-mel bands, MFCC and LFCC from a power spectrum."""

import numpy as np

from ..frames import FloatArray

# What librosa.power_to_db has by default: the least power, and the range below the loudest.
MIN_POWER = 1e-10
DYNAMIC_RANGE_DB = 80.0


def power_to_db(power: FloatArray, dynamic_range: float | None = DYNAMIC_RANGE_DB) -> FloatArray:
    """Return ``10 log10(power)``, nothing lower than `dynamic_range` dB below the largest.

    Equals ``librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=dynamic_range)``.
    """
    decibels = np.log(np.maximum(power, np.float32(MIN_POWER)))
    # numpy's float32 log is vectorised, its log10 is not.
    decibels *= np.float32(10.0 / np.log(10.0))
    if dynamic_range is not None:
        np.maximum(decibels, decibels.max() - np.float32(dynamic_range), out=decibels)
    return decibels


def log_mel(power: FloatArray, mel: FloatArray) -> FloatArray:
    """Return mel band levels in dB.

    Parameters
    ----------
    power
        float32 ``[n_frames, n_bins]``.
    mel
        Filters, ``[n_mels, n_bins]``.

    Returns
    -------
    float32 ``[n_frames, n_mels]``, as ``power_to_db(librosa.feature.melspectrogram(...)).T``.
    """
    return power_to_db(power @ mel.T)


def mfcc(mel_levels: FloatArray, dct: FloatArray) -> FloatArray:
    """Return mel-frequency cepstral coefficients, float32 ``[n_frames, n_mfcc]``.

    `mel_levels` are those of `log_mel`; equals ``librosa.feature.mfcc(...).T``.
    """
    return mel_levels @ dct.T


def lfcc(
    power: FloatArray,
    linear: FloatArray,
    dct: FloatArray,
    n_fft: int,
    dynamic_range: float | None = None,
) -> FloatArray:
    """Return linear-frequency cepstral coefficients.

    As ``spafe.features.lfcc.lfcc`` does, the power is divided by `n_fft` and the logarithm is the
    natural one. spafe frames a signal otherwise than librosa does (no centring, symmetric
    windows); fed with the same frames, both agree.

    Parameters
    ----------
    power
        float32 ``[n_frames, n_bins]``.
    linear
        Filters, ``[n_linear, n_bins]``.
    dct
        ``[n_lfcc, n_linear]``.
    dynamic_range
        dB below the loudest band at which quieter ones are floored, so that digital silence
        between words is no outlier; None, as in spafe, for no floor.

    Returns
    -------
    float32 ``[n_frames, n_lfcc]``.
    """
    bands = power @ linear.T
    bands *= np.float32(1.0 / n_fft)
    # spafe replaces exact zeros by this; nothing that a sound card records lies below it.
    least = np.finfo(np.float64).eps
    if dynamic_range is not None:
        least = max(least, float(bands.max()) * 10.0 ** (-dynamic_range / 10.0))
    levels: FloatArray = np.log(np.maximum(bands, np.float32(least)))
    return levels @ dct.T
