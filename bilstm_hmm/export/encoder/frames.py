"""The frames of an encoder, window by window, as `bilstm_hmm.features.encoder.model` has them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bilstm_hmm.export.encoder.float_sum import write_sum
from bilstm_hmm.export.encoder.inlined import InlinedEncoder
from bilstm_hmm.export.encoder.log_mel import write_log_mel
from bilstm_hmm.export.encoder.resampling import write_resampled
from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.features.encoder.model import MIN_FRAMES, MIN_VARIANCE
from bilstm_hmm.features.settings.extraction import FeatureSettings

_FLOAT = 1


@dataclass(frozen=True, slots=True)
class _Windows:
    """Names of what is known of W windows of a signal; all int64.

    Attributes
    ----------
    signal
        The samples with the silence around them.
    starts
        The frame that each begins at, ``[W]``.
    width
        Frames that each has, ``[1]``.
    first, stop
        From and to which of them go through the encoder, ``[1]`` each.
    """

    signal: str
    starts: str
    width: str
    first: str
    stop: str


def write_encoder_frames(
    graph: ModelWriter, samples: str, encoder: InlinedEncoder, settings: FeatureSettings
) -> str:
    """Write the encoder's frames of samples ``[n]`` at the rate of the features, ``[T, width]``."""
    hop = round(encoder.rate / encoder.settings.frame_rate)
    length = graph.size(samples, 0)
    count = _count(graph, length, hop)
    windows = _windows(graph, samples, count, hop, encoder)
    whole = _run(graph, windows, hop, encoder)
    if encoder.settings.padding == "front":
        last = graph.size(whole, 0)
        states = graph.cut(whole, graph.add("Sub", last, count), last, 0)
    else:
        states = graph.cut(whole, graph.ints(0), count, 0)
    average = encoder.settings.average
    if average == 1:
        return states
    return write_resampled(graph, states, average, _count(graph, length, settings.frame_step))


def _count(graph: ModelWriter, length: str, step: int) -> str:
    return graph.add("Add", graph.add("Div", length, graph.ints(step)), graph.ints(1))


def _windows(
    graph: ModelWriter, samples: str, count: str, hop: int, encoder: InlinedEncoder
) -> _Windows:
    settings = encoder.settings
    size, zero = graph.ints(settings.window_frames), graph.ints(0)
    least = graph.ints(MIN_FRAMES) if settings.padding == "none" else size
    total = graph.add("Max", count, least)
    width = graph.add("Min", total, size)
    silence = graph.add("Mul", graph.add("Sub", total, count), graph.ints(hop))
    front = silence if settings.padding == "front" else zero
    length = graph.add("Mul", total, graph.ints(hop))
    sound = graph.add("Add", front, graph.size(samples, 0))
    pads = graph.add("Concat", front, graph.add("Sub", length, sound), axis=0)
    rest = graph.add("Max", graph.add("Sub", total, size), zero)
    regular = graph.add(
        "Range", graph.scalar(0), graph.squeeze(rest, 0), graph.scalar(settings.window_step)
    )
    taken = width
    if settings.silence is not None and settings.padding != "none":
        more = graph.ints(round(settings.silence * settings.frame_rate))
        taken = graph.add("Min", size, graph.add("Add", count, more))
    first, stop = zero, taken
    if settings.padding == "front":
        first, stop = graph.add("Sub", width, taken), width
    return _Windows(
        signal=graph.add("Pad", samples, pads),
        starts=graph.add("Concat", regular, rest, axis=0),
        width=width,
        first=first,
        stop=stop,
    )


