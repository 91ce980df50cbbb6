"""Sums in single precision in the order of NumPy's, so that no last bit of them differs.

A quantised encoder makes a large difference of the smallest. NumPy sums by halves down to 128
values at most, which it goes through in eight columns (pairwise summation; Higham, 1993).
"""

from bilstm_hmm.export.graph import ModelWriter

_LEAF, _COLUMNS = 128, 8


def write_sum(graph: ModelWriter, values: str, count: int) -> str:
    """Write the sum of float32 ``[count]``, ``[1]``."""
    n_rows = 1
    # Halves that are alike are summed side by side.
    while count > _LEAF and _split(count) * 2 == count:
        n_rows, count = 2 * n_rows, count // 2
    rows = graph.add("Reshape", values, graph.ints(n_rows, count))
    total = graph.add("Reshape", _row_sums(graph, rows, 0, count), graph.ints(-1))
    while n_rows > 1:
        n_rows //= 2
        total = _pairs(graph, graph.add("Reshape", total, graph.ints(n_rows, 2)))
    return total


def _split(count: int) -> int:
    """How many values the first half has."""
    return count // 2 // _COLUMNS * _COLUMNS


def _row_sums(graph: ModelWriter, rows: str, start: int, count: int) -> str:
    """The sums of `count` values of each row from `start` on, ``[rows, 1]``."""
    if count > _LEAF:
        first = _split(count)
        left = _row_sums(graph, rows, start, first)
        return graph.add("Add", left, _row_sums(graph, rows, start + first, count - first))
    n_whole = count // _COLUMNS * _COLUMNS
    total = ""
    if n_whole:
        values = graph.cut(rows, graph.ints(start), graph.ints(start + n_whole), 1)
        by_column = graph.add("Reshape", values, graph.ints(0, -1, _COLUMNS))
        # One after another, which a sum does not promise.
        running = graph.add("CumSum", by_column, graph.scalar(1))
        columns = graph.cut(running, graph.ints(-1), graph.ints(n_whole), 1)
        total = graph.add("Reshape", columns, graph.ints(-1, 2, 2, 2))
        for _ in range(3):
            total = _pairs(graph, total)
        total = graph.unsqueeze(total, 1)
    for at in range(start + n_whole, start + count):
        value = graph.cut(rows, graph.ints(at), graph.ints(at + 1), 1)
        total = graph.add("Add", total, value) if total else value
    return total


def _pairs(graph: ModelWriter, values: str) -> str:
    """The sums along a last axis of two."""
    return graph.total("ReduceSum", values, -1, keepdims=0)
