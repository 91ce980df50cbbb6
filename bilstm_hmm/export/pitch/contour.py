"""The stream of pitch and voicing: of the frames that are searched, and lines between them.

As `bilstm_hmm.features.spectral.pitch.pitch`.
"""

import numpy as np

from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.export.pitch.yin import write_yin
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.pitch import (
    MAX_APERIODICITY,
    REFERENCE_HZ,
    median_width,
    middle_octaves,
)


def write_pitch(graph: ModelWriter, samples: str, settings: FeatureSettings) -> str:
    """Write the contour in octaves and the strength of voicing, ``[1, 2, T]``, of ``[n]``."""
    step = settings.pitch_step
    track = write_yin(graph, samples, settings)
    relative = graph.add("Mul", track.frequency, graph.floats(1.0 / REFERENCE_HZ))
    octaves = graph.add("Mul", graph.add("Log", relative), graph.floats(1.0 / np.log(2.0)))
    voiced = graph.add("Less", track.aperiodicity, graph.floats(MAX_APERIODICITY))
    steps = graph.add("Div", graph.size(samples, 0), graph.ints(settings.hop_length))
    times = graph.count_up(graph.add("Add", steps, graph.ints(1)))
    contour = _contour(graph, octaves, voiced, times, settings)
    strength = graph.add("Sub", graph.floats(1.0), track.aperiodicity)
    strength = graph.add("Min", graph.add("Max", strength, graph.floats(0.0)), graph.floats(1.0))
    if step > 1:
        everywhere = graph.count_up(graph.size(strength, 0))
        left = graph.add("Div", times, graph.ints(step))
        strength = _line(graph, strength, everywhere, left, times, step)
    columns = (graph.unsqueeze(column, 0, 1) for column in (contour, strength))
    return graph.add("Concat", *columns, axis=1)


def _contour(
    graph: ModelWriter, octaves: str, voiced: str, times: str, settings: FeatureSettings
) -> str:
    """The octaves of the voiced among N searched frames, at the times of all frames, ``[T]``."""
    as_numbers = graph.add("Cast", voiced, to=7)
    is_any = graph.add("Greater", graph.total("ReduceMax", as_numbers, 0), graph.ints(0))
    # Where none is voiced all count, each with the middle of the range.
    taken = graph.add("Or", voiced, graph.add("Not", is_any))
    middle = graph.floats(middle_octaves(settings.pitch_min, settings.pitch_max))
    known = graph.add("Where", is_any, octaves, middle)
    places = graph.add("Reshape", graph.add("NonZero", taken), graph.ints(-1))
    width = median_width(settings.pitch_step)
    smooth = _median(graph, graph.add("Gather", known, places), width)
    # How many voiced ones there are up to each searched frame.
    counts = graph.add("CumSum", graph.add("Cast", taken, to=7), graph.scalar(0))
    searched = graph.add("Div", times, graph.ints(settings.pitch_step))
    last = graph.add("Sub", graph.add("Gather", counts, searched), graph.ints(1))
    return _line(graph, smooth, places, last, times, settings.pitch_step)


def _median(graph: ModelWriter, value: str, width: int) -> str:
    """The median of each and those around it, ``[K]``."""
    half = width // 2
    padded = graph.add("Pad", value, graph.ints(half, half), mode="edge")
    starts = graph.unsqueeze(graph.count_up(graph.size(value, 0)), 1)
    windows = graph.add("Gather", padded, graph.add("Add", starts, graph.ints(*range(width))))
    upper = graph.outermost(windows, half + 1, axis=1, largest=True)
    return graph.total("ReduceMin", upper, 1, keepdims=0)


def _line(graph: ModelWriter, values: str, places: str, left: str, times: str, step: int) -> str:
    """Write straight lines between values, level before the first and behind the last: ``[T]``.

    Parameters
    ----------
    values, places
        ``[K]``: values, and the searched frames that they are of, int64.
    left
        Which of them is the last one before each frame, -1 where there is none; int64 ``[T]``.
    times
        The frames, int64 ``[T]``.
    step
        Frames from one that is searched to the next.
    """
    final = graph.add("Sub", graph.size(values, 0), graph.ints(1))
    right = graph.add("Min", graph.add("Add", left, graph.ints(1)), final)
    left = graph.add("Max", left, graph.ints(0))
    at_left, at_right = (
        graph.add("Mul", graph.add("Gather", places, at), graph.ints(step)) for at in (left, right)
    )
    passed = graph.add("Cast", graph.add("Sub", times, at_left), to=1)
    gap = graph.add("Max", graph.add("Sub", at_right, at_left), graph.ints(1))
    share = graph.add("Div", passed, graph.add("Cast", gap, to=1))
    from_value, to_value = (graph.add("Gather", values, at) for at in (left, right))
    rise = graph.add("Mul", graph.add("Sub", to_value, from_value), share)
    return graph.add("Add", from_value, rise)
