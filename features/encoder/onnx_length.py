"""Letting an encoder hear less than its graph was written for: silence costs as much as speech."""

from typing import Any, Literal

import numpy as np

from ..settings.encoder_catalogue import FixedLength

_BOUNDS = {"any_length_zero": 0, "any_length_end": np.iinfo(np.int64).max}


def any_length(model: bytes, fixed: FixedLength, padding: Literal["front", "back"]) -> bytes:
    """Return a graph that takes up to as many frames as `model` takes exactly.

    Of the table of positions, the frames get the rows that they would have if there were silence
    up to the whole length on the side `padding`.

    Parameters
    ----------
    model
        A serialised ONNX model of one input, time its last axis.
    """
    import onnx

    found = onnx.load_model_from_string(model)
    graph = found.graph
    for constant in graph.initializer:
        if constant.name in fixed.counts:
            constant.CopyFrom(onnx.numpy_helper.from_array(np.array([-1]), constant.name))
    place = next(i for i, node in enumerate(graph.node) if fixed.positions in node.input)
    nodes = list(graph.node)
    nodes[place : place + 1] = _placed(nodes[place], fixed.positions, padding)
    del graph.node[:]
    graph.node.extend(nodes)
    for name, value in _BOUNDS.items():
        graph.initializer.append(onnx.numpy_helper.from_array(np.array([value]), name))
    # The shapes that were inferred for the one length would contradict others.
    del graph.value_info[:]
    for output in graph.output:
        output.type.tensor_type.ClearField("shape")
    time = graph.input[0].type.tensor_type.shape.dim[-1]
    time.Clear()
    time.dim_param = "time"
    serialised: bytes = found.SerializeToString()
    return serialised


def _placed(addition: Any, positions: str, padding: str) -> list[Any]:
    """The node that adds all positions, made to add as many as there are frames."""
    from onnx.helper import make_node

    frames = next(value for value in addition.input if value != positions)
    # The first rows of the table, or the last ones, which are counted from its end.
    bounds = ["any_length_zero", "any_length_count"]
    if padding == "front":
        bounds = ["any_length_first", "any_length_end"]
    return [
        make_node("Shape", [frames], ["any_length_count"], start=1, end=2),
        make_node("Neg", ["any_length_count"], ["any_length_first"]),
        make_node("Slice", [positions, *bounds, "any_length_zero"], ["any_length_positions"]),
        make_node("Add", [frames, "any_length_positions"], list(addition.output)),
    ]
