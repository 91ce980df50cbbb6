"""The int8 twin of an ONNX network: its LSTMs and matrices multiply whole numbers, which is faster.

Convolutions stay float: ONNX Runtime is slower on them in int8. What goes into a product is
quantised as it comes, over the whole batch, so that a clip's outputs depend a little, about as
much as on the quantisation itself, on the clips that go through the network together with it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bilstm_hmm.arrays import Array
from bilstm_hmm.network.onnx_graph import LEAST_HALVED, GraphWriter
from bilstm_hmm.network.weights import to_half_precision

#: The largest weight. Seven bits, because processors without VNNI add two products of eight bits
#: in sixteen and cut off what is too large; a scale of its own for every output makes up for it.
QMAX = 64

#: Where ONNX Runtime keeps its own operators.
MICROSOFT = "com.microsoft"


def quantize_network(network: bytes) -> bytes:
    """Return the int8 twin of a network that `network_to_onnx` wrote, serialised as well.

    Inputs and outputs are the same. Large constants that stay float are kept in half precision.
    """
    import onnx

    model = onnx.load_from_string(network)
    graph = GraphWriter()
    stored = _constants(model.graph)
    names: dict[str, str] = {"": "", **{own.name: own.name for own in model.graph.input}}
    kept = {own.name for own in model.graph.output}

    def value(name: str) -> str:
        if name not in names:
            array = stored[name]
            names[name] = graph.constant(
                to_half_precision(array) if array.size >= LEAST_HALVED else array
            )
        return names[name]

    for node in model.graph.node:
        (told,) = node.output
        if told in stored:
            continue
        name = told if told in kept else ""
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "LSTM":
            _, first, second, *rest = node.input
            matrices = [stored[first], stored[second]]
            others = [value(other) for other in rest]
            names[told] = _lstm(graph, value(node.input[0]), matrices, others, attributes, name)
        elif node.op_type == "MatMul" and node.input[1] in stored:
            names[told] = _quantized_matmul(
                graph, value(node.input[0]), stored[node.input[1]], name
            )
        else:
            inputs = [value(one) for one in node.input]
            names[told] = graph.add(node.op_type, *inputs, name=name, **attributes)
    return _serialised(model, graph)


def _constants(graph: Any) -> dict[str, Array]:
    """Return the constants by name, also those that a node makes float of half precision."""
    from onnx import numpy_helper

    found: dict[str, Array] = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]].astype(np.float32)
    return found


def _lstm(
    graph: GraphWriter,
    value: str,
    matrices: list[Array],
    others: list[str],
    attributes: Mapping[str, Any],
    name: str,
) -> str:
    """Write an LSTM of int8 weights; `matrices` are ONNX's W and R, ``[directions, 4 * H, n]``."""
    weights, scales = [], []
    for matrix in matrices:
        whole, scale = _quantize(matrix, axis=2)
        weights.append(graph.constant(whole.transpose(0, 2, 1)))
        zero = graph.constant(np.zeros(scale.shape, np.int8))
        scales += [graph.constant(scale), zero]
    # Bias, lengths, initial states and peepholes, in their places whether there are any or not.
    places = (others + [""] * 5)[:5]
    return graph.add(
        "DynamicQuantizeLSTM",
        value,
        *weights,
        *places,
        *scales,
        name=name,
        domain=MICROSOFT,
        **attributes,
    )


def _quantized_matmul(graph: GraphWriter, value: str, matrix: Array, name: str) -> str:
    """Write ``value @ matrix``, quantised both, the matrix column by column."""
    from onnx import helper

    whole, scale = _quantize(matrix, axis=0)
    quantised = f"v{len(graph.nodes)}"
    unit, zero = f"{quantised}_scale", f"{quantised}_zero"
    graph.nodes.append(helper.make_node("DynamicQuantizeLinear", [value], [quantised, unit, zero]))
    product = graph.add("MatMulInteger", quantised, graph.constant(whole), zero)
    both = graph.add("Mul", unit, graph.constant(scale))
    return graph.add("Mul", graph.add("Cast", product, to=1), both, name=name)


def _quantize(matrix: Array, axis: int) -> tuple[Array, Array]:
    """Return int8 numbers up to `QMAX`, and the scales, without `axis`, that make them weights."""
    largest = np.abs(matrix).max(axis=axis, keepdims=True).astype(np.float32)
    scale = np.where(largest > 0.0, largest, np.float32(1.0)) / np.float32(QMAX)
    return np.rint(matrix / scale).astype(np.int8), scale.squeeze(axis)


def _serialised(model: Any, graph: GraphWriter) -> bytes:
    from onnx import checker, helper

    old = model.graph
    quantised = helper.make_model(
        helper.make_graph(graph.nodes, old.name, old.input, old.output, graph.constants),
        opset_imports=[*model.opset_import, helper.make_opsetid(MICROSOFT, 1)],
        ir_version=model.ir_version,
    )
    checker.check_model(quantised)
    serialised: bytes = quantised.SerializeToString()
    return serialised
