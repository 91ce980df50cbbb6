"""The period of each frame by YIN, a block of frames at a time.

As `bilstm_hmm.features.spectral.pitch.yin`, but for the autocorrelation: that of a whole frame is
one product of matrices, which every runtime is quick at, and no Fourier transform is needed.
"""

from dataclasses import dataclass

import numpy as np

from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.export.waveform import mean_square
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.pitch import DIP_THRESHOLD, FLOOR_DB, MIN_FLOOR, lag_range

#: Frames at a time: what is computed of them then stays in a processor's cache.
_BLOCK = 16
#: Samples that a row of an autocorrelation's matrices has: about the root of a frame's length.
_ROW = 32


@dataclass(frozen=True, slots=True)
class Track:
    """Names of the frequency in Hz and of the aperiodicity of N frames, ``[N]`` each."""

    frequency: str
    aperiodicity: str


@dataclass(frozen=True, slots=True)
class _Search:
    """What is searched: lags, and frames of `length` samples at every `hop`."""

    min_lag: int
    max_lag: int
    hop: int

    @property
    def length(self) -> int:
        return 3 * self.max_lag


def write_yin(graph: ModelWriter, samples: str, settings: FeatureSettings) -> Track:
    """Write frequency and aperiodicity of every ``pitch_step``-th frame of samples ``[n]``."""
    from onnx import TensorProto, helper

    lags = lag_range(settings.rate, settings.pitch_min, settings.pitch_max)
    search = _Search(*lags, hop=settings.pitch_step * settings.hop_length)
    floor = _noise_floor(graph, samples, search)
    steps = graph.add("Div", graph.size(samples, 0), graph.ints(search.hop))
    count = graph.add("Add", steps, graph.ints(1))
    n_blocks = graph.ceil_divide(count, _BLOCK)
    # Silence for the frames that the last block has too many.
    taken = graph.add("Mul", n_blocks, graph.ints(_BLOCK * search.hop))
    behind = graph.add("Add", taken, graph.ints(search.length))
    pads = graph.add("Concat", graph.ints(search.length // 2), behind, axis=0)
    padded = graph.add("Pad", samples, pads)
    body = graph.body("pitch")
    frames = _frames(body, padded, search)
    found = _periods(body, _difference(body, frames, floor, search), search)
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [_BLOCK])
        for name in (f"{body.prefix}period", f"{body.prefix}aperiodicity")
    ]
    for value, output in zip(found, outputs, strict=True):
        body.add("Reshape", value, body.ints(_BLOCK), name=output.name)
    body.add("Identity", f"{body.prefix}go_on", name=f"{body.prefix}goes_on")
    by_block = graph.loop(body, [], [], outputs, trips=graph.squeeze(n_blocks, 0))
    period, aperiodicity = (
        graph.cut(graph.add("Reshape", value, graph.ints(-1)), graph.ints(0), count, 0)
        for value in by_block
    )
    return Track(graph.add("Div", graph.floats(settings.rate), period), aperiodicity)


def _noise_floor(graph: ModelWriter, samples: str, search: _Search) -> str:
    """What is added to each mean square difference, without axes."""
    power = mean_square(graph, samples, search.length, search.hop)
    loudest = graph.total("ReduceMax", power, 0, 1, 2, keepdims=0)
    share = graph.add("Mul", loudest, graph.floats(10.0 ** (-FLOOR_DB / 10.0)))
    return graph.add("Max", share, graph.floats(MIN_FLOOR))


def _frames(body: ModelWriter, padded: str, search: _Search) -> str:
    """The frames of a block, ``[_BLOCK, length]``."""
    block = body.unsqueeze(f"{body.prefix}step", 0)
    start = body.add("Mul", block, body.ints(_BLOCK * search.hop))
    stop = body.add("Add", start, body.ints((_BLOCK - 1) * search.hop + search.length))
    return body.add(
        "Gather", body.cut(padded, start, stop, 0), _grid(body, _BLOCK, search.hop, search.length)
    )


def _grid(graph: ModelWriter, n_rows: int, step: int, width: int) -> str:
    """Indices ``[n_rows, width]`` that count up along a row, each `step` after the one before."""
    rows = graph.constant(step * np.arange(n_rows, dtype=np.int64)[:, None])
    return graph.add("Add", rows, graph.constant(np.arange(width, dtype=np.int64)))


