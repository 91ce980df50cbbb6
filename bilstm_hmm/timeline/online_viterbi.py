"""Decoding while frames come: what of the best path no later frame can change.

Every path to come goes on from one of the emotions at the last frame. As far back as the best
paths to all of them are one and the same, that part is decided (the idea of "Short-time Viterbi
for online HMM decoding", Bloit and Rodet, 2008, with blocks of a minimum duration in addition).
"""

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.timeline.composite_hmm import CompositeHmm, FloatMatrix, backtrack, forward


def stable_prefix(
    composite: CompositeHmm, densities: FloatMatrix, before: FloatMatrix | None = None
) -> NDArray[np.intp]:
    """Return the emotions of the first frames as far as no frame to come can change them.

    Parameters
    ----------
    densities
        ``[T, E, S]``, log, of the frames so far.
    before
        As in `bilstm_hmm.timeline.composite_hmm.forward`.
    """
    scores = forward(composite, densities, np.maximum, before)
    last = len(densities) - 1
    # A path to come has an old emotion at the last frame, or a block that begins by then and may
    # end behind it, whose past is the best one before the block.
    opened = range(max(0, last - composite.min_frames + 2), last + 1)
    if 0 in opened:
        return np.zeros(0, np.intp)
    old = np.flatnonzero(np.isfinite(scores.mature[last].max(axis=1))).tolist()
    paths = [backtrack(composite, scores, last, emotion) for emotion in old]
    paths += [backtrack(composite, scores, begun - 1) for begun in opened]
    count = min(map(len, paths))
    agreed = np.all([path[:count] == paths[0][:count] for path in paths], axis=0)
    return paths[0][: count if agreed.all() else int(np.argmin(agreed))]


def resume_inside(emotion: int, emotions: int, states: int = 1) -> FloatMatrix:
    """Return what goes before a frame in the middle of an emotion, for `forward`, ``[E, S]``."""
    before = np.full((emotions, states), -np.inf)
    before[emotion] = -np.log(states)
    return before
