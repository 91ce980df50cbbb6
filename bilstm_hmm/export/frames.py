"""The frames as the network takes them: streams, their deltas, and the normalisation.

As `bilstm_hmm.features.extraction.extract` and `bilstm_hmm.inference.scoring.Scorer.normalise`.
"""

from dataclasses import dataclass

import numpy as np

from bilstm_hmm.arrays import FloatArray
from bilstm_hmm.export.encoder.frames import write_encoder_frames
from bilstm_hmm.export.encoder.inlined import InlinedEncoder
from bilstm_hmm.export.encoder.resampling import write_resampled
from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.export.spectrum import write_power
from bilstm_hmm.export.streams import STREAM_WRITERS, Analysis
from bilstm_hmm.export.voice.moments import Moments
from bilstm_hmm.export.voice.normalise import write_normalised
from bilstm_hmm.export.waveform import Utterance, write_utterance
from bilstm_hmm.features.spectral.deltas import DELTA_WIDTH, delta
from bilstm_hmm.inference.bundle import Bundle


@dataclass(frozen=True, slots=True)
class Extracted:
    """Names: the frames of an utterance, not normalised, ``[V, F, T]``; where it begins ``[1]``.

    `start` counts samples, int64, from the first of those that were given, and may be negative.
    """

    frames: str
    start: str


def write_extracted(
    graph: ModelWriter, samples: str, bundle: Bundle, encoder: InlinedEncoder | None
) -> Extracted:
    """Write the frames of samples ``[n]`` that hold one utterance.

    As `bilstm_hmm.inference.scoring.Scorer.extract_segment`.
    """
    utterance = write_utterance(graph, samples, bundle.recipe.features)
    return Extracted(_features(graph, utterance, bundle, encoder), utterance.start)


def write_frames(
    graph: ModelWriter, extracted: str, bundle: Bundle, voice: Moments | None = None
) -> str:
    """Write the normalised frames of an utterance, ``[V, T, F]``.

    `voice` is what is known of who speaks.
    """
    normalised = write_normalised(graph, extracted, bundle, voice)
    return graph.add("Transpose", normalised, perm=[0, 2, 1])


def _features(
    graph: ModelWriter, utterance: Utterance, bundle: Bundle, encoder: InlinedEncoder | None
) -> str:
    """An encoder's columns and behind them, at their rate, the short-time streams."""
    settings = bundle.recipe.features
    if encoder is None:
        return _short_time(graph, utterance.samples, bundle)
    encoded = write_encoder_frames(graph, utterance.sound, encoder, settings)
    if settings.short_time:
        values = graph.squeeze(_short_time(graph, utterance.samples, bundle), 0)
        rows = graph.add("Transpose", values, perm=[1, 0])
        ratio = settings.frame_step / settings.hop_length
        slower = write_resampled(graph, rows, ratio, graph.size(encoded, 0))
        encoded = graph.add("Concat", encoded, slower, axis=1)
    return graph.unsqueeze(graph.add("Transpose", encoded, perm=[1, 0]), 0)


def _short_time(graph: ModelWriter, samples: str, bundle: Bundle) -> str:
    """The short-time streams of samples ``[n]`` and their deltas, ``[V, F, T]``."""
    settings, warps = bundle.recipe.features, bundle.recipe.decision.warps
    power = write_power(graph, samples, settings)
    banks = [bundle.filter_banks.view(warp) for warp in warps]
    analysis = Analysis(samples, power, settings, warps, banks)
    parts = [STREAM_WRITERS[stream](graph, analysis) for stream in settings.short_time]
    value = parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=1)
    orders = [_delta(graph, value, order) for order in range(1, settings.deltas + 1)]
    if orders:
        value = graph.add("Concat", value, *orders, axis=1)
    return value


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
