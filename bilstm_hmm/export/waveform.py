"""From samples to what is analysed: the utterance, at its level, without silence at its ends.

The same as `bilstm_hmm.inference.speech_cutter.align_utterance` and then
`bilstm_hmm.features.extraction.extract`.
"""

from dataclasses import dataclass

from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.features.extraction.extract import SILENT_PEAK
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.energy import MIN_RMS
from bilstm_hmm.inference.speech_cutter import ONSET_SHARE, PADDING


@dataclass(frozen=True, slots=True)
class Utterance:
    """Names of values.

    Attributes
    ----------
    sound
        Scaled and trimmed, float32 ``[n]``.
    samples
        The same, with silence behind it up to the length of a frame.
    start
        Where they begin in the samples that were given; int64 ``[1]``, may be negative.
    """

    sound: str
    samples: str
    start: str


def write_utterance(graph: ModelWriter, samples: str, settings: FeatureSettings) -> Utterance:
    """Write what of the samples ``[n]`` is analysed."""
    aligned, start = _align(graph, samples, round(PADDING * settings.rate))
    value = _scale(graph, aligned) if settings.level == "peak" else aligned
    if settings.trim_db is not None:
        value, trimmed = _trim(graph, value, settings.trim_db, settings)
        start = graph.add("Add", start, trimmed)
    missing = graph.add("Sub", graph.ints(settings.frame_length), graph.size(value, 0))
    behind = graph.add("Max", missing, graph.ints(0))
    pads = graph.add("Concat", graph.ints(0), behind, axis=0)
    return Utterance(value, graph.add("Pad", value, pads), start)


def mean_square(graph: ModelWriter, samples: str, length: int, hop: int) -> str:
    """Write the mean square of each centred frame of samples ``[n]``, ``[1, 1, T]``."""
    framed = frame_signal(graph, samples, length // 2, length, hop)
    squares = graph.add("Mul", framed, framed)
    return graph.add("AveragePool", squares, kernel_shape=[length], strides=[hop])


def frame_signal(graph: ModelWriter, samples: str, before: int, length: int, hop: int) -> str:
    """Write samples ``[n]`` between the silence that ``1 + n // hop`` frames take.

    Parameters
    ----------
    before
        Samples of the first frame that lie before the signal.
    length
        Of a frame.

    Returns
    -------
    ``[1, 1, m]``, of which windows of `length` samples at every `hop` are the frames.
    """
    padded = graph.add("Pad", samples, graph.ints(before, length + hop))
    steps = graph.add("Div", graph.size(samples, 0), graph.ints(hop))
    needed = graph.add("Add", graph.add("Mul", steps, graph.ints(hop)), graph.ints(length))
    return graph.unsqueeze(graph.cut(padded, graph.ints(0), needed, 0), 0, 1)


def _align(graph: ModelWriter, samples: str, n_padding: int) -> tuple[str, str]:
    """The samples from the first to the last that is loud, and where they begin."""
    magnitudes = graph.add("Abs", samples)
    peak = graph.total("ReduceMax", magnitudes, 0)
    least = graph.add("Mul", peak, graph.floats(ONSET_SHARE))
    first, last = _ends(graph, graph.add("GreaterOrEqual", magnitudes, least))
    padded = graph.add("Pad", samples, graph.ints(n_padding, n_padding))
    stop = graph.add("Add", last, graph.ints(1 + 2 * n_padding))
    start = graph.add("Sub", first, graph.ints(n_padding))
    return graph.cut(padded, first, stop, 0), start


def _ends(graph: ModelWriter, chosen: str) -> tuple[str, str]:
    """Where the first and the last of booleans ``[n]`` is true, int64 ``[1]`` each."""
    as_numbers = graph.add("Cast", chosen, to=1)
    first = graph.add("ArgMax", as_numbers, axis=0, keepdims=1)
    last = graph.add("ArgMax", as_numbers, axis=0, keepdims=1, select_last_index=1)
    return first, last


def _scale(graph: ModelWriter, samples: str) -> str:
    peak = graph.total("ReduceMax", graph.add("Abs", samples), 0)
    sounds = graph.add("GreaterOrEqual", peak, graph.floats(SILENT_PEAK))
    return graph.add("Div", samples, graph.add("Where", sounds, peak, graph.floats(1.0)))


def _trim(
    graph: ModelWriter, samples: str, top_db: float, settings: FeatureSettings
) -> tuple[str, str]:
    """As `bilstm_hmm.features.vad.trimming.trim_silence`: what is left, and where that begins."""
    power = mean_square(graph, samples, settings.frame_length, settings.hop_length)
    floored = graph.add("Max", power, graph.floats(MIN_RMS**2))
    share = graph.floats(10.0 ** (-top_db / 10.0))
    least = graph.add("Mul", graph.total("ReduceMax", floored, 0, 1, 2), share)
    sounding = graph.add("Reshape", graph.add("Greater", floored, least), graph.ints(-1))
    first, last = _ends(graph, sounding)
    hop = graph.ints(settings.hop_length)
    start = graph.add("Mul", first, hop)
    stop = graph.add("Mul", graph.add("Add", last, graph.ints(1)), hop)
    # Beyond the end a slice takes what there is.
    return graph.cut(samples, start, stop, 0), start
