"""Samples that were cut off flat, as `bilstm_hmm.features.quality.clipping` counts them."""

from typing import Any

import numpy as np

from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.features.audio.sources import BLOCK
from bilstm_hmm.features.quality.clipping import (
    FLAT,
    FULL_SCALE,
    MIN_PEAK_BELOW,
    MIN_SHARE_BELOW,
)

_PREFIX = "clipping/"
_FLOAT, _DOUBLE = 1, 11
#: Flat samples in a row that are a wave cut off.
_RUN = 3


def write_clipped_share(graph: ModelWriter, samples: str) -> str:
    """Write the share of samples ``[n]`` in flat runs at their block's peak, float64 ``[1]``."""
    body = ModelWriter(_PREFIX)
    number = body.unsqueeze(f"{_PREFIX}step", 0)
    start = body.add("Mul", number, body.ints(BLOCK))
    block = body.cut(samples, start, body.add("Add", start, body.ints(BLOCK)), 0)
    body.add("Add", f"{_PREFIX}before", _count(body, block), name=f"{_PREFIX}after")
    body.add("Identity", f"{_PREFIX}go_on", name=f"{_PREFIX}goes_on")
    length = graph.size(samples, 0)
    trips = graph.squeeze(graph.ceil_divide(length, BLOCK), 0)
    before, after = (_number(f"{_PREFIX}{name}") for name in ("before", "after"))
    zero = graph.constant(np.zeros(1, np.float64))
    (count,) = graph.loop(body, [zero], [before], [after], trips=trips)
    return graph.add("Div", count, graph.add("Cast", length, to=_DOUBLE))


def _count(body: ModelWriter, block: str) -> str:
    """How many samples of a block are in flat runs, where that is clipping; float64 ``[1]``."""
    magnitudes = body.add("Abs", block)
    peak = body.add("Cast", body.total("ReduceMax", magnitudes, 0), to=_DOUBLE)
    least = body.add("Cast", body.add("Mul", peak, _double(body, FLAT)), to=_FLOAT)
    flat = body.add("Cast", body.add("GreaterOrEqual", magnitudes, least), to=_FLOAT)
    count = _in_runs(body, flat)
    length = body.add("Cast", body.size(block, 0), to=_DOUBLE)
    many = body.add("Mul", length, _double(body, MIN_SHARE_BELOW))
    is_clipped = body.add(
        "Or",
        body.add("GreaterOrEqual", peak, _double(body, FULL_SCALE)),
        body.add("GreaterOrEqual", count, many),
    )
    sounds = body.add("GreaterOrEqual", peak, _double(body, MIN_PEAK_BELOW))
    return body.add("Where", body.add("And", is_clipped, sounds), count, _double(body, 0.0))


def _in_runs(body: ModelWriter, flat: str) -> str:
    """How many ones of ``[n]`` stand in runs of `_RUN` or more, float64 ``[1]``."""
    more = _RUN - 1
    padded = body.unsqueeze(body.add("Pad", flat, body.ints(0, more)), 0, 1)
    begins = body.add("Neg", body.add("MaxPool", body.add("Neg", padded), kernel_shape=[_RUN]))
    behind = body.floats(np.zeros((1, 1, more)))
    around = body.add("Concat", behind, begins, behind, axis=2)
    inside = body.add("MaxPool", around, kernel_shape=[_RUN])
    total = body.total("ReduceSum", body.add("Cast", inside, to=_DOUBLE), 0, 1, 2, keepdims=0)
    return body.unsqueeze(total, 0)


def _double(graph: ModelWriter, value: float) -> str:
    return graph.constant(np.array([value], np.float64))


def _number(name: str) -> Any:
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, TensorProto.DOUBLE, [1])
