"""The frames as the network takes them: streams, their deltas, and the normalisation.

As `bilstm_hmm.features.extraction.extract` and `bilstm_hmm.inference.scoring.Scorer.normalise`.
"""

import numpy as np

from bilstm_hmm.arrays import FloatArray
from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.export.spectrum import write_power
from bilstm_hmm.export.streams import STREAM_WRITERS, Analysis
from bilstm_hmm.features.spectral.deltas import DELTA_WIDTH, delta
from bilstm_hmm.inference.bundle import Bundle

#: As in `bilstm_hmm.features.extraction.normalise`.
_CONSTANT = 1e-6


def write_frames(graph: ModelWriter, samples: str, bundle: Bundle) -> str:
    """Write the normalised frames of the samples ``[n]`` of an utterance, ``[V, T, F]``."""
    settings, warps = bundle.recipe.features, bundle.recipe.decision.warps
    power = write_power(graph, samples, settings)
    banks = [bundle.filter_banks.view(warp) for warp in warps]
    analysis = Analysis(samples, power, settings, warps, banks)
    parts = [STREAM_WRITERS[stream](graph, analysis) for stream in settings.streams]
    value = parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=1)
    orders = [_delta(graph, value, order) for order in range(1, settings.deltas + 1)]
    if orders:
        value = graph.add("Concat", value, *orders, axis=1)
    return graph.add("Transpose", _normalise(graph, value, bundle), perm=[0, 2, 1])


def delta_filter(order: int) -> FloatArray:
    """Return the weights of neighbouring frames in a delta, float32 ``[DELTA_WIDTH]``."""
    impulse = np.zeros((3 * DELTA_WIDTH, 1), np.float32)
    middle = len(impulse) // 2
    impulse[middle] = 1.0
    half = DELTA_WIDTH // 2
    response = delta(impulse, order)[middle - half : middle + half + 1, 0]
    return np.ascontiguousarray(response[::-1])


def _delta(graph: ModelWriter, value: str, order: int) -> str:
    """The derivative of each row of ``[V, F, T]`` over time."""
    half = DELTA_WIDTH // 2
    padded = graph.add("Pad", value, graph.ints(0, 0, half, 0, 0, half), mode="edge")
    time = graph.size(value, 2)
    weights = delta_filter(order)
    slope = ""
    for k in range(half):
        mirrored = DELTA_WIDTH - 1 - k
        early, late = (
            graph.cut(padded, graph.ints(at), graph.add("Add", time, graph.ints(at)), 2)
            for at in (k, mirrored)
        )
        pair = graph.add("Sub" if order == 1 else "Add", late, early)
        term = graph.add("Mul", pair, graph.floats(weights[mirrored]))
        slope = graph.add("Add", slope, term) if slope else term
    if order == 2:
        slope = graph.add("Add", slope, graph.add("Mul", value, graph.floats(weights[half])))
    return slope


def _normalise(graph: ModelWriter, value: str, bundle: Bundle) -> str:
    """Bring rows of ``[V, F, T]`` to zero mean and unit variance, by what the recipe says."""
    kind, voice = bundle.recipe.features.normalisation, bundle.recipe.voice
    if kind == "none":
        return value
    mean, std = (
        graph.floats(column[:, None]) for column in (bundle.statistics.mean, bundle.statistics.std)
    )
    if kind == "clip":
        mean, std = _moments(graph, value)
    elif voice.known_clips:
        # The clip is the one that its voice is known by.
        own_mean, own_std = _moments(graph, value)
        mean = _shrunk(graph, mean, own_mean, 1.0 / (1.0 + voice.mean_prior))
        std = _shrunk(graph, std, own_std, 1.0 / (1.0 + voice.std_prior))
    return graph.add("Div", graph.add("Sub", value, mean), std)


def _shrunk(graph: ModelWriter, trained: str, own: str, weight: float) -> str:
    step = graph.add("Mul", graph.add("Sub", own, trained), graph.floats(weight))
    return graph.add("Add", trained, step)


def _moments(graph: ModelWriter, value: str) -> tuple[str, str]:
    """Mean and deviation of the rows, ``[V, F, 1]``; of a constant one the deviation is 1."""
    mean = graph.total("ReduceMean", value, 2)
    distance = graph.add("Sub", value, mean)
    std = graph.add("Sqrt", graph.total("ReduceMean", graph.add("Mul", distance, distance), 2))
    size = graph.add("Max", graph.add("Abs", mean), graph.floats(1.0))
    least = graph.add("Mul", size, graph.floats(_CONSTANT))
    constant = graph.add("LessOrEqual", std, least)
    return mean, graph.add("Where", constant, graph.floats(1.0), std)
