"""Which columns of the frames belong together, for whoever asks what moved a label.

Cepstra are levels of bands by an orthonormal matrix, so that of them as well the part of a band of
the spectrum can be taken away: what all bands have in common is the level, and of what is left each
band has its share.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bilstm_hmm.arrays import FloatArray, FloatMatrix, Indices
from bilstm_hmm.features.extraction.normalise import FeatureStatistics
from bilstm_hmm.features.extraction.streams import STREAMS
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.filterbanks import FilterBanks

#: Hz between the bands of the spectrum: pitch and the first formant, the second one's lower and
#: upper range, the third, and the noise of consonants.
BAND_EDGES = (600, 1200, 2200, 4000)
LEVEL = "level"


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Columns of a group, and how much of them belongs to it.

    Attributes
    ----------
    columns
        ``[K]``.
    projection
        ``[K, K]``: what of their values, as columns times a vector, is the group's; None for all.
    """

    columns: Indices
    projection: FloatMatrix | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FeatureGroup:
    """Features that are occluded together."""

    name: str
    parts: tuple[Part, ...]

    def occluded(
        self, frames: FloatArray, mean: FloatArray, statistics: FeatureStatistics
    ) -> FloatArray:
        """Return normalised frames ``[N, F]`` in which the group has its mean.

        Parameters
        ----------
        mean
            Of the training frames, normalised as these are, ``[F]``.
        statistics
            By which the frames were normalised.
        """
        result = frames.copy()
        for part in self.parts:
            columns = part.columns
            if part.projection is None:
                result[:, columns] = mean[columns]
                continue
            std = statistics.std[columns]
            away = (frames[:, columns] - mean[columns]) * std
            result[:, columns] -= (away @ part.projection.T.astype(np.float32)) / std
        return result


def feature_groups(settings: FeatureSettings, banks: FilterBanks) -> tuple[FeatureGroup, ...]:
    """Return the groups of features that a model of these settings has, in the order of streams.

    What they take of frames adds up to all of it; deltas go with what they are of.
    """
    found: dict[str, list[Part]] = {}
    for name, part in _parts(settings, banks):
        found.setdefault(name, []).append(part)
    return tuple(FeatureGroup(name, tuple(parts)) for name, parts in found.items())


def _parts(settings: FeatureSettings, banks: FilterBanks) -> Iterator[tuple[str, Part]]:
    first = 0
    if settings.has_encoder:
        encoder = settings.encoder
        for tap in encoder.taps:
            yield f"encoder, layer {tap}", Part(np.arange(first, first + encoder.width))
            first += encoder.width
    width = sum(STREAMS[stream].width(settings) for stream in settings.short_time)
    for stream in settings.short_time:
        n_columns = STREAMS[stream].width(settings)
        for name, projection in _of_stream(stream, settings, banks):
            for order in range(1 + settings.deltas):
                columns = np.arange(first, first + n_columns) + order * width
                yield name, Part(columns, projection)
        first += n_columns


def _of_stream(
    stream: str, settings: FeatureSettings, banks: FilterBanks
) -> Iterator[tuple[str, FloatMatrix | None]]:
    """Yield the groups of a stream, and what of its columns is of each."""
    if stream == "mel":
        names = _band_names(banks.mel, settings)
        for name in dict.fromkeys(names):
            yield name, np.diag([float(name == other) for other in names])
    elif stream in ("mfcc", "lfcc"):
        filters, dct = (
            (banks.mel, banks.mel_dct) if stream == "mfcc" else (banks.linear, banks.linear_dct)
        )
        names = _band_names(filters, settings)
        level = np.zeros((len(dct), len(dct)))
        level[0, 0] = 1.0
        yield LEVEL, level
        shape = dct.astype(np.float64)
        shape[0] = 0.0
        for name in dict.fromkeys(names):
            inside = shape[:, [name == other for other in names]]
            yield name, inside @ inside.T
    else:
        yield (LEVEL if stream == "energy" else stream), None


def _band_names(filters: FloatArray, settings: FeatureSettings) -> list[str]:
    """Return the name of the band that each filter ``[n_filters, n_bins]`` is of."""
    centres = filters.argmax(axis=1) * settings.rate / settings.n_fft
    edges = (0, *BAND_EDGES, settings.rate // 2)
    places = np.searchsorted(BAND_EDGES, centres, side="right")
    return [f"{edges[place]}-{edges[place + 1]} Hz" for place in places]
