"""The fixed matrices of the feature extraction: built once with librosa and spafe, then stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..errors import AudioError
from ..frames import FloatArray
from ..settings.extraction import FeatureSettings
from .spectrum import warp_frequencies

# Spectral contrast as librosa's defaults have it: octaves from 200 Hz, the outer 2 % of the bins.
CONTRAST_FMIN = 200.0
CONTRAST_BANDS = 6
CONTRAST_QUANTILE = 0.02


def _no_bank() -> FloatArray:
    return np.zeros((0, 0), dtype=np.float32)


def _no_bands() -> NDArray[np.int32]:
    return np.zeros((0, 3), dtype=np.int32)


@dataclass(frozen=True, slots=True)
class FilterBanks:
    """The matrices that the streams of a recipe need; the others are empty.

    Attributes
    ----------
    mel
        Mel filters, ``[n_mels, n_bins]`` (librosa).
    linear
        Linear filters, ``[n_linear, n_bins]`` (spafe).
    chroma
        Pitch-class filters, ``[n_chroma, n_bins]`` (librosa).
    mel_dct, linear_dct
        Orthonormal DCT-II, ``[n_mfcc, n_mels]`` and ``[n_lfcc, n_linear]``.
    contrast
        int32 ``[n_bands, 3]``: first bin, bin behind the last, and how many bins make a peak
        or a valley.
    """

    mel: FloatArray = field(default_factory=_no_bank)
    linear: FloatArray = field(default_factory=_no_bank)
    chroma: FloatArray = field(default_factory=_no_bank)
    mel_dct: FloatArray = field(default_factory=_no_bank)
    linear_dct: FloatArray = field(default_factory=_no_bank)
    contrast: NDArray[np.int32] = field(default_factory=_no_bands)
    _views: dict[float, "FilterBanks"] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the arrays by name, for one npz file."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.init}

    def view(self, warp: float) -> "FilterBanks":
        """Return `warped` banks, made once for each warp: for the few that come again and again."""
        if warp not in self._views:
            self._views[warp] = self.warped(warp)
        return self._views[warp]

    def warped(self, warp: float) -> "FilterBanks":
        """Return the banks that give of a spectrum what these give of the warped one.

        Filters and `warp_frequencies` are linear in the power, so that the warp can be done to the
        filters, once, instead of to every frame.
        """
        if warp == 1.0:
            return self
        n_bins = max(bank.shape[1] for bank in (self.mel, self.linear, self.chroma))
        warping = warp_frequencies(np.eye(n_bins, dtype=np.float32), warp).T
        return FilterBanks(
            mel=self.mel @ warping if self.mel.size else self.mel,
            linear=self.linear @ warping if self.linear.size else self.linear,
            chroma=self.chroma @ warping if self.chroma.size else self.chroma,
            mel_dct=self.mel_dct,
            linear_dct=self.linear_dct,
            contrast=self.contrast,
        )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> "FilterBanks":
        """Return the banks that `to_arrays` gave; raise AudioError where one is missing."""
        missing = [f.name for f in fields(cls) if f.init and f.name not in arrays]
        if missing:
            raise AudioError(
                f"The stored filter banks lack {', '.join(missing)}; take a complete copy of the "
                "bundle or train it again."
            )
        return cls(
            mel=np.asarray(arrays["mel"], dtype=np.float32),
            linear=np.asarray(arrays["linear"], dtype=np.float32),
            chroma=np.asarray(arrays["chroma"], dtype=np.float32),
            mel_dct=np.asarray(arrays["mel_dct"], dtype=np.float32),
            linear_dct=np.asarray(arrays["linear_dct"], dtype=np.float32),
            contrast=np.asarray(arrays["contrast"], dtype=np.int32),
        )


def bank_shapes(settings: FeatureSettings) -> dict[str, tuple[int, int]]:
    """Return the shape of each bank that the streams of `settings` need."""
    n_bins = 1 + settings.n_fft // 2
    shapes: dict[str, tuple[int, int]] = {}
    if {"mfcc", "mel"} & set(settings.streams):
        shapes["mel"] = (settings.n_mels, n_bins)
    if "mfcc" in settings.streams:
        shapes["mel_dct"] = (settings.n_mfcc, settings.n_mels)
    if "lfcc" in settings.streams:
        shapes["linear"] = (settings.n_linear, n_bins)
        shapes["linear_dct"] = (settings.n_lfcc, settings.n_linear)
    if "chroma" in settings.streams:
        shapes["chroma"] = (settings.n_chroma, n_bins)
    if "contrast" in settings.streams:
        shapes["contrast"] = (n_contrast_bands(settings.rate), 3)
    return shapes


def check_banks(settings: FeatureSettings, banks: FilterBanks) -> None:
    """Raise AudioError where `banks` were built for other settings."""
    for name, shape in bank_shapes(settings).items():
        actual = getattr(banks, name).shape
        if actual != shape:
            raise AudioError(
                f"The filter bank {name} has the shape {actual}, but the feature settings need "
                f"{shape}; build the filter banks from these settings."
            )


def build_filter_banks(settings: FeatureSettings) -> FilterBanks:
    """Return the filter banks that the streams of `settings` need.

    This alone imports librosa and spafe; whoever has stored banks needs neither.
    """
    needed = bank_shapes(settings)
    return FilterBanks(
        mel=_mel_filters(settings) if "mel" in needed else _no_bank(),
        linear=_linear_filters(settings) if "linear" in needed else _no_bank(),
        chroma=_chroma_filters(settings) if "chroma" in needed else _no_bank(),
        mel_dct=dct_matrix(*needed["mel_dct"]) if "mel_dct" in needed else _no_bank(),
        linear_dct=dct_matrix(*needed["linear_dct"]) if "linear_dct" in needed else _no_bank(),
        contrast=contrast_bands(settings) if "contrast" in needed else _no_bands(),
    )


def _mel_filters(settings: FeatureSettings) -> FloatArray:
    import librosa

    bank: FloatArray = librosa.filters.mel(
        sr=settings.rate,
        n_fft=settings.n_fft,
        n_mels=settings.n_mels,
        fmin=settings.fmin,
        fmax=settings.fmax,
    )
    return bank.astype(np.float32)


def _chroma_filters(settings: FeatureSettings) -> FloatArray:
    import librosa

    # Speech has no concert pitch to tune to: the tuning is fixed, so that the bank is too.
    bank: FloatArray = librosa.filters.chroma(
        sr=settings.rate, n_fft=settings.n_fft, n_chroma=settings.n_chroma, tuning=0.0
    )
    return bank.astype(np.float32)


def _linear_filters(settings: FeatureSettings) -> FloatArray:
    from spafe.fbanks.linear_fbanks import linear_filter_banks

    # spafe counts the bins from low_freq to high_freq where they lie from 0 to rate / 2, so that
    # its filters always cover the whole spectrum; being the reference, it is followed.
    bank, _ = linear_filter_banks(
        nfilts=settings.n_linear,
        nfft=settings.n_fft,
        fs=settings.rate,
        low_freq=settings.fmin,
        high_freq=settings.fmax,
    )
    return np.asarray(bank, dtype=np.float32)


def dct_matrix(n_coefficients: int, n_bands: int) -> FloatArray:
    """Return the first rows of the orthonormal DCT-II, float32 ``[n_coefficients, n_bands]``."""
    k = np.arange(n_coefficients)[:, None]
    cosines = np.cos(np.pi * k * (np.arange(n_bands) + 0.5) / n_bands) * np.sqrt(2.0 / n_bands)
    cosines[0] /= np.sqrt(2.0)
    matrix: FloatArray = cosines.astype(np.float32)
    return matrix


def n_contrast_bands(rate: int) -> int:
    """Return how many bands of spectral contrast lie below ``rate / 2``, the lowest included."""
    octaves = CONTRAST_FMIN * 2.0 ** np.arange(CONTRAST_BANDS)
    return 1 + int(np.sum(octaves < rate / 2))


def contrast_bands(settings: FeatureSettings) -> NDArray[np.int32]:
    """Return the bins of each spectral-contrast band, int32 ``[n_bands, 3]`` (see `FilterBanks`).

    The bands are those of ``librosa.feature.spectral_contrast``: each but the first also takes
    the bin below it, each but the last leaves out its highest bin, the last reaches to the end.
    Where a short `n_fft` leaves a band no bin at all, it gets the nearest one.
    """
    n_bins = 1 + settings.n_fft // 2
    frequencies = np.arange(n_bins) * settings.rate / settings.n_fft
    n_bands = n_contrast_bands(settings.rate)
    edges = np.concatenate([[0.0], CONTRAST_FMIN * 2.0 ** np.arange(n_bands)])
    bands = np.empty((n_bands, 3), dtype=np.int32)
    for k, (low, high) in enumerate(pairwise(edges)):
        first = int(np.searchsorted(frequencies, low, side="left")) - (k > 0)
        last = k == n_bands - 1
        stop = n_bins if last else int(np.searchsorted(frequencies, high, side="right"))
        n_outer = max(1, int(np.rint(CONTRAST_QUANTILE * (stop - first))))
        first = min(first, n_bins - 1)
        bands[k] = first, max(stop - (not last), first + 1), n_outer
    return bands
