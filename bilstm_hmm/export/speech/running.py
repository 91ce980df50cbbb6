"""The largest value so far, which the standard has no operator for."""

from typing import Any

import numpy as np

from bilstm_hmm.export.graph import ModelWriter

#: In the place of no value at all.
NOTHING = -1e30


def running_maximum(graph: ModelWriter, value: str, prefix: str, fall: float = 0.0) -> str:
    """Write the running maximum of ``[1, 1, N]``, of which `fall` is lost with every step.

    What is one, two, four, ... steps before is looked at in turn.
    """
    from onnx import TensorProto, helper

    count = graph.size(value, 2)
    body = ModelWriter(prefix)
    highest, distance, next_highest, next_distance = (
        f"{prefix}{name}" for name in ("highest", "distance", "next_highest", "next_distance")
    )
    none = body.ints(0)
    pads = body.add("Concat", none, none, distance, none, none, none, axis=0)
    padded = body.add("Pad", highest, pads, body.constant(np.array(NOTHING, np.float32)))
    before = body.cut(padded, none, count, 2)
    lost = body.add("Mul", body.add("Cast", distance, to=TensorProto.FLOAT), body.floats(fall))
    body.add("Max", highest, body.add("Sub", before, lost), name=next_highest)
    body.add("Mul", distance, body.ints(2), name=next_distance)
    more = body.add("Less", next_distance, count)
    body.add("Squeeze", more, none, name=f"{prefix}goes_on")

    def values(name: str) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, "N"])

    def number(name: str) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.INT64, [1])

    found, _ = graph.loop(
        body,
        [value, graph.ints(1)],
        [values(highest), number(distance)],
        [values(next_highest), number(next_distance)],
    )
    return found
