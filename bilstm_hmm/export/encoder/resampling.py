"""Frames at a lower rate, as `bilstm_hmm.features.extraction.frame_rates` makes them."""

import numpy as np

from bilstm_hmm.export.graph import ModelWriter

_FLOAT, _DOUBLE, _INT64 = 1, 11, 7


def write_resampled(graph: ModelWriter, values: str, ratio: float, count: str) -> str:
    """Write the means of frames ``[n, width]`` around each of fewer, ``[count, width]``.

    Parameters
    ----------
    ratio
        Frames of the input for each of the result.
    count
        Frames of the result, int64 ``[1]``.
    """
    wide = graph.add("Cast", values, to=_DOUBLE)
    length = graph.add("Cast", graph.size(values, 0), to=_DOUBLE)
    # The sum up to each boundary between frames, and linear in between.
    sums = graph.add("Pad", graph.add("CumSum", wide, graph.scalar(0)), graph.ints(1, 0, 0, 0))
    number = graph.add("Cast", graph.count_up(count), to=_DOUBLE)
    centres = graph.add(
        "Min",
        graph.add("Mul", number, _doubles(graph, ratio)),
        graph.add("Sub", length, _doubles(graph, 1.0)),
    )
    half = _doubles(graph, ratio / 2)
    before = graph.add("Max", graph.add("Sub", centres, half), _doubles(graph, -0.5))
    first = graph.add("Add", before, _doubles(graph, 0.5))
    behind = graph.add("Add", graph.add("Add", centres, half), _doubles(graph, 0.5))
    last = graph.add("Min", behind, length)
    total = graph.add("Sub", _interpolate(graph, sums, last), _interpolate(graph, sums, first))
    width = graph.unsqueeze(graph.add("Sub", last, first), 1)
    return graph.add("Cast", graph.add("Div", total, width), to=_FLOAT)


def _interpolate(graph: ModelWriter, sums: str, at: str) -> str:
    """The sums ``[n + 1, width]`` at places between them, ``[count, width]``."""
    final = graph.add("Sub", graph.size(sums, 0), graph.ints(2))
    below = graph.add("Min", graph.add("Cast", at, to=_INT64), final)
    fraction = graph.unsqueeze(graph.add("Sub", at, graph.add("Cast", below, to=_DOUBLE)), 1)
    above = graph.add("Add", below, graph.ints(1))
    lower, upper = (graph.add("Gather", sums, places) for places in (below, above))
    rest = graph.add("Sub", _doubles(graph, 1.0), fraction)
    return graph.add("Add", graph.add("Mul", rest, lower), graph.add("Mul", fraction, upper))


def _doubles(graph: ModelWriter, value: float) -> str:
    return graph.constant(np.array([value], np.float64))
