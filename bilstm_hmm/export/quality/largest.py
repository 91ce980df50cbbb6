"""Probabilities of which the label's is the largest, as `bilstm_hmm.inference.answer` has them."""

from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.inference.answer import LEAD

_FLOAT, _INT64 = 1, 7
_LEAST = 1e-30


def write_with_largest(graph: ModelWriter, probabilities: str, label: str, n_emotions: int) -> str:
    """Write the nearest of ``[C]`` whose largest is the label's, a place ``[1]``."""
    emotions = graph.ints(*range(n_emotions))
    is_label = graph.add("Equal", emotions, label)
    # All of them are zero where nobody speaks.
    total = graph.add("Max", graph.total("ReduceSum", probabilities, 0), graph.floats(_LEAST))
    shares = graph.add("Div", probabilities, total)
    own = graph.add("Gather", shares, label)
    others = graph.add("Where", is_label, graph.floats(-1.0), shares)
    in_order = graph.outermost(others, n_emotions, axis=0, largest=True, in_order=True)
    lead, one = graph.floats(LEAD), graph.ints(1)
    # Means of the label and of as many of the others as stand before each of them.
    sums = graph.add("CumSum", in_order, graph.scalar(0), exclusive=1)
    counts = graph.add("Cast", graph.add("Add", emotions, one), to=_FLOAT)
    means = graph.add("Div", graph.add("Add", own, sums), counts)
    stays = graph.add("LessOrEqual", graph.add("Add", in_order, lead), means)
    stopped = graph.add("CumSum", graph.add("Cast", stays, to=_INT64), graph.scalar(0))
    pooled = graph.add("Cast", graph.add("Equal", stopped, graph.ints(0)), to=_INT64)
    n_pooled = graph.total("ReduceSum", pooled, 0)
    any_pooled = graph.add("Greater", n_pooled, graph.ints(0))
    mean = graph.add("Gather", means, n_pooled)
    last = graph.add("Sub", n_pooled, one)
    least = graph.add("Gather", in_order, graph.add("Max", last, graph.ints(0)))
    raised = graph.add("Add", mean, graph.add("Mul", graph.add("Cast", n_pooled, to=_FLOAT), lead))
    lowered = graph.add("Sub", mean, lead)
    is_pooled = graph.add("And", graph.add("GreaterOrEqual", others, least), any_pooled)
    found = graph.add("Where", is_pooled, lowered, shares)
    return graph.add("Where", graph.add("And", is_label, any_pooled), raised, found)
