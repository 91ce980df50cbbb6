"""From the evidence of a recording to its segments: who feels what from when to when."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.config import TimelineSettings
from bilstm_hmm.prediction import Segment
from bilstm_hmm.timeline import Composite, compose, emotion_posteriors, viterbi

FloatMatrix = NDArray[np.float64]

#: Frames that are decoded at once. Before the context on either side of a part ends, all best
#: paths have long met, so that a recording of hours is decoded part by part.
PART = 4096
CONTEXT = 2048


def segments(
    evidence: NDArray[np.floating],
    prior: FloatMatrix,
    rate: float,
    start: float,
    end: float,
    classes: Sequence[str],
    settings: TimelineSettings,
) -> tuple[Segment, ...]:
    """Return the emotions of a recording in order of time.

    Parameters
    ----------
    evidence
        ``[T, E]``: what each frame says for each emotion, the log-likelihood of
        `bilstm_hmm.hmm.frame_scores` times a weight.
    prior
        ``[E]``: how likely each emotion is where one begins.
    rate
        Frames a second of the evidence.
    start, end
        Where speech begins and ends in the file, in seconds.
    """
    emotions = len(prior)
    composite = compose(np.zeros((emotions, 1)), np.zeros((emotions, 1, 1)), prior, rate, settings)
    path = np.zeros(len(evidence), np.intp)
    share = np.zeros(len(evidence), np.float32)
    for part, best, posteriors in _decoded(composite, evidence):
        path[part] = best
        share[part] = posteriors
    borders = [0, *(np.flatnonzero(np.diff(path)) + 1).tolist(), len(path)]
    timeline = []
    for first, last in pairwise(borders):
        timeline.append(
            Segment(
                start=start + first / rate,
                end=end if last == len(path) else start + last / rate,
                emotion=classes[int(path[first])],
                confidence=float(share[first:last].mean(dtype=np.float64)),
            )
        )
    return tuple(timeline)


def _decoded(
    composite: Composite, evidence: NDArray[np.floating]
) -> Iterator[tuple[slice, NDArray[np.intp], FloatMatrix]]:
    """Yield frames, the emotion of each on the best path, and its probability there."""
    count = len(evidence)
    for first in range(0, count, PART):
        last = min(first + PART, count)
        before, behind = max(0, first - CONTEXT), min(count, last + CONTEXT)
        densities = evidence[before:behind, :, None].astype(np.float64)
        core = slice(first - before, last - before)
        path = viterbi(composite, densities)[core]
        posteriors = emotion_posteriors(composite, densities)[core]
        yield slice(first, last), path, posteriors[np.arange(last - first), path]
