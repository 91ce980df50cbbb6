"""A timeline brought down to what the columns of a picture can show."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.prediction import Curves, Segment

#: Start and end in seconds, and an emotion.
Band = tuple[float, float, str]


def time_per_label(
    segments: Sequence[Segment], labels: Sequence[str], edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return ``[L, n]``: the seconds of each label between any two of the ``n + 1`` edges.

    Parameters
    ----------
    segments
        In order of time, without overlap, of the emotions in `labels`.
    """
    own = [[s for s in segments if s.emotion == label] for label in labels]
    return np.array([_overlaps(some, edges) for some in own]).reshape(len(labels), len(edges) - 1)


def _overlaps(segments: Sequence[Segment], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    times = np.array([[s.start, s.end] for s in segments]).reshape(-1, 2)
    if not len(times):
        return np.zeros(len(edges) - 1)
    total = np.append(0.0, np.cumsum(times[:, 1] - times[:, 0]))
    sums = np.column_stack([total[:-1], total[1:]])
    covered: NDArray[np.float64] = np.diff(np.interp(edges, times.ravel(), sums.ravel()))
    return covered


def majority_bands(segments: Sequence[Segment], duration: float, columns: int) -> list[Band]:
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
    found = time_per_label(segments, labels, edges)
    # Where there is no segment counts as a label, too.
    winners = np.vstack([found, np.diff(edges) - found.sum(axis=0)]).argmax(axis=0)
    borders = [0, *(np.flatnonzero(np.diff(winners)) + 1).tolist(), columns]
    return [
        (float(edges[first]), float(edges[last]), labels[winners[first]])
        for first, last in pairwise(borders)
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
        own = np.minimum((times / step).astype(np.int64), points - 1)
        starts = np.unique(own, return_index=True)[1]
        sizes = np.diff(np.append(starts, len(times))).astype(np.float32)
        times = (np.add.reduceat(times, starts) / sizes).astype(np.float64)
        rows = (np.add.reduceat(rows, starts) / sizes[:, None]).astype(np.float32)
    gaps = np.flatnonzero(np.diff(np.searchsorted(breaks, times))) + 1
    return Curves(np.insert(times, gaps, times[gaps]), np.insert(rows, gaps, np.nan, axis=0))


def mask_inside(
    times: NDArray[np.float64], spans: Sequence[tuple[float, float]]
) -> NDArray[np.bool_]:
    """Return which of the times lie in one of the spans, which are in order of time."""
    if not spans:
        return np.zeros(len(times), np.bool_)
    starts, ends = (np.array(side) for side in zip(*spans, strict=True))
    place = np.searchsorted(starts, times, side="right") - 1
    found: NDArray[np.bool_] = (place >= 0) & (times < ends[place])
    return found
