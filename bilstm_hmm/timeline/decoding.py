"""The timelines of many recordings at once, where an emotion has one state.

The same as `composite_hmm.viterbi` and `emotion_posteriors` one by one. What lies behind
the end of a recording tells nothing and costs nothing, so that the block which the end cuts is
one like any other.
"""

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.hmm.bank import log_sum_exp
from bilstm_hmm.timeline.composite_hmm import CompositeHmm

FloatMatrix = NDArray[np.float64]
Indices = NDArray[np.intp]


def best_paths(
    composite: CompositeHmm,
    evidence: NDArray[np.floating],
    lengths: Indices,
    log_initial: FloatMatrix | None = None,
) -> NDArray[np.int8]:
    """Return the emotion of each frame on the best path, int8 ``[T, N]``.

    Parameters
    ----------
    composite
        With one state an emotion, which does not weigh its own transition.
    evidence
        Float ``[T, N, E]``: log densities of N recordings; zero behind the end of a shorter one.
    lengths
        Frames of each, ``[N]``.
    log_initial
        ``[N, E]``: of entering an emotion, where that differs between the recordings.
    """
    frames, count, _ = evidence.shape
    ages = composite.min_frames
    held, blocks = _prepared(composite, evidence, lengths, log_initial)
    entering = np.zeros((len(held), count))
    came_from = np.zeros((len(held), count), np.int8)
    stayed = np.zeros(held.shape, bool)
    old = np.full(held.shape[1:], -np.inf)
    for t in range(len(held)):
        began = t - ages + 1
        if t > 0:
            came_from[t] = old.argmax(axis=1)
            entering[t] = old.max(axis=1) + composite.log_exit
            old = old + held[t]
        if began >= 0:
            block = entering[began][:, None] + blocks[began]
            stayed[t] = old >= block
            old = np.maximum(old, block)
    return _traced(old.argmax(axis=1), came_from, stayed, ages)[:frames]


def posteriors(
    composite: CompositeHmm,
    evidence: NDArray[np.floating],
    lengths: Indices,
    log_initial: FloatMatrix | None = None,
) -> FloatMatrix:
    """Return the probability of each emotion at each frame, ``[T, N, E]``.

    Parameters as `best_paths`; what stands behind the end of a recording means nothing.
    """
    frames, ages = len(evidence), composite.min_frames
    held, blocks = _prepared(composite, evidence, lengths, log_initial)
    entering = np.zeros(held.shape[:2])
    stayed = np.full(held.shape, -np.inf)
    old = np.full(held.shape, -np.inf)
    for t in range(len(held)):
        began = t - ages + 1
        if t > 0:
            # Nothing begins behind the end.
            left = np.logaddexp.reduce(old[t - 1], axis=1) + composite.log_exit
            entering[t] = np.where(t < lengths, left, -np.inf)
            stayed[t] = old[t] = old[t - 1] + held[t]
        if began >= 0:
            old[t] = np.logaddexp(old[t], entering[began][:, None] + blocks[began])
    ahead = np.zeros(held.shape)
    for t in range(len(held) - 2, -1, -1):
        ahead[t] = held[t + 1] + ahead[t + 1]
        if t + ages < len(held):
            entered = (
                np.logaddexp.reduce(blocks[t + 1] + ahead[t + ages], axis=1) + composite.log_exit
            )
            entered = np.where(t + 1 < lengths, entered, -np.inf)
            ahead[t] = np.logaddexp(ahead[t], entered[:, None])
    block = entering[:frames, :, None] + blocks[:frames] + ahead[ages - 1 :]
    total = log_sum_exp(block[0], axis=1)[:, None]
    begun = np.cumsum(np.exp(block - total), axis=0)
    # A frame lies in a block that began less than the minimum duration before.
    begun[ages:] -= begun[:-ages].copy()
    shares = np.maximum(np.exp((stayed + ahead)[:frames] - total) + begun, 0.0)
    found: FloatMatrix = shares / shares.sum(axis=2, keepdims=True)
    return found


def _prepared(
    composite: CompositeHmm,
    evidence: NDArray[np.floating],
    lengths: Indices,
    log_initial: FloatMatrix | None,
) -> tuple[FloatMatrix, FloatMatrix]:
    """Evidence of staying, with room for a block behind the end; blocks by their first frame.

    ``[T + ages - 1, N, E]`` and ``[T, N, E]``.
    """
    ages = composite.min_frames
    entry = composite.log_initial[:, 0] if log_initial is None else log_initial
    room = np.zeros((ages, *evidence.shape[1:]), evidence.dtype)
    padded = np.concatenate([evidence, room[1:]])
    # [t] is the sum of all before t.
    sums = np.concatenate([room[:1], np.cumsum(padded, axis=0, dtype=np.float64)])
    blocks = entry + (sums[ages:] - sums[:-ages])
    behind = np.arange(len(padded))[:, None] >= lengths
    return padded + np.where(behind, 0.0, composite.log_self_loop)[:, :, None], blocks


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
