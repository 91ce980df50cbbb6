"""Graphs of ONNX made to cost no more than is needed: less of the graph, and less silence."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from ..errors import EncoderError
from ..settings.encoder_catalogue import FixedLength

_SLICE_BOUNDS = {"any_length_zero": 0, "any_length_end": np.iinfo(np.int64).max}


def extract_subgraph(model: bytes, taps: Sequence[str], name: str) -> bytes:
    """Return the model with the values `taps` for outputs, and nothing that these do not need.

    Parameters
    ----------
    model
        A serialised ONNX model.
    name
        Of the encoder, for messages.

    Raises
    ------
    EncoderError
        Where it is no ONNX model, or the graph has no value of one of these names.
    """
    import onnx

    try:
        proto = onnx.load_model_from_string(model)
        nodes = list(proto.graph.node)
    except Exception:
        raise EncoderError(f"{name}: not a model of ONNX; check features.encoder.model.") from None
    producers = {value: node for node in nodes for value in node.output}
    missing = [tap for tap in taps if tap not in producers]
    if missing:
        raise EncoderError(
            f"{name}: its graph has no value {', '.join(missing)}; name others in "
            f"features.encoder.taps, such as {_examples(nodes)}."
        )
    needed = _ancestors(producers, taps)
    types = {info.name: info for info in (*proto.graph.value_info, *proto.graph.output)}
    unknown = onnx.TensorProto.FLOAT
    outputs = [
        types.get(tap) or onnx.helper.make_tensor_value_info(tap, unknown, None) for tap in taps
    ]
    graph = onnx.helper.make_graph(
        [node for node in nodes if any(value in needed for value in node.output)],
        proto.graph.name,
        [value for value in proto.graph.input if value.name in needed],
        outputs,
        [value for value in proto.graph.initializer if value.name in needed],
        sparse_initializer=proto.graph.sparse_initializer,
        value_info=[value for value in proto.graph.value_info if value.name in needed],
    )
    proto.graph.CopyFrom(graph)
    serialised: bytes = proto.SerializeToString()
    return serialised


def _ancestors(producers: dict[str, Any], taps: Sequence[str]) -> set[str]:
    """Names of all values that the taps come from, themselves included."""
    needed: set[str] = set()
    waiting = list(taps)
    while waiting:
        value = waiting.pop()
        if value in needed:
            continue
        needed.add(value)
        node = producers.get(value)
        if node is not None:
            # What else the node makes must keep its type, too.
            needed.update(node.output)
            waiting.extend(_inputs(node))
    return needed


def _inputs(node: Any) -> list[str]:
    """What a node reads, the graphs inside it included (branches and loops)."""
    names = list(node.input)
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                names.extend(_inputs(inner))
    return names


def _examples(nodes: Sequence[Any]) -> str:
    """A few values that may be meant: what normalisations make, else the last ones."""
    norms = [node.output[0] for node in nodes if node.op_type == "LayerNormalization"]
    return ", ".join((norms or [value for node in nodes for value in node.output])[-4:])


def allow_any_length(model: bytes, fixed: FixedLength, padding: Literal["front", "back"]) -> bytes:
    """Return a graph that takes up to as many frames as `model` takes exactly.

    Silence costs as much as speech. Of the table of positions, the frames get the rows that they
    would have if there were silence up to the whole length on the side `padding`.

    Parameters
    ----------
    model
        A serialised ONNX model of one input, time its last axis.
    fixed
        What in the graph is made for one length.
    """
    import onnx

    proto = onnx.load_model_from_string(model)
    graph = proto.graph
    for constant in graph.initializer:
        if constant.name in fixed.counts:
            constant.CopyFrom(onnx.numpy_helper.from_array(np.array([-1]), constant.name))
    nodes = list(graph.node)
    index = next(i for i, node in enumerate(nodes) if fixed.positions in node.input)
    nodes[index : index + 1] = _sliced_positions(nodes[index], fixed.positions, padding)
    del graph.node[:]
    graph.node.extend(nodes)
    for name, value in _SLICE_BOUNDS.items():
        graph.initializer.append(onnx.numpy_helper.from_array(np.array([value]), name))
    # The shapes that were inferred for the one length would contradict others.
    del graph.value_info[:]
    for output in graph.output:
        output.type.tensor_type.ClearField("shape")
    time = graph.input[0].type.tensor_type.shape.dim[-1]
    time.Clear()
    time.dim_param = "time"
    serialised: bytes = proto.SerializeToString()
    return serialised


def _sliced_positions(addition: Any, positions: str, padding: str) -> list[Any]:
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
