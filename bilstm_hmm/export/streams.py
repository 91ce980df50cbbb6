"""The streams of the frames, each ``[V, width, T]`` for V vocal-tract warps.

As `bilstm_hmm.features.extraction.streams`, with time as the last axis.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.arrays import FloatArray
from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.export.pitch.contour import write_pitch
from bilstm_hmm.export.waveform import mean_square
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.cepstra import DYNAMIC_RANGE_DB, MIN_POWER
from bilstm_hmm.features.spectral.energy import MIN_RMS
from bilstm_hmm.features.spectral.filterbanks import FilterBanks
from bilstm_hmm.features.spectral.spectrum import warp_frequencies

_DECIBELS = 10.0 / np.log(10.0)


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the streams of an utterance are written from.

    Attributes
    ----------
    samples, power
        Names of the samples ``[n]`` and of the power spectrum ``[bins, T]``.
    settings
        Of the features.
    warps, banks
        The V warps, and the filter banks of each.
    """

    samples: str
    power: str
    settings: FeatureSettings
    warps: Sequence[float]
    banks: Sequence[FilterBanks]


def _bands(graph: ModelWriter, analysis: Analysis, filters: Sequence[FloatArray]) -> str:
    """The power in the bands of each view, ``[V, bands, T]``."""
    stacked = graph.constant(np.concatenate(filters).astype(np.float32))
    product = graph.add("MatMul", stacked, analysis.power)
    return graph.add("Reshape", product, graph.ints(len(filters), len(filters[0]), -1))


def _decibels(graph: ModelWriter, power: str) -> str:
    """As `cepstra.power_to_db`, each view below its own loudest."""
    logarithm = graph.add("Log", graph.add("Max", power, graph.floats(MIN_POWER)))
    levels = graph.add("Mul", logarithm, graph.floats(_DECIBELS))
    loudest = graph.total("ReduceMax", levels, 1, 2)
    return graph.add("Max", levels, graph.add("Sub", loudest, graph.floats(DYNAMIC_RANGE_DB)))


def _mel(graph: ModelWriter, analysis: Analysis) -> str:
    return _decibels(graph, _bands(graph, analysis, [banks.mel for banks in analysis.banks]))


def _mfcc(graph: ModelWriter, analysis: Analysis) -> str:
    dct = graph.constant(analysis.banks[0].mel_dct)
    return graph.add("MatMul", dct, _mel(graph, analysis))


def _lfcc(graph: ModelWriter, analysis: Analysis) -> str:
    bands = _bands(graph, analysis, [banks.linear for banks in analysis.banks])
    bands = graph.add("Mul", bands, graph.floats(1.0 / analysis.settings.n_fft))
    loudest = graph.total("ReduceMax", bands, 1, 2)
    share = graph.floats(10.0 ** (-DYNAMIC_RANGE_DB / 10.0))
    least = graph.add(
        "Max", graph.add("Mul", loudest, share), graph.floats(float(np.finfo(np.float64).eps))
    )
    levels = graph.add("Log", graph.add("Max", bands, least))
    return graph.add("MatMul", graph.constant(analysis.banks[0].linear_dct), levels)


def _chroma(graph: ModelWriter, analysis: Analysis) -> str:
    strength = _bands(graph, analysis, [banks.chroma for banks in analysis.banks])
    strongest = graph.total("ReduceMax", strength, 1)
    silent = graph.add("Less", strongest, graph.floats(float(np.finfo(np.float32).tiny)))
    return graph.add("Div", strength, graph.add("Where", silent, graph.floats(1.0), strongest))


def _contrast(graph: ModelWriter, analysis: Analysis) -> str:
    """As `tonal.spectral_contrast`: the outer bins of each band, by magnitude."""
    views = [
        _contrast_view(graph, _warped(graph, analysis, warp), analysis.banks[0].contrast)
        for warp in analysis.warps
    ]
    return views[0] if len(views) == 1 else graph.add("Concat", *views, axis=0)


def _warped(graph: ModelWriter, analysis: Analysis, warp: float) -> str:
    """As `spectrum.warp_frequencies`, ``[bins, T]``."""
    if warp == 1.0:
        return analysis.power
    n_bins = 1 + analysis.settings.n_fft // 2
    warping = warp_frequencies(np.eye(n_bins, dtype=np.float32), warp).T
    return graph.add("MatMul", graph.constant(warping), analysis.power)


def _contrast_view(graph: ModelWriter, power: str, bands: NDArray[np.int32]) -> str:
    magnitudes = graph.add("Sqrt", power)
    levels = []
    for largest in (True, False):
        rows = []
        for first, stop, n_outer in bands.tolist():
            band = graph.cut(magnitudes, graph.ints(first), graph.ints(stop), 0)
            outer = graph.outermost(band, n_outer, axis=0, largest=largest)
            rows.append(graph.total("ReduceMean", outer, 0))
        levels.append(_decibels(graph, graph.unsqueeze(graph.add("Concat", *rows, axis=0), 0)))
    peaks, valleys = levels
    return graph.add("Sub", peaks, valleys)


def _energy(graph: ModelWriter, analysis: Analysis) -> str:
    settings = analysis.settings
    power = mean_square(graph, analysis.samples, settings.frame_length, settings.hop_length)
    logarithm = graph.add("Log", graph.add("Max", power, graph.floats(MIN_RMS**2)))
    level = graph.add("Mul", logarithm, graph.floats(_DECIBELS))
    return graph.add("Expand", level, graph.ints(len(analysis.banks), 1, 1))


def _pitch(graph: ModelWriter, analysis: Analysis) -> str:
    # Of the voice's source, which no vocal tract changes.
    contour = write_pitch(graph, analysis.samples, analysis.settings)
    return graph.add("Expand", contour, graph.ints(len(analysis.banks), 1, 1))


#: The streams that can be written, by name.
STREAM_WRITERS: dict[str, Callable[[ModelWriter, Analysis], str]] = {
    "mfcc": _mfcc,
    "lfcc": _lfcc,
    "mel": _mel,
    "chroma": _chroma,
    "contrast": _contrast,
    "energy": _energy,
    "pitch": _pitch,
}
