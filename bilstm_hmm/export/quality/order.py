"""Values in order: percentiles by rank, and medians of some of them."""

import numpy as np

from bilstm_hmm.export.graph import ModelWriter

#: Behind all values that are in order.
BEHIND = 1e30
_DOUBLE, _INT64 = 11, 7


def write_sorted(graph: ModelWriter, values: str) -> str:
    """Write values ``[n, ...]`` in ascending order along their first axis."""
    return graph.outermost(values, graph.size(values, 0), axis=0, largest=False, in_order=True)


def write_rank(graph: ModelWriter, count: str, percent: int) -> str:
    """Write the place of a percentile among so many values in order, as `measures.rank`."""
    last = graph.add("Cast", graph.add("Sub", count, graph.ints(1)), to=_DOUBLE)
    of_hundred = graph.add("Mul", last, _double(graph, percent))
    place = graph.add("Round", graph.add("Div", of_hundred, _double(graph, 100.0)))
    return graph.add("Cast", place, to=_INT64)


def write_median(graph: ModelWriter, values: str, chosen: str) -> str:
    """Write the median of those of ``[n]`` that are chosen, ``[1]``; `BEHIND` of none."""
    count = graph.total("ReduceSum", graph.add("Cast", chosen, to=_INT64), 0)
    in_order = write_sorted(graph, graph.add("Where", chosen, values, graph.floats(BEHIND)))
    before = graph.add("Max", graph.add("Sub", count, graph.ints(1)), graph.ints(0))
    middles = [
        graph.add("Gather", in_order, graph.add("Div", place, graph.ints(2)))
        for place in (before, count)
    ]
    return graph.add("Mul", graph.add("Add", *middles), graph.floats(0.5))


def _double(graph: ModelWriter, value: float) -> str:
    return graph.constant(np.array([value], np.float64))
