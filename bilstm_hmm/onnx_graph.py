"""The trained network as an ONNX graph, written operator by operator.

Written by hand, because exporting a masked Keras model turns its LSTMs into loops, ten times
slower: ONNX's own LSTM takes the length of each clip through ``sequence_lens``, which makes
batches of mixed lengths exact. The graph is frames ``[B, T, F]`` and lengths ``[B]`` to
``hidden``, ``frame`` and ``clip``, as in `bilstm_hmm.network`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.config import NetworkSettings

Array = NDArray[Any]

OPSET = 17


class GraphWriter:
    """Collects nodes and constants; every method returns the name of a value."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, array: Array) -> str:
        """Store a constant."""
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


def network_to_onnx(model: Any, settings: NetworkSettings) -> bytes:
    """Return the serialised ONNX model of a network built by `build_network`."""
    from onnx import TensorProto, checker, helper

    weights = {layer.name: [np.array(w) for w in layer.get_weights()] for layer in model.layers}
    n_features = int(model.inputs[0].shape[-1])
    graph = GraphWriter()
    value, lengths = "frames", "lengths"
    if settings.stack > 1:
        value = graph.add("Mul", value, _mask(graph, value, lengths))
        value = _stack(graph, value, settings.stack, n_features)
        lengths = _reduced(graph, lengths, settings.stack)
    if settings.family != "bilstm":
        value, lengths = _convolutions(graph, value, lengths, weights, settings)
    value = _recurrent(graph, value, lengths, weights, settings)
    hidden = graph.add("Identity", value, name="hidden")
    _dense(graph, hidden, weights["frame"], name="frame")
    pooled = _pool(graph, hidden, lengths, weights["pool"], settings.attention)
    if settings.dense:
        pooled = graph.add("Relu", _dense(graph, pooled, weights["dense"]))
    _dense(graph, pooled, weights["clip"], name="clip")

    def tensor(name: str, kind: int, shape: Sequence[str | int]) -> Any:
        return helper.make_tensor_value_info(name, kind, shape)

    outputs = model.output
    onnx_graph = helper.make_graph(
        graph.nodes,
        settings.family,
        [
            tensor("frames", TensorProto.FLOAT, ["batch", "time", n_features]),
            tensor("lengths", TensorProto.INT32, ["batch"]),
        ],
        [
            tensor(
                "hidden", TensorProto.FLOAT, ["batch", "steps", int(outputs["hidden"].shape[-1])]
            ),
            tensor("frame", TensorProto.FLOAT, ["batch", "steps", int(outputs["frame"].shape[-1])]),
            tensor("clip", TensorProto.FLOAT, ["batch", int(outputs["clip"].shape[-1])]),
        ],
        graph.constants,
    )
    onnx_model = helper.make_model(
        onnx_graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9
    )
    checker.check_model(onnx_model)
    serialised: bytes = onnx_model.SerializeToString()
    return serialised


def _reduced(graph: GraphWriter, lengths: str, stride: int) -> str:
    """Lengths after a stride: ceil(length / stride)."""
    more = graph.add("Add", lengths, graph.constant(np.array(stride - 1, np.int32)))
    return graph.add("Div", more, graph.constant(np.array(stride, np.int32)))


def _stack(graph: GraphWriter, value: str, count: int, n_features: int) -> str:
    filled = graph.add("Pad", value, graph.ints(0, 0, 0, 0, count - 1, 0))
    shape = graph.add("Shape", filled)
    time = graph.add("Gather", shape, graph.ints(1))
    length = graph.add("Div", time, graph.ints(count))
    whole = graph.add("Mul", length, graph.ints(count))
    cut = graph.add("Slice", filled, graph.ints(0), whole, graph.ints(1))
    batch = graph.add("Gather", shape, graph.ints(0))
    target = graph.add("Concat", batch, length, graph.ints(count * n_features), axis=0)
    return graph.add("Reshape", cut, target)


def _mask(graph: GraphWriter, value: str, lengths: str) -> str:
    """Float mask ``[B, T, 1]`` of a value ``[B, T, F]``."""
    time = graph.add("Gather", graph.add("Shape", value), graph.constant(np.array(1, np.int64)))
    steps = graph.add(
        "Range", graph.constant(np.array(0, np.int64)), time, graph.constant(np.array(1, np.int64))
    )
    wide = graph.add("Cast", lengths, to=7)
    column = graph.add("Unsqueeze", wide, graph.ints(1))
    inside = graph.add("Less", graph.add("Unsqueeze", steps, graph.ints(0)), column)
    return graph.add("Unsqueeze", graph.add("Cast", inside, to=1), graph.ints(2))


