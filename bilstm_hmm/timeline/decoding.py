"""Decoding the composite HMM: best paths and posteriors, of many recordings at once.

The frames of the minimum duration, m of them, are never written out as states. An emotion that was
entered has no choice until it is mature, so these frames are one step, a block, as in a hidden
semi-Markov model (Yu, 2010). With scores s, and (+) for a maximum or a log sum::

    block[t, e]  = log_initial[e] + s[t, e] + ... + s[t + m - 1, e]
    leave[t]     = (+) over all e of mature[t, e]
    mature[t, e] = (mature[t - 1, e] + log_self_loop + s[t - 1, e])
                   (+) (leave[t - m] + log_exit + block[t - m, e])

Two things make this quick. Scores are held relative to `stay`, that of having been in the emotion
from the beginning: the first bracket is then ``mature[t - 1, e]`` alone, so that ``mature`` is a
running (+) of what is entered. And what is left at frame t matters only m frames later, so that m
frames are computed at once.

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
    stay
        ``[T + m, N, E]``: of an emotion in all frames before t, by self loops.
    enter
        ``[T, N, E]``: of what is left before frame t and of the block that begins there, less
        `stay` at its end; minus infinity behind the end of a recording.
    mature
        ``[T + m, N, E]``: of all paths up to frame t in a mature emotion, less `stay`.
    leave
        ``[T, N]``: of all paths up to frame t that may enter an emotion there.
    """

    stay: FloatMatrix
    enter: FloatMatrix
    mature: FloatMatrix
    leave: FloatMatrix

    def best_emotions(self, recordings: Indices, ends: Indices) -> Indices:
        """Return the emotions that are mature with the best scores before frames `ends`."""
        scores = self.mature[ends, recordings] + self.stay[ends, recordings]
        best: Indices = scores.argmax(axis=1)
        return best


def viterbi(
    composite: CompositeHmm,
    scores: NDArray[np.floating],
    lengths: Indices | None = None,
    log_initial: FloatMatrix | None = None,
    before: FloatMatrix | None = None,
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
    before
        Log score of all that goes before the first frame, where that is in the middle of a mature
        emotion, ``[E]`` or ``[N, E]``; None where the recordings begin.
    """
    partial = forward(composite, scores, np.maximum, lengths, log_initial, before)
    recordings = np.arange(scores.shape[1])
    ends = np.full(len(recordings), len(partial.mature) - 1)
    paths = backtrack(partial, recordings, ends, partial.best_emotions(recordings, ends))
    return paths[: len(scores)]


def posteriors(
    composite: CompositeHmm,
    scores: NDArray[np.floating],
    lengths: Indices | None = None,
    log_initial: FloatMatrix | None = None,
    before: FloatMatrix | None = None,
) -> FloatMatrix:
    """Return the probability of each emotion at each frame, ``[T, N, E]``.

    By the forward-backward algorithm (Rabiner, 1989); parameters as of `viterbi`.
    """
    partial = forward(composite, scores, np.logaddexp, lengths, log_initial, before)
    ahead = _backward(partial)
    n_frames, min_frames = len(scores), composite.min_frames
    in_block = partial.leave[..., None] + partial.enter + ahead[min_frames:]
    in_mature = partial.mature[:n_frames] + ahead[1 : n_frames + 1]
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
    before: FloatMatrix | None = None,
) -> ForwardScores:
    """Return the scores of all partial paths, forward in time.

    Parameters
    ----------
    combine
        ``np.maximum`` for the best path, ``np.logaddexp`` for the sum over paths.
    scores, lengths, log_initial, before
        As of `viterbi`.
    """
    n_frames, min_frames = len(scores), composite.min_frames
    stay, enter = _stay_and_enter(composite, scores, lengths, log_initial)
    mature = np.full(stay.shape, -np.inf)
    if before is not None:
        mature[:min_frames] = before
    leave = np.zeros(enter.shape[:2])
    for first in range(0, n_frames, min_frames):
        last = min(first + min_frames, n_frames)
        leave[first:last] = combine.reduce(mature[first:last] + stay[first:last], axis=2)
        if first == 0 and before is None:
            # The recording begins: nothing is left, which would cost the probability of leaving.
            leave[0] = -composite.log_exit
        mature[first + min_frames : last + min_frames] = (
            leave[first:last, :, None] + enter[first:last]
        )
        running = mature[first + min_frames - 1 : last + min_frames]
        combine.accumulate(running, axis=0, out=running)
    return ForwardScores(stay, enter, mature, leave)


def _stay_and_enter(
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
    enter = (initial + composite.log_exit) - sums[:n_frames] - self_loops[min_frames:]
    enter[times[:n_frames] >= ends] = -np.inf
    return sums + self_loops, enter


def _backward(partial: ForwardScores) -> FloatMatrix:
    """Log score of all that may follow an emotion that is mature before t, and of `stay` up to t.

    ``[T + m, N, E]``. The two together, because nothing but what is left adds to them.
    """
    n_frames = len(partial.enter)
    min_frames = len(partial.stay) - n_frames
    ahead = partial.stay.copy()
    for last in range(n_frames, 0, -min_frames):
        first = max(last - min_frames, 0)
        entered = partial.enter[first:last] + ahead[first + min_frames : last + min_frames]
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
        ``[K]``: the recording of each path, its frames, and the emotion that is mature after the
        last of them.
    """
    n_frames = len(partial.enter)
    min_frames = len(partial.stay) - n_frames
    # Where an emotion gains by being entered, that is better than to have stayed in it. The last
    # block that an emotion came in with, by the frame where it begins.
    gained = partial.mature[min_frames:] > partial.mature[min_frames - 1 : -1]
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
