"""The best paths of many recordings at once, for fitting the timeline: one state an emotion.

The same as `bilstm_hmm.timeline.viterbi` one by one. What lies behind the end of a recording
tells nothing and costs nothing, so that the block which the end cuts is one like any other.
"""

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.timeline import Composite

FloatArray = NDArray[np.float32]
Indices = NDArray[np.intp]


def best_paths(composite: Composite, evidence: FloatArray, lengths: Indices) -> NDArray[np.int8]:
    """Return the emotion of each frame on the best path, int8 ``[T, N]``.

    Parameters
    ----------
    composite
        With one state an emotion, which does not weigh its own transition.
    evidence
        Float ``[T, N, E]``: log densities of N recordings; zero behind the end of a shorter one.
    lengths
        Frames of each, ``[N]``.
    """
    frames, count, _ = evidence.shape
    ages = composite.ages
    entry = composite.log_entry[:, 0]
    room = np.zeros((ages, *evidence.shape[1:]), evidence.dtype)
    padded = np.concatenate([evidence, room[1:]])
    # [t] is the sum of all before t.
    sums = np.concatenate([room[:1], np.cumsum(padded, axis=0, dtype=np.float64)])
    stay = np.where(np.arange(len(padded))[:, None] < lengths, composite.log_stay, 0.0)
    entering = np.zeros((len(padded), count))
    came_from = np.zeros((len(padded), count), np.int8)
    stayed = np.zeros(padded.shape, bool)
    old = np.full(padded.shape[1:], -np.inf)
    for t in range(len(padded)):
        began = t - ages + 1
        if t > 0:
            came_from[t] = old.argmax(axis=1)
            entering[t] = old.max(axis=1) + composite.log_leave
            old = old + padded[t] + stay[t][:, None]
        if began >= 0:
            block = entering[began][:, None] + entry + (sums[t + 1] - sums[began])
            stayed[t] = old >= block
            old = np.maximum(old, block)
    return _traced(old.argmax(axis=1), came_from, stayed, ages)[:frames]


def _traced(
    emotion: Indices, came_from: NDArray[np.int8], stayed: NDArray[np.bool_], ages: int
) -> NDArray[np.int8]:
    """Go back from the last frame; `left` counts the frames until the block begins."""
    every = np.arange(len(emotion))
    path = np.zeros(came_from.shape, np.int8)
    left = np.zeros(len(emotion), np.intp)
    for t in range(len(path) - 1, -1, -1):
        path[t] = emotion
        left[(left == 0) & ~stayed[t, every, emotion]] = ages
        inside = left > 0
        left[inside] -= 1
        begun = inside & (left == 0)
        emotion = np.where(begun, came_from[t], emotion)
    return path
