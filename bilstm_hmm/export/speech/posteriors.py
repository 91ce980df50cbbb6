"""The probability that somebody speaks, as `bilstm_hmm.features.vad.network` has it."""

import numpy as np

from bilstm_hmm.arrays import FloatArray, Indices
from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.features.vad.network import (
    DILATIONS,
    FRAME_SECONDS,
    INPUTS_AHEAD,
    LEVEL_AHEAD,
    LEVEL_PAST,
    MIN_POWER,
    STRIDE,
    VadNetwork,
    shipped_network,
    window_and_bank,
)

#: Frames of silence behind the sound, so that there is a probability for its last samples.
_BEHIND = INPUTS_AHEAD + LEVEL_AHEAD + 4 * STRIDE


def probability_hop(rate: int) -> int:
    """Return the samples from one probability to the next."""
    return STRIDE * max(1, round(FRAME_SECONDS * rate))


def write_speech_probabilities(graph: ModelWriter, samples: str, rate: int, name: str) -> str:
    """Write the probabilities of samples ``[n]``, ``[M]``, as a value of that name."""
    network = shipped_network()
    value = _inputs(graph, _levels(graph, samples, rate))
    for index in range(len(network.layers) - 1):
        value = _convolution(graph, value, network, index)
    head = network.layers[-1]
    weights = graph.constant(head.kernel[0].T[:, :, None].copy())
    logits = graph.add("Reshape", graph.add("Conv", value, weights), graph.ints(-1))
    probabilities = graph.add("Sigmoid", graph.add("Add", logits, graph.floats(head.bias)))
    # Of those before the first sample the network has looked ahead.
    early = (INPUTS_AHEAD + LEVEL_AHEAD) // STRIDE
    count = graph.ceil_divide(graph.size(samples, 0), probability_hop(rate))
    stop = graph.add("Add", count, graph.ints(early))
    return graph.add("Slice", probabilities, graph.ints(early), stop, graph.ints(0), name=name)


def _levels(graph: ModelWriter, samples: str, rate: int) -> str:
    """As `log_mel` of all frames, with silence before and behind them, ``[1, N_MELS, L]``."""
    frame = max(1, round(FRAME_SECONDS * rate))
    window, bank = window_and_bank(2 * frame, rate)
    padded = graph.unsqueeze(graph.add("Pad", samples, graph.ints(frame // 2, 2 * frame)), 0, 1)
    used = np.flatnonzero(bank.any(axis=1))
    parts = graph.add(
        "Conv", padded, graph.constant(_fourier_filters(window, used)), strides=[frame]
    )
    squares = graph.squeeze(graph.add("Mul", parts, parts), 0)
    both = np.ascontiguousarray(np.concatenate([bank[used], bank[used]]).T)
    power = graph.add("MatMul", graph.constant(both), squares)
    levels = graph.add("Log", graph.add("Add", power, graph.floats(MIN_POWER)))
    pads = graph.ints(0, LEVEL_PAST + LEVEL_AHEAD, 0, _BEHIND)
    silence = graph.constant(np.log(np.float32(MIN_POWER)))
    return graph.unsqueeze(graph.add("Pad", levels, pads, silence), 0)


def _fourier_filters(window: FloatArray, bins: Indices) -> FloatArray:
    """The windowed cosines and then sines, float32 ``[2 bins, 1, length]``."""
    length = len(window)
    turns = (bins[:, None] * np.arange(length) % length) / length
    parts = np.concatenate([np.cos(2.0 * np.pi * turns), np.sin(2.0 * np.pi * turns)])
    filters: FloatArray = (parts * window)[:, None].astype(np.float32)
    return filters


def _inputs(graph: ModelWriter, levels: str) -> str:
    """As `network_inputs`, with time as the last axis."""
    mean = graph.total("ReduceMean", levels, 1)
    peak = graph.add("MaxPool", mean, kernel_shape=[LEVEL_PAST + 1 + LEVEL_AHEAD])
    stop = graph.add("Sub", graph.size(levels, 2), graph.ints(LEVEL_AHEAD))
    inner, inner_mean = (
        graph.cut(value, graph.ints(LEVEL_PAST), stop, 2) for value in (levels, mean)
    )
    relative = graph.add("Sub", inner, inner_mean)
    return graph.add("Concat", relative, graph.add("Sub", inner_mean, peak), axis=1)


def _convolution(graph: ModelWriter, value: str, network: VadNetwork, index: int) -> str:
    """A layer, with what it has seen of the silence before the sound."""
    layer, tail = network.layers[index], network.tails[index]
    silence = graph.constant(np.ascontiguousarray(tail.T[None], np.float32))
    found = graph.add(
        "Conv",
        graph.add("Concat", silence, value, axis=2),
        graph.constant(np.ascontiguousarray(layer.kernel.transpose(2, 1, 0))),
        graph.floats(layer.bias),
        strides=[STRIDE if index == 0 else 1],
        dilations=[DILATIONS[index]],
    )
    return graph.add("Relu", found)