def _run(graph: ModelWriter, windows: _Windows, hop: int, encoder: InlinedEncoder) -> str:
    """What the encoder gives of all windows, each faded into the next, ``[frames, width]``."""
    n_columns = encoder.settings.n_columns
    body = graph.body("windows")
    prefix = body.prefix
    number = body.unsqueeze(f"{prefix}step", 0)
    start = body.add("Gather", windows.starts, number)
    samples = _window(body, windows, start, hop, encoder)
    states = _states(body, samples, windows, encoder)
    _fade(body, f"{prefix}whole", states, start, f"{prefix}more")
    body.add("Identity", f"{prefix}go_on", name=f"{prefix}goes_on")
    trips = graph.squeeze(graph.size(windows.starts, 0), 0)
    nothing = graph.constant(np.zeros((0, n_columns), np.float32))
    before, after = (_rows(f"{prefix}{name}", n_columns) for name in ("whole", "more"))
    (whole,) = graph.loop(body, [nothing], [before], [after], trips=trips)
    return whole


def _window(
    body: ModelWriter, windows: _Windows, start: str, hop: int, encoder: InlinedEncoder
) -> str:
    """The samples of a window that go through the encoder, ``[n]``."""
    step = body.ints(hop)
    begin = body.add("Mul", start, step)
    stop = body.add("Mul", body.add("Add", start, windows.width), step)
    window = body.cut(windows.signal, begin, stop, 0)
    if encoder.settings.normalise:
        # With all of the silence, however much of it goes through the encoder.
        window = _normalise(body, window, encoder)
    first, last = (body.add("Mul", frame, step) for frame in (windows.first, windows.stop))
    return body.cut(window, first, last, 0)


def _normalise(body: ModelWriter, window: str, encoder: InlinedEncoder) -> str:
    mean = _mean(body, window, encoder)
    distance = body.add("Sub", window, mean)
    variance = _mean(body, body.add("Mul", distance, distance), encoder)
    scale = body.add("Sqrt", body.add("Add", variance, body.floats(MIN_VARIANCE)))
    return body.add("Div", distance, scale)


def _mean(body: ModelWriter, window: str, encoder: InlinedEncoder) -> str:
    """The mean of the samples of a window, ``[1]``."""
    settings = encoder.settings
    if settings.padding == "none":
        # Of any length: an encoder that takes one is seldom quantised.
        return body.total("ReduceMean", window, 0)
    count = settings.window_frames * round(encoder.rate / settings.frame_rate)
    return body.add("Div", write_sum(body, window, count), body.floats(count))


def _states(body: ModelWriter, samples: str, windows: _Windows, encoder: InlinedEncoder) -> str:
    """What the taps give of the samples of a window, side by side, ``[frames, width]``."""
    tables = encoder.tables
    value = body.unsqueeze(samples, 0) if tables is None else write_log_mel(body, samples, tables)
    taps = encoder.write_states(body, value)
    states = body.squeeze(taps[0] if len(taps) == 1 else body.add("Concat", *taps, axis=2), 0)
    # Encoders may fall short by a frame or two.
    count = body.add("Sub", windows.stop, windows.first)
    missing = body.add("Sub", count, body.size(states, 0))
    zero = body.ints(0)
    pads = body.add("Concat", zero, zero, missing, zero, axis=0)
    return body.add("Pad", states, pads, mode="edge")


def _fade(body: ModelWriter, whole: str, states: str, start: str, name: str) -> None:
    """Put a window behind what there is of the whole, faded over where both are.

    As `bilstm_hmm.features.windows.overlap_add`.
    """
    one, length = body.ints(1), body.size(whole, 0)
    overlap = body.add("Sub", length, start)
    common = body.cut(whole, start, length, 0)
    begun = body.cut(states, body.ints(0), overlap, 0)
    steps = body.add("Cast", body.add("Add", body.count_up(overlap), one), to=_FLOAT)
    total = body.add("Cast", body.add("Add", overlap, one), to=_FLOAT)
    weight = body.unsqueeze(body.add("Div", steps, total), 1)
    step = body.add("Mul", weight, body.add("Sub", begun, common))
    known = body.cut(whole, body.ints(0), start, 0)
    rest = body.cut(states, overlap, body.size(states, 0), 0)
    body.add("Concat", known, body.add("Add", common, step), rest, axis=0, name=name)


def _rows(name: str, width: int) -> Any:
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [name, width])