def _autocorrelation(graph: ModelWriter, frames: str, search: _Search) -> str:
    """Sums of the products of samples so many lags apart, from none: ``[_BLOCK, 1 + max_lag]``.

    With a frame in rows of R samples ``x[a R + b]``, the matrix ``G[b, e]``, the sum over a of
    ``x[a R + b] x[a R + e]``, has the autocorrelation as the sums along its diagonals.
    """
    n_rows, n_later = -(-search.length // _ROW), -(-search.max_lag // _ROW) + 1
    beyond = (n_rows + n_later - 1) * _ROW - search.length
    padded = graph.add("Pad", frames, graph.ints(0, 0, 0, beyond))
    rows = graph.add("Reshape", padded, graph.ints(_BLOCK, -1, _ROW))
    first = graph.cut(rows, graph.ints(0), graph.ints(n_rows), 1)
    # Beside each row those that follow it.
    later = graph.add("Gather", rows, _grid(graph, n_rows, 1, n_later), axis=1)
    width = n_later * _ROW
    late = graph.add("Reshape", later, graph.ints(_BLOCK, n_rows, width))
    product = graph.add("MatMul", graph.add("Transpose", first, perm=[0, 2, 1]), late)
    # Rows that are one longer: each begins one column later than the one before.
    flat = graph.add("Reshape", product, graph.ints(_BLOCK, _ROW * width))
    longer = graph.add("Pad", flat, graph.ints(0, 0, 0, _ROW))
    skewed = graph.add("Reshape", longer, graph.ints(_BLOCK, _ROW, width + 1))
    diagonals = graph.cut(skewed, graph.ints(0), graph.ints(search.max_lag + 1), 2)
    return graph.total("ReduceSum", diagonals, 1, keepdims=0)


def _difference(graph: ModelWriter, frames: str, floor: str, search: _Search) -> str:
    """The mean square difference at lags from 1, ``[_BLOCK, max_lag]``."""
    length, max_lag = search.length, search.max_lag
    correlation = _autocorrelation(graph, frames, search)
    power = graph.cut(correlation, graph.ints(0), graph.ints(1), 1)
    lagged = graph.cut(correlation, graph.ints(1), graph.ints(max_lag + 1), 1)
    squares = graph.add("Mul", frames, frames)
    first = graph.cut(squares, graph.ints(0), graph.ints(max_lag), 1)
    last = graph.add(
        "Slice",
        squares,
        graph.ints(length - 1),
        graph.ints(length - max_lag - 1),
        graph.ints(1),
        graph.ints(-1),
    )
    # Of the samples at both ends that have no partner.
    ends = graph.add("CumSum", graph.add("Add", first, last), graph.scalar(1))
    twice = graph.add("Mul", graph.add("Sub", power, lagged), graph.floats(2.0))
    total = graph.add("Max", graph.add("Sub", twice, ends), graph.floats(0.0))
    n_pairs = graph.floats(np.arange(length - 1, length - max_lag - 1, -1))
    return graph.add("Add", graph.add("Div", total, n_pairs), floor)


def _periods(graph: ModelWriter, difference: str, search: _Search) -> tuple[str, str]:
    """The period in samples and the aperiodicity there, ``[_BLOCK, 1]`` each."""
    all_lags = graph.floats(np.arange(1, search.max_lag + 1))
    sums = graph.add("CumSum", difference, graph.scalar(1))
    relative = graph.add("Div", graph.add("Mul", difference, all_lags), sums)
    first, last = search.min_lag - 1, search.max_lag - search.min_lag
    normalised = graph.cut(relative, graph.ints(first), graph.ints(search.max_lag), 1)
    dip = _dip(graph, normalised, last)
    at_left = graph.add("Max", graph.add("Sub", dip, graph.ints(1)), graph.ints(0))
    at_right = graph.add("Min", graph.add("Add", dip, graph.ints(1)), graph.ints(last))
    before, middle, after = (
        graph.add("GatherElements", normalised, at, axis=1) for at in (at_left, dip, at_right)
    )
    # The parabola through the dip and its neighbours; at an end or on a slope there is none.
    curvature = graph.add(
        "Sub", graph.add("Add", before, after), graph.add("Mul", middle, graph.floats(2.0))
    )
    slope = graph.add("Mul", graph.add("Sub", after, before), graph.floats(0.5))
    is_between = graph.add(
        "And",
        graph.add("Greater", dip, graph.ints(0)),
        graph.add("Less", dip, graph.ints(last)),
    )
    inside = graph.add("And", is_between, graph.add("Less", graph.add("Abs", slope), curvature))
    shift = graph.add("Div", slope, graph.add("Where", inside, curvature, graph.floats(1.0)))
    taken = graph.add("Where", inside, shift, graph.floats(0.0))
    lag = graph.add("Cast", graph.add("Add", dip, graph.ints(search.min_lag)), to=1)
    return graph.add("Sub", lag, taken), middle


def _dip(graph: ModelWriter, normalised: str, last: int) -> str:
    """Where the first dip below the threshold is, else the least of all: int64 ``[_BLOCK, 1]``.

    Parameters
    ----------
    normalised
        ``[_BLOCK, 1 + last]``.
    """
    left = graph.cut(normalised, graph.ints(0), graph.ints(last), 1)
    right = graph.cut(normalised, graph.ints(1), graph.ints(last + 1), 1)
    # A dip is below what is left of it, and not above what is right of it.
    falls = graph.add("Cast", graph.add("Less", right, left), to=1)
    rises = graph.add("Cast", graph.add("LessOrEqual", left, right), to=1)
    low = graph.add("Cast", graph.add("Less", normalised, graph.floats(DIP_THRESHOLD)), to=1)
    # Left of the first lag anything would do, right of the last one nothing.
    from_left = graph.add("Pad", falls, graph.ints(0, 1, 0, 0), graph.floats(1.0))
    to_right = graph.add("Pad", rises, graph.ints(0, 0, 0, 1), graph.floats(0.0))
    dips = graph.add("Mul", graph.add("Mul", from_left, to_right), low)
    there_is_one = graph.add("Greater", graph.total("ReduceMax", dips, 1), graph.floats(0.5))
    return graph.add(
        "Where",
        there_is_one,
        graph.add("ArgMax", dips, axis=1, keepdims=1),
        graph.add("ArgMin", normalised, axis=1, keepdims=1),
    )
