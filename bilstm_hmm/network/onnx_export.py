"""The trained network as an ONNX graph, written operator by operator.

Written by hand, because exporting a masked Keras model turns its LSTMs into loops, ten times
slower: ONNX's own LSTM takes the length of each clip through ``sequence_lens``, which makes
batches of mixed lengths exact. The graph is frames ``[B, T, F]`` and lengths ``[B]`` to
``hidden``, ``frame`` and ``clip``, as in `bilstm_hmm.network.build`.
"""

from typing import Any

import numpy as np

from bilstm_hmm.arrays import Array
from bilstm_hmm.config.network_settings import NetworkSettings
from bilstm_hmm.network.onnx_conv2d import write_conv2d_front
from bilstm_hmm.network.onnx_graph import (
    GraphWriter,
    dense,
    fold_batch_norm,
    frame_mask,
    strided_lengths,
)

OPSET = 17
IR_VERSION = 9


def network_to_onnx(model: Any, settings: NetworkSettings) -> bytes:
    """Return the serialised ONNX model of a network built by `build_network`."""
    weights = {layer.name: [np.array(w) for w in layer.get_weights()] for layer in model.layers}
    n_features = int(model.inputs[0].shape[-1])
    graph = GraphWriter()
    value, lengths = "frames", "lengths"
    if settings.stack > 1:
        value = graph.add("Mul", value, frame_mask(graph, value, lengths))
        value = _stack(graph, value, settings.stack, n_features)
        lengths = strided_lengths(graph, lengths, settings.stack)
    if settings.image is not None:
        value, lengths = write_conv2d_front(
            graph, value, lengths, weights, settings, settings.image, n_features
        )
    elif settings.convolutional:
        value, lengths = _convolutions(graph, value, lengths, weights, settings)
    front = value
    value = _recurrent(graph, value, lengths, weights, settings)
    hidden = graph.add("Identity", value, name="hidden")
    dense(graph, hidden, weights["frame"], name="frame")
    pooled = _pool(graph, hidden, lengths, weights["pool"], settings.attention)
    if settings.skip:
        skipped = _pool(graph, front, lengths, [], attention=False)
        pooled = graph.add("Concat", pooled, skipped, axis=-1)
    if settings.dense:
        pooled = graph.add("Relu", dense(graph, pooled, weights["dense"]))
    dense(graph, pooled, weights["clip"], name="clip")
    return _serialise(graph, model, settings.family)


def _serialise(graph: GraphWriter, model: Any, name: str) -> bytes:
    from onnx import TensorProto, helper

    def tensor(key: str, *axes: str | int, kind: int = TensorProto.FLOAT) -> Any:
        return helper.make_tensor_value_info(key, kind, axes)

    widths = {key: int(output.shape[-1]) for key, output in model.output.items()}
    inputs = [
        tensor("frames", "batch", "time", int(model.inputs[0].shape[-1])),
        tensor("lengths", "batch", kind=TensorProto.INT32),
    ]
    outputs = [
        tensor("hidden", "batch", "steps", widths["hidden"]),
        tensor("frame", "batch", "steps", widths["frame"]),
        tensor("clip", "batch", widths["clip"]),
    ]
    opsets = [helper.make_opsetid("", OPSET)]
    return graph.serialise(name, inputs, outputs, opsets, IR_VERSION)


def _stack(graph: GraphWriter, value: str, count: int, n_features: int) -> str:
    padded = graph.add("Pad", value, graph.ints(0, 0, 0, 0, count - 1, 0))
    shape = graph.add("Shape", padded)
    time = graph.add("Gather", shape, graph.ints(1))
    length = graph.add("Div", time, graph.ints(count))
    end = graph.add("Mul", length, graph.ints(count))
    cut = graph.add("Slice", padded, graph.ints(0), end, graph.ints(1))
    batch = graph.add("Gather", shape, graph.ints(0))
    target = graph.add("Concat", batch, length, graph.ints(count * n_features), axis=0)
    return graph.add("Reshape", cut, target)


def _convolutions(
    graph: GraphWriter,
    value: str,
    lengths: str,
    weights: dict[str, list[Array]],
    settings: NetworkSettings,
) -> tuple[str, str]:
    """Convolutions with the batch normalisation that follows folded into them."""
    for index, convolution in enumerate(settings.convolutions, start=1):
        value = graph.add("Mul", value, frame_mask(graph, value, lengths))
        folded = fold_batch_norm(weights, index)
        channels = graph.add("Transpose", value, perm=[0, 2, 1])
        side = convolution.kernel // 2
        convolved = graph.add(
            "Conv",
            channels,
            *(graph.constant(array) for array in folded),
            kernel_shape=[convolution.kernel],
            strides=[convolution.stride],
            pads=[side, side],
        )
        value = graph.add("Transpose", graph.add("Relu", convolved), perm=[0, 2, 1])
        lengths = strided_lengths(graph, lengths, convolution.stride)
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
        both = settings.bidirectional
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
    """Attentive statistics pooling, as `bilstm_hmm.network.layers.AttentiveStatistics`."""
    mask = frame_mask(graph, hidden, lengths)
    one, large = (
        graph.constant(np.array(1.0, np.float32)),
        graph.constant(np.array(1e9, np.float32)),
    )
    scores = graph.add("Mul", graph.add("Sub", mask, one), large)
    if attention:
        projected = graph.add("Tanh", dense(graph, hidden, weights[:2]))
        scores = graph.add(
            "Add", graph.add("MatMul", projected, graph.constant(weights[2])), scores
        )
    attention_weights = graph.add("Softmax", scores, axis=1)
    axis = graph.ints(1)
    mean = graph.add("ReduceSum", graph.add("Mul", attention_weights, hidden), axis, keepdims=1)
    distance = graph.add("Sub", hidden, mean)
    squares = graph.add("Mul", attention_weights, graph.add("Mul", distance, distance))
    variance = graph.add("ReduceSum", squares, axis, keepdims=0)
    deviation = graph.add(
        "Sqrt", graph.add("Add", variance, graph.constant(np.array(1e-5, np.float32)))
    )
    return graph.add("Concat", graph.add("Squeeze", mean, axis), deviation, axis=-1)
