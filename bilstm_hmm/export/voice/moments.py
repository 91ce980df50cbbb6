"""Moments of the frames of clips, as `bilstm_hmm.features.extraction.voice_statistics`."""

from dataclasses import dataclass

from bilstm_hmm.export.graph import ModelWriter


@dataclass(frozen=True, slots=True)
class Moments:
    """Names: clips and frames in all of them, float ``[1]``; mean and scatter, ``[V, F, 1]``."""

    n_clips: str
    n_frames: str
    mean: str
    squares: str


def clip_moments(graph: ModelWriter, value: str) -> Moments:
    """Write the moments of one clip's frames ``[V, F, T]``."""
    mean = graph.total("ReduceMean", value, 2)
    distance = graph.add("Sub", value, mean)
    squares = graph.total("ReduceSum", graph.add("Mul", distance, distance), 2)
    n_frames = graph.add("Cast", graph.size(value, 2), to=1)
    return Moments(graph.floats([1.0]), n_frames, mean, squares)


def merge_moments(graph: ModelWriter, one: Moments, other: Moments) -> Moments:
    """Write the moments of the frames of both; the first may be of none, all of it zero."""
    total = graph.add("Add", one.n_frames, other.n_frames)
    step = graph.add("Sub", other.mean, one.mean)
    share = graph.add("Div", other.n_frames, total)
    between = graph.add("Mul", graph.add("Mul", step, step), graph.add("Mul", one.n_frames, share))
    return Moments(
        graph.add("Add", one.n_clips, other.n_clips),
        total,
        graph.add("Add", one.mean, graph.add("Mul", step, share)),
        graph.add("Add", graph.add("Add", one.squares, other.squares), between),
    )
