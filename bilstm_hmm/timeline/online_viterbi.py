"""Decoding while frames come: what of the best path no later frame can change.

Every path to come goes on from one of the emotions at the last frame. As far back as the best
paths to all of them are one and the same, that part is decided (the fusion point of "Short-time
Viterbi for online HMM decoding", Bloit and Rodet, 2008, with a minimum duration in addition).
"""

import numpy as np

from bilstm_hmm.arrays import FloatMatrix, Indices
from bilstm_hmm.timeline.composite_hmm import CompositeHmm
from bilstm_hmm.timeline.decoding import backtrack, forward


def stable_prefix(
    composite: CompositeHmm, scores: FloatMatrix, before: FloatMatrix | None = None
) -> Indices:
    """Return the emotions of the first frames as far as no frame to come can change them.

    Parameters
    ----------
    scores
        Log score of each frame so far for each emotion, ``[T, E]``.
    before
        As of `bilstm_hmm.timeline.decoding.viterbi`, ``[E]``.
    """
    n_frames = len(scores)
    # A path to come has a mature emotion at the last frame, or a block that begins by then and
    # may end behind it, whose past is the best one before the block.
    open_blocks = np.arange(max(0, n_frames - composite.min_frames + 1), n_frames)
    if 0 in open_blocks:
        return np.zeros(0, np.intp)
    partial = forward(composite, scores[:, None], np.maximum, before=before)
    mature = np.flatnonzero(np.isfinite(partial.mature[n_frames, 0]))
    ends = np.concatenate([np.full(len(mature), n_frames), open_blocks])
    recordings = np.zeros_like(ends)
    emotions = partial.best_emotions(recordings, ends)
    emotions[: len(mature)] = mature
    paths = backtrack(partial, recordings, ends, emotions)[: ends.min()]
    agree = (paths == paths[:, :1]).all(axis=1)
    return paths[: len(paths) if agree.all() else int(agree.argmin()), 0]


def resume_inside(emotion: int, n_emotions: int) -> FloatMatrix:
    """Return the `before` of a frame in the middle of a mature emotion, ``[E]``."""
    before = np.full(n_emotions, -np.inf)
    before[emotion] = 0.0
    return before
