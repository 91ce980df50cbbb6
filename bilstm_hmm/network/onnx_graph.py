"""Writing an ONNX graph operator by operator, and the operators that networks share."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bilstm_hmm.arrays import Array

#: Constants of fewer values are not worth a conversion.
MIN_HALVED_SIZE = 512


class GraphWriter:
    """Collects nodes and constants; every method returns the name of a value."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, array: Array) -> str:
        """Store a constant, in half precision where that loses nothing."""
        from onnx import TensorProto

        if array.dtype == np.float32 and array.size >= MIN_HALVED_SIZE:
            with np.errstate(over="ignore"):
                half = array.astype(np.float16)
            if np.array_equal(half.astype(np.float32), array):
                return self.add("Cast", self._stored(half), to=TensorProto.FLOAT)
        return self._stored(array)

    def _stored(self, array: Array) -> str:
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def ints(self, *values: int) -> str:
        """Store a vector of int64."""
        return self.constant(np.array(values, np.int64))

    def add(self, op: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """Append an operator with one output."""
        from onnx import helper

        output = name or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [output], **attributes))
        return output

    def serialise(
        self,
        name: str,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        opsets: Sequence[Any],
        ir_version: int,
    ) -> bytes:
        """Return the graph, checked, as the bytes of an ONNX file."""
        from onnx import checker, helper

        graph = helper.make_graph(self.nodes, name, inputs, outputs, self.constants)
        model = helper.make_model(graph, opset_imports=opsets, ir_version=ir_version)
        checker.check_model(model)
        serialised: bytes = model.SerializeToString()
        return serialised


def strided_lengths(graph: GraphWriter, lengths: str, stride: int) -> str:
    """Lengths after a stride: ceil(length / stride)."""
    more = graph.add("Add", lengths, graph.constant(np.array(stride - 1, np.int32)))
    return graph.add("Div", more, graph.constant(np.array(stride, np.int32)))


def frame_mask(graph: GraphWriter, value: str, lengths: str) -> str:
    """Float mask ``[B, T, 1]`` of a value ``[B, T, F]``."""
    time = graph.add("Gather", graph.add("Shape", value), graph.constant(np.array(1, np.int64)))
    steps = graph.add(
        "Range", graph.constant(np.array(0, np.int64)), time, graph.constant(np.array(1, np.int64))
    )
    wide = graph.add("Cast", lengths, to=7)
    column = graph.add("Unsqueeze", wide, graph.ints(1))
    inside = graph.add("Less", graph.add("Unsqueeze", steps, graph.ints(0)), column)
    return graph.add("Unsqueeze", graph.add("Cast", inside, to=1), graph.ints(2))


def dense(graph: GraphWriter, value: str, weights: list[Array], name: str = "") -> str:
    """Multiply by a matrix and add a bias."""
    product = graph.add("MatMul", value, graph.constant(weights[0]))
    return graph.add("Add", product, graph.constant(weights[1]), name=name)


def fold_batch_norm(weights: dict[str, list[Array]], index: int) -> tuple[Array, Array]:
    """Kernel and bias of a convolution, the batch normalisation that follows folded into them.

    The kernel is in ONNX's order, ``[filters, channels, ...]``.
    """
    kernel, *bias = weights[f"conv{index}"]
    gamma, beta, mean, variance = weights[f"conv{index}_norm"]
    scale = gamma / np.sqrt(variance + 1e-3)
    *spatial_axes, channels, filters = range(kernel.ndim)
    folded_kernel = (kernel * scale).transpose(filters, channels, *spatial_axes)
    # Networks saved by earlier versions have a bias.
    folded_bias = (sum(bias) - mean) * scale + beta
    return folded_kernel.astype(np.float32), folded_bias.astype(np.float32)
