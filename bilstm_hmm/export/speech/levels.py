"""The frames of 10 ms that are as loud as speech, as `bilstm_hmm.features.vad.energy` has them."""

from dataclasses import dataclass

import numpy as np

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.export.speech.running import NOTHING, running_maximum
from bilstm_hmm.features.audio.level import ENVELOPE_LOOKAHEAD, RELEASE
from bilstm_hmm.features.vad.energy import (
    FRAME_SECONDS,
    MIN_LEVEL_DB,
    MIN_SNR_DB,
    NOISE_FRAMES,
    NOISE_WINDOW,
)

_DECIBELS = 10.0 / np.log(10.0)
_LEAST_POWER = 1e-12


@dataclass(frozen=True, slots=True)
class LoudFrames:
    """Names of values: booleans and decibels ``[N]``, and the samples of a frame."""

    is_loud: str
    levels: str
    hop: int


def write_loud_frames(graph: ModelWriter, samples: str, recipe: Recipe) -> LoudFrames:
    """Write which frames of samples ``[n]`` are loud; one of silence where none is whole."""
    hop = max(1, round(FRAME_SECONDS * recipe.features.rate))
    powers = _powers(graph, samples, hop)
    levels = _decibels(graph, powers)
    peaks = _envelope(graph, levels)
    below = graph.add("Sub", peaks, graph.floats(recipe.timeline.max_below_peak_db))
    threshold = graph.add("Max", below, graph.floats(MIN_LEVEL_DB))
    if recipe.timeline.vad == "energy":
        noise = graph.add("Add", _noise(graph, powers), graph.floats(MIN_SNR_DB))
        threshold = graph.add("Max", threshold, noise)
    loud, flat = (
        graph.add("Reshape", value, graph.ints(-1))
        for value in (graph.add("Greater", levels, threshold), levels)
    )
    return LoudFrames(loud, flat, hop)


def _powers(graph: ModelWriter, samples: str, hop: int) -> str:
    """The mean square of whole frames, ``[1, 1, N]``."""
    whole = graph.add("Div", graph.size(samples, 0), graph.ints(hop))
    stop = graph.add("Mul", whole, graph.ints(hop))
    framed = graph.cut(samples, graph.ints(0), stop, 0)
    missing = graph.add("Max", graph.add("Sub", graph.ints(hop), stop), graph.ints(0))
    padded = graph.add("Pad", framed, graph.add("Concat", graph.ints(0), missing, axis=0))
    squares = graph.unsqueeze(graph.add("Mul", padded, padded), 0, 1)
    return graph.add("AveragePool", squares, kernel_shape=[hop], strides=[hop])


def _decibels(graph: ModelWriter, powers: str) -> str:
    floored = graph.add("Max", powers, graph.floats(_LEAST_POWER))
    return graph.add("Mul", graph.add("Log", floored), graph.floats(_DECIBELS))


def _envelope(graph: ModelWriter, levels: str) -> str:
    """As `LookaheadEnvelope`: the largest level ahead, or what is left of an earlier envelope."""
    ahead = round(ENVELOPE_LOOKAHEAD / FRAME_SECONDS)
    near = graph.add("MaxPool", levels, kernel_shape=[1 + ahead], pads=[0, ahead])
    return running_maximum(graph, near, "envelope/", RELEASE * FRAME_SECONDS)


def _noise(graph: ModelWriter, powers: str) -> str:
    """As the class `_NoiseLevel`, by minimum statistics, ``[1, 1, N]``."""
    n_levels = round(NOISE_WINDOW / FRAME_SECONDS / NOISE_FRAMES)
    # No whole level is known of the frames behind the last one, and none needs it. They are no
    # `Pad`, which some versions of ONNX Runtime take into the pooling that follows, and fail.
    more = graph.floats(np.zeros((1, 1, NOISE_FRAMES)))
    padded = graph.add("Concat", powers, more, axis=2)
    means = graph.add("AveragePool", padded, kernel_shape=[NOISE_FRAMES], strides=[NOISE_FRAMES])
    levels = _decibels(graph, means)
    pads = graph.ints(0, 0, n_levels, 0, 0, 0)
    known = graph.add("Pad", levels, pads, graph.constant(np.array(NOTHING, np.float32)))
    quietest = graph.add(
        "Neg", graph.add("MaxPool", graph.add("Neg", known), kernel_shape=[n_levels])
    )
    frames = graph.count_up(graph.size(powers, 2))
    return graph.add("Gather", quietest, graph.add("Div", frames, graph.ints(NOISE_FRAMES)), axis=2)
