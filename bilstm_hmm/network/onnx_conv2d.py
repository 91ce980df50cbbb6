"""The two-dimensional front of a network as ONNX operators, as `conv2d_front` has it."""

from bilstm_hmm.arrays import Array
from bilstm_hmm.config.network_settings import Conv2dSettings, NetworkSettings
from bilstm_hmm.network.onnx_graph import (
    GraphWriter,
    dense,
    fold_batch_norm,
    frame_mask,
    strided_lengths,
)

#: The end of an axis, however long it is.
INT64_MAX = 2**63 - 1


def write_conv2d_front(
    graph: GraphWriter,
    frames: str,
    lengths: str,
    weights: dict[str, list[Array]],
    settings: NetworkSettings,
    image: Conv2dSettings,
    n_features: int,
) -> tuple[str, str]:
    """Write the front; returns its vectors ``[B, T', width]`` and their number in each clip."""
    valid = frame_mask(graph, frames, lengths)
    value = graph.add("Mul", frames, valid)
    if image.chunk is not None:
        value = _patches(graph, value, image.chunk, n_features)
        valid = _patches(graph, valid, image.chunk, 1)
    bands, filters = n_features // image.channels, image.channels
    streams = graph.add("Reshape", value, graph.ints(0, 0, image.channels, bands))
    value = graph.add("Transpose", streams, perm=[0, 2, 1, 3])
    value = _convolutions(graph, value, valid, weights, settings)
    steps = image.chunk or 1
    for convolution in settings.convolutions:
        bands, filters = bands // convolution.pool[1], convolution.filters
        steps = -(-steps // convolution.pool[0])
    value = graph.add("Transpose", value, perm=[0, 2, 3, 1])
    if image.chunk is not None:
        batch = graph.add("Gather", graph.add("Shape", frames), graph.ints(0))
        rest = graph.ints(-1, steps * bands * filters)
        value = graph.add("Reshape", value, graph.add("Concat", batch, rest, axis=0))
    else:
        value = graph.add("Reshape", value, graph.ints(0, 0, bands * filters))
    if image.projection:
        value = graph.add("Relu", dense(graph, value, weights["projection"]))
    return value, strided_lengths(graph, lengths, settings.stride)


def _patches(graph: GraphWriter, value: str, size: int, width: int) -> str:
    """``[B, T, width]`` to ``[B*N, size, width]``, as `conv2d_layers.SplitPatches`."""
    half, before = size // 2, size // 4
    padded = graph.add("Pad", value, graph.ints(0, before, 0, 0, size - 1 - before, 0))
    time = graph.add("Gather", graph.add("Shape", value), graph.ints(1))
    count = graph.add("Div", graph.add("Add", time, graph.ints(half - 1)), graph.ints(half))
    end = graph.add("Mul", graph.add("Add", count, graph.ints(1)), graph.ints(half))
    axis = graph.ints(1)
    cut = graph.add("Slice", padded, graph.ints(0), end, axis)
    halves = graph.add("Reshape", cut, graph.ints(0, -1, half, width))
    first = graph.add("Slice", halves, graph.ints(0), graph.ints(-1), axis)
    second = graph.add("Slice", halves, graph.ints(1), graph.ints(INT64_MAX), axis)
    patches = graph.add("Concat", first, second, axis=2)
    return graph.add("Reshape", patches, graph.ints(-1, size, width))


def _convolutions(
    graph: GraphWriter,
    value: str,
    valid: str,
    weights: dict[str, list[Array]],
    settings: NetworkSettings,
) -> str:
    """Convolutions and pools of ``[B, channels, T, bands]``."""
    valid = graph.add("Unsqueeze", valid, graph.ints(1))
    for index, convolution in enumerate(settings.convolutions, start=1):
        folded = fold_batch_norm(weights, index)
        convolved = graph.add(
            "Conv",
            value,
            *(graph.constant(array) for array in folded),
            kernel_shape=[convolution.kernel] * 2,
            pads=[convolution.kernel // 2] * 4,
        )
        value = graph.add("Mul", graph.add("Relu", convolved), valid)
        time, bands = convolution.pool
        pads = [0, 0, time - 1, 0]
        value = graph.add(
            "MaxPool", value, kernel_shape=[time, bands], strides=[time, bands], pads=pads
        )
        valid = graph.add("MaxPool", valid, kernel_shape=[time, 1], strides=[time, 1], pads=pads)
    return value