def _convolutions(
    graph: GraphWriter,
    value: str,
    lengths: str,
    weights: dict[str, list[Array]],
    settings: NetworkSettings,
) -> tuple[str, str]:
    """Convolutions with the batch normalisation that follows folded into them."""
    for index, convolution in enumerate(settings.convolutions, start=1):
        value = graph.add("Mul", value, _mask(graph, value, lengths))
        kernel, *bias = weights[f"conv{index}"]
        gamma, beta, mean, variance = weights[f"conv{index}_norm"]
        scale = gamma / np.sqrt(variance + 1e-3)
        folded_kernel = (kernel * scale).transpose(2, 1, 0)
        # Networks saved by earlier versions have a bias.
        folded_bias = (sum(bias) - mean) * scale + beta
        channels = graph.add("Transpose", value, perm=[0, 2, 1])
        side = convolution.kernel // 2
        convolved = graph.add(
            "Conv",
            channels,
            graph.constant(folded_kernel.astype(np.float32)),
            graph.constant(folded_bias.astype(np.float32)),
            kernel_shape=[convolution.kernel],
            strides=[convolution.stride],
            pads=[side, side],
        )
        value = graph.add("Transpose", graph.add("Relu", convolved), perm=[0, 2, 1])
        lengths = _reduced(graph, lengths, convolution.stride)
    return value, lengths


def _recurrent(
    graph: GraphWriter,
    value: str,
    lengths: str,
    weights: dict[str, list[Array]],
    settings: NetworkSettings,
) -> str:
    value = graph.add("Transpose", value, perm=[1, 0, 2])
    for index, units in enumerate(settings.units, start=1):
        both = settings.family != "cnn_lstm"
        stored = weights[f"bilstm{index}" if both else f"lstm{index}"]
        directions = [stored[i : i + 3] for i in range(0, len(stored), 3)]
        packed = [_gates(*direction, units=units) for direction in directions]
        hidden = graph.add(
            "LSTM",
            value,
            *(graph.constant(np.stack(parts)) for parts in zip(*packed, strict=True)),
            lengths,
            hidden_size=units,
            direction="bidirectional" if both else "forward",
        )
        # [T, directions, B, units] to [T, B, directions * units]
        hidden = graph.add("Transpose", hidden, perm=[0, 2, 1, 3])
        value = graph.add("Reshape", hidden, graph.ints(0, 0, len(directions) * units))
    return graph.add("Transpose", value, perm=[1, 0, 2])


def _gates(kernel: Array, recurrent: Array, bias: Array, *, units: int) -> tuple[Array, ...]:
    """Keras's gates (input, forget, cell, output) in ONNX's order (input, output, forget, cell)."""

    def reorder(matrix: Array) -> Array:
        i, f, c, o = (matrix[..., k * units : (k + 1) * units] for k in range(4))
        return np.concatenate([i, o, f, c], axis=-1)

    stacked_bias = np.concatenate([reorder(bias), np.zeros(4 * units, np.float32)])
    return reorder(kernel).T, reorder(recurrent).T, stacked_bias


def _pool(
    graph: GraphWriter, hidden: str, lengths: str, weights: list[Array], attention: bool
) -> str:
    """Attentive statistics pooling, as `bilstm_hmm.layers.AttentiveStatistics`."""
    mask = _mask(graph, hidden, lengths)
    one, large = (
        graph.constant(np.array(1.0, np.float32)),
        graph.constant(np.array(1e9, np.float32)),
    )
    scores = graph.add("Mul", graph.add("Sub", mask, one), large)
    if attention:
        projected = graph.add("Tanh", _dense(graph, hidden, weights[:2]))
        scores = graph.add(
            "Add", graph.add("MatMul", projected, graph.constant(weights[2])), scores
        )
    shares = graph.add("Softmax", scores, axis=1)
    axis = graph.ints(1)
    mean = graph.add("ReduceSum", graph.add("Mul", shares, hidden), axis, keepdims=1)
    distance = graph.add("Sub", hidden, mean)
    squares = graph.add("Mul", shares, graph.add("Mul", distance, distance))
    variance = graph.add("ReduceSum", squares, axis, keepdims=0)
    deviation = graph.add(
        "Sqrt", graph.add("Add", variance, graph.constant(np.array(1e-5, np.float32)))
    )
    return graph.add("Concat", graph.add("Squeeze", mean, axis), deviation, axis=-1)


def _dense(graph: GraphWriter, value: str, weights: list[Array], name: str = "") -> str:
    product = graph.add("MatMul", value, graph.constant(weights[0]))
    return graph.add("Add", product, graph.constant(weights[1]), name=name)
