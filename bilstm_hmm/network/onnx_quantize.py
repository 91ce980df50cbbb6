"""The int8 twin of an ONNX network: its LSTMs and matrices multiply whole numbers, which is faster.

Convolutions stay float: ONNX Runtime is slower on them in int8. What goes into a product is
quantised as it comes, over the whole batch, so that a clip's outputs depend a little, about as
much as on the quantisation itself, on the clips that go through the network together with it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bilstm_hmm.arrays import Array
from bilstm_hmm.network.onnx_graph import MIN_HALVED_SIZE, GraphWriter
from bilstm_hmm.network.weights import to_half_precision

#: The largest weight. Seven bits, because processors without VNNI add two products of eight bits
#: in sixteen and cut off what is too large; a scale of its own for every output makes up for it.
QMAX = 64

#: Where ONNX Runtime keeps its own operators.
MS_DOMAIN = "com.microsoft"


def quantize_network(network: bytes) -> bytes:
    """Return the int8 twin of a network that `network_to_onnx` wrote, serialised as well.

    Inputs and outputs are the same. Large constants that stay float are kept in half precision.
    """
    import onnx

    model = onnx.load_from_string(network)
    graph = GraphWriter()
    constants = _constants(model.graph)
    # Values of the float graph, and what they are called in the new one.
    names: dict[str, str] = {"": "", **{value.name: value.name for value in model.graph.input}}
    outputs = {value.name for value in model.graph.output}

    def renamed(name: str) -> str:
        if name not in names:
            array = constants[name]
            names[name] = graph.constant(
                to_half_precision(array) if array.size >= MIN_HALVED_SIZE else array
            )
        return names[name]

    for node in model.graph.node:
        (output,) = node.output
        if output in constants:
            continue
        name = output if output in outputs else ""
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "LSTM":
            value, first, second, *rest = node.input
            matrices = [constants[first], constants[second]]
            others = [renamed(other) for other in rest]
            names[output] = _lstm(graph, renamed(value), matrices, others, attributes, name)
        elif node.op_type == "MatMul" and node.input[1] in constants:
            value, matrix = node.input
            names[output] = _quantized_matmul(graph, renamed(value), constants[matrix], name)
        else:
            inputs = [renamed(value) for value in node.input]
            names[output] = graph.add(node.op_type, *inputs, name=name, **attributes)
    opsets = [*model.opset_import, onnx.helper.make_opsetid(MS_DOMAIN, 1)]
    old = model.graph
    return graph.serialise(old.name, old.input, old.output, opsets, model.ir_version)


def _constants(graph: Any) -> dict[str, Array]:
    """Return the constants by name, also those that a node makes float of half precision."""
    from onnx import numpy_helper

    constants: dict[str, Array] = {
        tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer
    }
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0] in constants:
            constants[node.output[0]] = constants[node.input[0]].astype(np.float32)
    return constants


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
        quantised, scale = _quantize(matrix, axis=2)
        weights.append(graph.constant(quantised.transpose(0, 2, 1)))
        zero = graph.constant(np.zeros(scale.shape, np.int8))
        scales += [graph.constant(scale), zero]
    # Bias, lengths, initial states and peepholes, each at its position whether it is there or not.
    optional = (others + [""] * 5)[:5]
    return graph.add(
        "DynamicQuantizeLSTM",
        value,
        *weights,
        *optional,
        *scales,
        name=name,
        domain=MS_DOMAIN,
        **attributes,
    )


def _quantized_matmul(graph: GraphWriter, value: str, matrix: Array, name: str) -> str:
    """Write ``value @ matrix``, quantised both, the matrix column by column."""
    from onnx import helper

    quantised_matrix, scale = _quantize(matrix, axis=0)
    quantised = f"v{len(graph.nodes)}"
    unit, zero = f"{quantised}_scale", f"{quantised}_zero"
    graph.nodes.append(helper.make_node("DynamicQuantizeLinear", [value], [quantised, unit, zero]))
    product = graph.add("MatMulInteger", quantised, graph.constant(quantised_matrix), zero)
    product_scale = graph.add("Mul", unit, graph.constant(scale))
    return graph.add("Mul", graph.add("Cast", product, to=1), product_scale, name=name)


def _quantize(matrix: Array, axis: int) -> tuple[Array, Array]:
    """Return int8 numbers up to `QMAX`, and the scales, without `axis`, that make them weights."""
    largest = np.abs(matrix).max(axis=axis, keepdims=True).astype(np.float32)
    scale = np.where(largest > 0.0, largest, np.float32(1.0)) / np.float32(QMAX)
    return np.rint(matrix / scale).astype(np.int8), scale.squeeze(axis)
