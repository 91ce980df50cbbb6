"""Decoding the composite HMM: best paths and posteriors, of many recordings at once.

The frames of the minimum duration, m of them, are never written out as states. An emotion that was
entered has no choice until it has had them, so that they are one step, a block, as in a hidden
semi-Markov model (Yu, 2010). With scores s, and (+) for a maximum or a log sum::

    block[t, e]   = log_initial[e] + s[t, e] + ... + s[t + m - 1, e]
    exit[t]       = (+) over all e of forward[t, e]
    forward[t, e] = (forward[t - 1, e] + log_self_loop + s[t - 1, e])
                    (+) (exit[t - m] + log_exit + block[t - m, e])

Two things make this quick. Scores are held relative to the cumulative score of having been in the
emotion from the beginning: the first bracket is then ``forward[t - 1, e]`` alone, so that
``forward`` is a running (+) of the entries. And an exit at frame t matters only m frames later, so
that m frames are computed at once.

Behind the end of a recording nothing costs or tells anything, so that the block which the end
cuts is one like any other.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.arrays import FloatMatrix, Indices
from bilstm_hmm.timeline.composite_hmm import CompositeHmm


@dataclass(frozen=True, slots=True)
class ForwardScores:
    """Log scores of partial paths, of the best one or summed over all; m frames in a block.

    Attributes
    ----------
    cumulative_scores
        ``[T + m, N, E]``: of an emotion in all frames before t, by self loops.
    entry_scores
        ``[T, N, E]``: of what is left before frame t and of the block that begins there, less
        `cumulative_scores` at its end; minus infinity behind the end of a recording.
    log_forward
        ``[T + m, N, E]``: of all paths up to frame t in an emotion past its minimum duration,
        less `cumulative_scores`.
    exit_scores
        ``[T, N]``: of all paths up to frame t that may enter an emotion there.
    """

    cumulative_scores: FloatMatrix
    entry_scores: FloatMatrix
    log_forward: FloatMatrix
    exit_scores: FloatMatrix

    def best_emotions(self, recordings: Indices, ends: Indices) -> Indices:
        """Return the emotions with the best scores of all past their minimum before `ends`."""
        scores = self.log_forward[ends, recordings] + self.cumulative_scores[ends, recordings]
        best: Indices = scores.argmax(axis=1)
        return best


def viterbi(
    composite: CompositeHmm,
    scores: NDArray[np.floating],
    lengths: Indices | None = None,
    log_initial: FloatMatrix | None = None,
) -> Indices:
    """Return the emotion of each frame on the best path (Viterbi, 1967), ``[T, N]``.

    What stands behind the end of a recording means nothing. A recording that is shorter than the
    minimum duration is one emotion from end to end.

    Parameters
    ----------
    scores
        Log score of each frame for each emotion, of N recordings, ``[T, N, E]``; zero behind the
        end of a shorter one.
    lengths
        Frames of each recording, ``[N]``; None where all have T.
    log_initial
        ``[N, E]``, in place of the composite's own where that differs between the recordings.
    """
    partial = forward(composite, scores, np.maximum, lengths, log_initial)
    recordings = np.arange(scores.shape[1])
    ends = np.full(len(recordings), len(partial.log_forward) - 1)
    paths = backtrack(partial, recordings, ends, partial.best_emotions(recordings, ends))
    return paths[: len(scores)]


def posteriors(
    composite: CompositeHmm,
    scores: NDArray[np.floating],
    lengths: Indices | None = None,
    log_initial: FloatMatrix | None = None,
) -> FloatMatrix:
    """Return the probability of each emotion at each frame, ``[T, N, E]``.

    By the forward-backward algorithm (Rabiner, 1989); parameters as of `viterbi`.
    """
    partial = forward(composite, scores, np.logaddexp, lengths, log_initial)
    ahead = _backward(partial)
    n_frames, min_frames = len(scores), composite.min_frames
    in_block = partial.exit_scores[..., None] + partial.entry_scores + ahead[min_frames:]
    in_mature = partial.log_forward[:n_frames] + ahead[1 : n_frames + 1]
    total = np.logaddexp.reduce(np.logaddexp(in_block[0], in_mature[0]), axis=1)[:, None]
    inside = np.cumsum(np.exp(in_block - total), axis=0)
    # A frame lies in a block that began less than the minimum duration before.
    inside[min_frames:] -= inside[:-min_frames].copy()
    # What was taken off again may leave less than nothing, by rounding.
    occupancy = np.maximum(np.exp(in_mature - total) + inside, 0.0)
    probabilities: FloatMatrix = occupancy / occupancy.sum(axis=2, keepdims=True)
    return probabilities


def forward(
    composite: CompositeHmm,
    scores: NDArray[np.floating],
    combine: np.ufunc,
    lengths: Indices | None = None,
    log_initial: FloatMatrix | None = None,
) -> ForwardScores:
    """Return the scores of all partial paths, forward in time.

    Parameters
    ----------
    combine
        ``np.maximum`` for the best path, ``np.logaddexp`` for the sum over paths.
    scores, lengths, log_initial
        As of `viterbi`.
    """
    n_frames, min_frames = len(scores), composite.min_frames
    cumulative_scores, entry_scores = _cumulative_and_entry_scores(
        composite, scores, lengths, log_initial
    )
    log_forward = np.full(cumulative_scores.shape, -np.inf)
    exit_scores = np.zeros(entry_scores.shape[:2])
    for first in range(0, n_frames, min_frames):
        last = min(first + min_frames, n_frames)
        exit_scores[first:last] = combine.reduce(
            log_forward[first:last] + cumulative_scores[first:last], axis=2
        )
        if first == 0:
            # The recording begins: nothing is left, which would cost the probability of leaving.
            exit_scores[0] = -composite.log_exit
        log_forward[first + min_frames : last + min_frames] = (
            exit_scores[first:last, :, None] + entry_scores[first:last]
        )
        running = log_forward[first + min_frames - 1 : last + min_frames]
        combine.accumulate(running, axis=0, out=running)
    return ForwardScores(cumulative_scores, entry_scores, log_forward, exit_scores)


def _cumulative_and_entry_scores(
    composite: CompositeHmm,
    scores: NDArray[np.floating],
    lengths: Indices | None,
    log_initial: FloatMatrix | None,
) -> tuple[FloatMatrix, FloatMatrix]:
    """What does not depend on the path, see `ForwardScores`."""
    n_frames, min_frames = len(scores), composite.min_frames
    times = np.arange(n_frames + min_frames)[:, None]
    ends = np.full(scores.shape[1], n_frames) if lengths is None else lengths
    self_loops = composite.log_self_loop * np.minimum(times, ends)[..., None]
    sums = np.zeros((len(times), *scores.shape[1:]))
    np.cumsum(scores, axis=0, out=sums[1 : n_frames + 1])
    sums[n_frames + 1 :] = sums[n_frames]
    initial = composite.log_initial if log_initial is None else log_initial
    # The scores inside the block are those of staying, and drop out.
    entry_scores = (initial + composite.log_exit) - sums[:n_frames] - self_loops[min_frames:]
    entry_scores[times[:n_frames] >= ends] = -np.inf
    return sums + self_loops, entry_scores


def _backward(partial: ForwardScores) -> FloatMatrix:
    """Log score of all that may follow an emotion past its minimum before t.

    With the cumulative score up to t, ``[T + m, N, E]``: the two together, because nothing but
    what exits adds to them.
    """
    n_frames = len(partial.entry_scores)
    min_frames = len(partial.cumulative_scores) - n_frames
    ahead = partial.cumulative_scores.copy()
    for last in range(n_frames, 0, -min_frames):
        first = max(last - min_frames, 0)
        entered = partial.entry_scores[first:last] + ahead[first + min_frames : last + min_frames]
        ahead[first:last] += np.logaddexp.reduce(entered, axis=2)[..., None]
        running = ahead[first : last + 1][::-1]
        np.logaddexp.accumulate(running, axis=0, out=running)
    return ahead


def backtrack(
    partial: ForwardScores, recordings: Indices, ends: Indices, emotions: Indices
) -> Indices:
    """Return the emotion of each frame on K best paths, ``[max(ends), K]``.

    What stands behind the end of a path means nothing.

    Parameters
    ----------
    partial
        Of the best path.
    recordings, ends, emotions
        ``[K]``: the recording of each path, its frames, and the emotion that ends with the
        last of them.
    """
    n_frames = len(partial.entry_scores)
    min_frames = len(partial.cumulative_scores) - n_frames
    # Where an emotion gains by being entered, that is better than to have stayed in it. The last
    # block that an emotion came in with, by the frame where it begins.
    gained = partial.log_forward[min_frames:] > partial.log_forward[min_frames - 1 : -1]
    times = np.arange(n_frames, dtype=np.int32)[:, None, None]
    entered = np.maximum.accumulate(np.where(gained, times, np.int32(-1)), axis=0)
    labels = np.full((int(ends.max()), len(ends)), -1)
    paths = np.arange(len(ends))
    while len(paths):
        begins = entered[np.maximum(ends - min_frames, 0), recordings, emotions]
        begins[ends < min_frames] = -1
        labels[np.maximum(begins, 0), paths] = emotions
        more = begins > 0
        paths, recordings, ends = paths[more], recordings[more], begins[more]
        emotions = partial.best_emotions(recordings, ends)
    # Each frame has the label of the last frame before that begins something.
    begins = np.where(labels < 0, 0, np.arange(len(labels))[:, None])
    path: Indices = np.take_along_axis(labels, np.maximum.accumulate(begins, axis=0), axis=0)
    return path
