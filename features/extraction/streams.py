"""The streams that frames are made of: how wide each is, and how it is computed.

A stream of one's own is a function of a `ClipView`, added by `register_stream`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from ..frames import FloatArray
from ..settings.extraction import STREAM_NAMES, FeatureSettings
from ..spectral import cepstra, tonal
from ..spectral.energy import log_energy
from ..spectral.filterbanks import FilterBanks, n_contrast_bands
from ..spectral.pitch import pitch
from ..spectral.spectrum import power_spectrum, preemphasise, warp_frequencies


@dataclass(frozen=True, eq=False)
class ClipAnalysis:
    """A clip, and what of it no vocal tract changes; each computed once, when it is asked for.

    Attributes
    ----------
    samples
        float32 ``[n]`` at ``settings.rate``, trimmed and scaled, a frame long at least.
    """

    samples: FloatArray
    settings: FeatureSettings

    @cached_property
    def power(self) -> FloatArray:
        """The power spectrum of the pre-emphasised clip, ``[T, n_bins]``."""
        return power_spectrum(preemphasise(self.samples, self.settings.preemphasis), self.settings)

    @cached_property
    def energy(self) -> FloatArray:
        """The level in dB, ``[T, 1]``."""
        settings = self.settings
        return log_energy(self.samples, settings.frame_length, settings.hop_length)

    @cached_property
    def pitch(self) -> FloatArray:
        """Octaves and voicing, ``[T, 2]``."""
        return pitch(self.samples, self.settings)


@dataclass(frozen=True, eq=False)
class ClipView:
    """A clip as one vocal tract would give it: what streams are computed from.

    Attributes
    ----------
    filter_banks
        Filter banks that are warped already, for ``clip.power`` as it is.
    warp
        Of the frequencies; 1 changes nothing.
    """

    clip: ClipAnalysis
    filter_banks: FilterBanks
    warp: float = 1.0

    @property
    def settings(self) -> FeatureSettings:
        """Those of the clip."""
        return self.clip.settings

    @cached_property
    def power(self) -> FloatArray:
        """The warped power spectrum, ``[T, n_bins]``."""
        return warp_frequencies(self.clip.power, self.warp)

    @cached_property
    def log_mel(self) -> FloatArray:
        """Levels of the mel bands in dB, ``[T, n_mels]``."""
        return cepstra.log_mel(self.clip.power, self.filter_banks.mel)


@dataclass(frozen=True, slots=True)
class Stream:
    """A group of features.

    Attributes
    ----------
    width
        Columns, for these settings.
    compute
        float32 ``[T, width]`` of a view, ``T`` being the rows of its power spectrum.
    """

    width: Callable[[FeatureSettings], int]
    compute: Callable[[ClipView], FloatArray]


def _lfcc(view: ClipView) -> FloatArray:
    return cepstra.lfcc(
        view.clip.power,
        view.filter_banks.linear,
        view.filter_banks.linear_dct,
        view.settings.n_fft,
        cepstra.DYNAMIC_RANGE_DB,
    )


#: The short-time streams by name; an encoder's columns come from `features.encoder`.
STREAMS = {
    "mfcc": Stream(lambda s: s.n_mfcc, lambda v: cepstra.mfcc(v.log_mel, v.filter_banks.mel_dct)),
    "lfcc": Stream(lambda s: s.n_lfcc, _lfcc),
    "mel": Stream(lambda s: s.n_mels, lambda v: v.log_mel),
    "chroma": Stream(
        lambda s: s.n_chroma, lambda v: tonal.chroma(v.clip.power, v.filter_banks.chroma)
    ),
    "contrast": Stream(
        lambda s: n_contrast_bands(s.rate),
        lambda v: tonal.spectral_contrast(v.power, v.filter_banks.contrast),
    ),
    "energy": Stream(lambda _: 1, lambda v: v.clip.energy),
    "pitch": Stream(lambda _: 2, lambda v: v.clip.pitch),
}


def register_stream(name: str, stream: Stream) -> None:
    """Add a stream that recipes may then name under ``features.streams``.

    Whoever loads a model with such a stream must have registered it before.

    Raises
    ------
    ValueError
        There is a stream of this name.
    """
    if name in STREAM_NAMES:
        raise ValueError(f"there is a stream {name!r} already")
    STREAM_NAMES.append(name)
    STREAMS[name] = stream
