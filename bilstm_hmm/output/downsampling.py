"""A timeline brought down to what the columns of a picture can show."""

from collections.abc import Sequence

import numpy as np

from bilstm_hmm.arrays import FloatMatrix, Mask
from bilstm_hmm.numerics import find_runs
from bilstm_hmm.prediction import Curves, LabelledInterval, Segment


def time_per_label(
    segments: Sequence[Segment], labels: Sequence[str], edges: FloatMatrix
) -> FloatMatrix:
    """Return ``[L, n]``: the seconds of each label between any two of the ``n + 1`` edges.

    Parameters
    ----------
    segments
        In order of time, without overlap, of the emotions in `labels`.
    """
    by_label = [[s for s in segments if s.emotion == label] for label in labels]
    seconds = np.array([_overlaps(alike, edges) for alike in by_label])
    return seconds.reshape(len(labels), len(edges) - 1)


def _overlaps(segments: Sequence[Segment], edges: FloatMatrix) -> FloatMatrix:
    times = np.array([[s.start, s.end] for s in segments]).reshape(-1, 2)
    if not len(times):
        return np.zeros(len(edges) - 1)
    total = np.append(0.0, np.cumsum(times[:, 1] - times[:, 0]))
    sums = np.column_stack([total[:-1], total[1:]])
    covered: FloatMatrix = np.diff(np.interp(edges, times.ravel(), sums.ravel()))
    return covered


def majority_intervals(
    segments: Sequence[Segment], duration: float, columns: int
) -> list[LabelledInterval]:
    """Return what most of each column is, columns alike that touch as one band.

    Parameters
    ----------
    segments
        In order of time, without overlap.
    duration
        Of the picture in seconds.
    columns
        That the duration is cut into.
    """
    edges = np.linspace(0.0, duration, columns + 1)
    labels = sorted({s.emotion for s in segments})
    seconds = time_per_label(segments, labels, edges)
    # Where there is no segment counts as a label, too.
    winners = np.vstack([seconds, np.diff(edges) - seconds.sum(axis=0)]).argmax(axis=0)
    return [
        (float(edges[first]), float(edges[last]), labels[winners[first]])
        for first, last in find_runs(winners)
        if winners[first] < len(labels)
    ]


def downsample_curves(
    curves: Curves, duration: float, points: int, breaks: Sequence[float] = ()
) -> Curves:
    """Return the means of the curves over so many stretches of the duration, or all frames if few.

    A row of NaN, which breaks a line, stands at each of the times in `breaks`.
    """
    times, rows, step = curves.times, curves.probabilities, duration / points
    # Else there would be stretches without a frame, where none is missing.
    if len(times) > 1 and step > np.median(np.diff(times)):
        bins = np.minimum((times / step).astype(np.int64), points - 1)
        starts = np.unique(bins, return_index=True)[1]
        sizes = np.diff(np.append(starts, len(times))).astype(np.float32)
        times = (np.add.reduceat(times, starts) / sizes).astype(np.float64)
        rows = (np.add.reduceat(rows, starts) / sizes[:, None]).astype(np.float32)
    gaps = np.flatnonzero(np.diff(np.searchsorted(breaks, times))) + 1
    return Curves(np.insert(times, gaps, times[gaps]), np.insert(rows, gaps, np.nan, axis=0))


def mask_inside(times: FloatMatrix, spans: Sequence[tuple[float, float]]) -> Mask:
    """Return which of the times lie in one of the spans, which are in order of time."""
    if not spans:
        return np.zeros(len(times), np.bool_)
    starts, ends = (np.array(side) for side in zip(*spans, strict=True))
    index = np.searchsorted(starts, times, side="right") - 1
    is_inside: Mask = (index >= 0) & (times < ends[index])
    return is_inside
