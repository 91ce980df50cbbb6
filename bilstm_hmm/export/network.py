"""The network inside the graph: windows of the frames in, their outputs joined.

As `bilstm_hmm.inference.scoring.Scorer` runs it: what is longer than a window of the training is
cut into such windows at half overlap, views are averaged, and each output frame is taken from where
it is most central.
"""

from dataclasses import dataclass

from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.inference.bundle import Bundle

_PREFIX = "network/"


@dataclass(frozen=True, slots=True)
class NetworkValues:
    """Names of the outputs: hidden ``[T, H]``, frame logits ``[T, C]``, clip logits ``[C]``."""

    hidden: str
    frame_logits: str
    clip_logits: str


@dataclass(frozen=True, slots=True)
class _Windows:
    """Names: where each of W windows begins ``[W]``, and their greatest length ``[1]``."""

    starts: str
    width: str


def write_network(graph: ModelWriter, frames: str, bundle: Bundle) -> NetworkValues:
    """Write what the network gives of normalised frames ``[V, T, F]``, the mean over the views."""
    size, stride = bundle.recipe.window_frames, bundle.recipe.network.stride
    length = graph.size(frames, 1)
    windows = _windows(graph, length, size, stride)
    batch, lengths = _batch(graph, frames, windows, length)
    graph.merge(bundle.network, {"frames": batch, "lengths": lengths}, _PREFIX)
    steps = _stitched_steps(graph, windows, length, size, stride)
    hidden, frame_logits = (
        _join(graph, _PREFIX + name, frames, steps) for name in ("hidden", "frame")
    )
    clip_logits = graph.total("ReduceMean", f"{_PREFIX}clip", 0, keepdims=0)
    if bundle.outputs is not None:
        columns = graph.ints(*bundle.outputs)
        frame_logits = graph.add("Gather", frame_logits, columns, axis=1)
        clip_logits = graph.add("Gather", clip_logits, columns, axis=0)
    return NetworkValues(hidden, frame_logits, clip_logits)


def _windows(graph: ModelWriter, length: str, size: int, stride: int) -> _Windows:
    """As `bilstm_hmm.inference.session.window_starts`."""
    rest = graph.add("Max", graph.add("Sub", length, graph.ints(size)), graph.ints(0))
    regular = graph.add("Range", graph.scalar(0), graph.squeeze(rest, 0), graph.scalar(size // 2))
    last = graph.add("Mul", graph.ceil_divide(rest, stride), graph.ints(stride))
    starts = graph.add("Concat", regular, last, axis=0)
    return _Windows(starts, graph.add("Min", length, graph.ints(size)))


def _batch(graph: ModelWriter, frames: str, windows: _Windows, length: str) -> tuple[str, str]:
    """The windows of all views, ``[V * W, width, F]``, and the length of each."""
    inside = graph.count_up(windows.width)
    places = graph.add("Add", graph.unsqueeze(windows.starts, 1), inside)
    # Behind the end of a shorter window stands what the network leaves out.
    places = graph.add("Min", places, graph.add("Sub", length, graph.ints(1)))
    cut = graph.add("Gather", frames, places, axis=1)
    features = graph.size(frames, 2)
    shape = graph.add("Concat", graph.ints(-1), windows.width, features, axis=0)
    lengths = graph.add("Min", graph.add("Sub", length, windows.starts), windows.width)
    by_view = graph.add("Concat", graph.size(frames, 0), graph.size(lengths, 0), axis=0)
    repeated = graph.add("Reshape", graph.add("Expand", lengths, by_view), graph.ints(-1))
    return graph.add("Reshape", cut, shape), graph.add("Cast", repeated, to=6)


def _stitched_steps(
    graph: ModelWriter, windows: _Windows, length: str, size: int, stride: int
) -> str:
    """Where each output frame stands among those of all windows one after another, ``[T]``.

    As `bilstm_hmm.inference.session.stitch_windows`.
    """
    count = graph.size(windows.starts, 0)
    left = graph.cut(windows.starts, graph.ints(0), graph.ints(-1), 0)
    right = graph.cut(windows.starts, graph.ints(1), count, 0)
    between = graph.add("Add", graph.add("Add", left, right), graph.ints(size))
    seams = graph.add("Div", between, graph.ints(2 * stride))
    times = graph.count_up(graph.ceil_divide(length, stride))
    passed = graph.add("GreaterOrEqual", graph.unsqueeze(times, 1), graph.unsqueeze(seams, 0))
    window = graph.total("ReduceSum", graph.add("Cast", passed, to=7), 1, keepdims=0)
    begins = graph.add("Div", graph.add("Gather", windows.starts, window), graph.ints(stride))
    in_window = graph.add("Sub", times, begins)
    steps = graph.ceil_divide(windows.width, stride)
    return graph.add("Add", graph.add("Mul", window, steps), in_window)


def _join(graph: ModelWriter, value: str, frames: str, steps: str) -> str:
    """The mean over views of ``[V * W, S, width]``, at the steps of the whole: ``[T, width]``."""
    width = graph.size(value, 2)
    shape = graph.add("Concat", graph.size(frames, 0), graph.ints(-1), width, axis=0)
    by_view = graph.add("Reshape", value, shape)
    mean = graph.total("ReduceMean", by_view, 0, keepdims=0)
    return graph.add("Gather", mean, steps, axis=0)
