"""Short-time levels of a recording, as `bilstm_hmm.features.quality.meter` measures them."""

from dataclasses import dataclass

import numpy as np

from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.features.audio.sources import BLOCK
from bilstm_hmm.features.quality.meter import (
    FRAME_SECONDS,
    MAX_SECONDS,
    band_means,
    measuring_window,
)


@dataclass(frozen=True, slots=True)
class FrameLevels:
    """What was measured of N frames in which anything was recorded at all.

    Attributes
    ----------
    powers, squares, peaks
        Names of the power in each band ``[N, n_bands]``, the mean square and the peak ``[N]``.
    count
        Name of N, int64 ``[1]``.
    n_bands
        Those that the rate has room for.
    """

    powers: str
    squares: str
    peaks: str
    count: str
    n_bands: int


def write_frame_levels(graph: ModelWriter, samples: str, rate: int) -> FrameLevels:
    """Write the levels of the samples ``[n]`` of a recording."""
    length = max(2, round(FRAME_SECONDS * rate))
    frames = _frames(graph, samples, length, rate)
    squares = _mean_squares(graph, frames)
    recorded = graph.add("Greater", squares, graph.floats(0.0))
    kept, squares = (graph.add("Compress", value, recorded, axis=0) for value in (frames, squares))
    means = band_means(length, rate)
    peaks = graph.total("ReduceMax", graph.add("Abs", kept), 1, keepdims=0)
    return FrameLevels(
        _band_powers(graph, kept, length, rate),
        squares,
        peaks,
        graph.size(squares, 0),
        means.shape[1],
    )


def _frames(graph: ModelWriter, samples: str, length: int, rate: int) -> str:
    """The whole frames, as far as anything is measured, ``[N, length]``; one at least."""
    # A block is measured whole where any of it is.
    most = round(MAX_SECONDS * rate / length)
    n_blocks = next(n for n in range(1, most + 2) if n * BLOCK // length >= most)
    longest = graph.ints(n_blocks * BLOCK // length)
    whole = graph.add("Div", graph.size(samples, 0), graph.ints(length))
    count = graph.add("Max", graph.add("Min", whole, longest), graph.ints(1))
    stop = graph.add("Mul", count, graph.ints(length))
    padded = graph.add("Pad", samples, graph.ints(0, length))
    framed = graph.cut(padded, graph.ints(0), stop, 0)
    return graph.add("Reshape", framed, graph.ints(-1, length))


def _mean_squares(graph: ModelWriter, frames: str) -> str:
    return graph.total("ReduceMean", graph.add("Mul", frames, frames), 1, keepdims=0)


def _band_powers(graph: ModelWriter, frames: str, length: int, rate: int) -> str:
    """The mean power over the frequencies of each band, by the Fourier transform's own products."""
    means = band_means(length, rate)
    bins = np.flatnonzero(means.any(axis=1))
    turns = np.outer(np.arange(length), bins) % length / length
    parts = np.concatenate([np.cos(2.0 * np.pi * turns), np.sin(2.0 * np.pi * turns)], axis=1)
    transform = (parts * measuring_window(length)[:, None]).astype(np.float32)
    values = graph.add("MatMul", frames, graph.constant(transform))
    squares = graph.add("Mul", values, values)
    both = np.ascontiguousarray(np.concatenate([means[bins], means[bins]]))
    return graph.add("MatMul", squares, graph.constant(both))
