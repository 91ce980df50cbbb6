"""Whisper's spectrogram inside the graph, as `bilstm_hmm.features.encoder.whisper_mel` has it.

In double precision, as there: a quantised encoder rounds what it is given to 256 steps, and what
falls on the other side of one changes all that comes out of it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.features.encoder.whisper_mel import (
    DYNAMIC_RANGE,
    HOP,
    MIN_POWER,
    N_FFT,
    mel_filters,
)
from bilstm_hmm.features.spectral.spectrum import periodic_window

_FLOAT, _DOUBLE = 1, 11
_HALF = N_FFT // 2


@dataclass(frozen=True, slots=True)
class LogMelTables:
    """Names of what a spectrogram is made by.

    Attributes
    ----------
    cosines, sines
        Windowed, of half of a frame, ``[N_FFT / 2, bins]`` and ``[N_FFT / 2 - 1, bins]``.
    filters
        Of the mel bands, ``[bins, n_bands]``.
    """

    cosines: str
    sines: str
    filters: str


def write_tables(graph: ModelWriter, n_bands: int) -> LogMelTables:
    """Write the tables, once for all spectrograms."""
    cosines, sines = (graph.constant(table) for table in _halved_transform())
    filters = graph.constant(np.ascontiguousarray(mel_filters(n_bands).T))
    return LogMelTables(cosines, sines, filters)


def write_log_mel(graph: ModelWriter, samples: str, tables: LogMelTables) -> str:
    """Write the spectrogram of samples ``[n]``, float32 ``[1, n_bands, n // HOP]``."""
    power = _power(graph, _frames(graph, samples), tables)
    bands = graph.add("MatMul", power, tables.filters)
    bands = graph.add("Max", bands, _double(graph, MIN_POWER))
    levels = graph.add("Mul", graph.add("Log", bands), _double(graph, 1.0 / np.log(10.0)))
    loudest = graph.total("ReduceMax", levels, 0, 1)
    least = graph.add("Sub", loudest, _double(graph, DYNAMIC_RANGE))
    shifted = graph.add("Add", graph.add("Max", levels, least), _double(graph, 4.0))
    scaled = graph.add("Div", shifted, _double(graph, 4.0))
    columns = graph.add("Transpose", graph.add("Cast", scaled, to=_FLOAT), perm=[1, 0])
    return graph.unsqueeze(columns, 0)


def _frames(graph: ModelWriter, samples: str) -> str:
    """The frames, of a signal mirrored at its ends, float64 ``[T, N_FFT]``."""
    padded = graph.add("Pad", samples, graph.ints(_HALF, _HALF), mode="reflect")
    count = graph.add("Div", graph.size(samples, 0), graph.ints(HOP))
    starts = graph.add("Mul", graph.count_up(count), graph.ints(HOP))
    places = graph.add("Add", graph.unsqueeze(starts, 1), graph.ints(*range(N_FFT)))
    return graph.add("Cast", graph.add("Gather", padded, places), to=_DOUBLE)


def _power(graph: ModelWriter, frames: str, tables: LogMelTables) -> str:
    """The power spectrum, ``[T, 1 + N_FFT / 2]``.

    The window is even about its middle, and zero at its first sample: with the sums and the
    differences of the samples at both sides, each part of the transform takes half the products.
    """
    left = graph.cut(frames, graph.ints(1), graph.ints(_HALF), 1)
    right = graph.add(
        "Slice", frames, graph.ints(-1), graph.ints(_HALF), graph.ints(1), graph.ints(-1)
    )
    middle = graph.cut(frames, graph.ints(_HALF), graph.ints(_HALF + 1), 1)
    even = graph.add("Concat", graph.add("Add", left, right), middle, axis=1)
    real = graph.add("MatMul", even, tables.cosines)
    imaginary = graph.add("MatMul", graph.add("Sub", left, right), tables.sines)
    return graph.add("Add", graph.add("Mul", real, real), graph.add("Mul", imaginary, imaginary))


def _halved_transform() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Windowed cosines ``[N_FFT / 2, bins]`` and sines ``[N_FFT / 2 - 1, bins]``."""
    window = periodic_window("hann", N_FFT)[1 : _HALF + 1, None]
    turns = np.outer(np.arange(1, _HALF + 1), np.arange(_HALF + 1)) % N_FFT / N_FFT
    return window * np.cos(2.0 * np.pi * turns), (window * np.sin(2.0 * np.pi * turns))[:-1]


def _double(graph: ModelWriter, value: float) -> str:
    return graph.constant(np.array(value, np.float64))
