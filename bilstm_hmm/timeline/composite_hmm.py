"""The timeline: the emotions joined into one composite HMM, and the best path through it.

The composite HMM has a state (emotion e, state s, age d): d counts the frames since the
emotion began, up to the minimum duration, below which it cannot be left; an emotion that is
old enough is left with the probability that gives the expected dwell time. Where a path goes
on entering follows the prior.

The evidence of a frame for an emotion is what the emotion's own HMM predicts of it from the
frames before, times a weight far below one: neighbouring frames tell nearly the same. The
HMM's states are summed out before the weight is put on, because a weight on the densities
would flatten the states against each other; the composite then has one state an emotion, and
a recording of one emotion gets the probabilities that its label has.

The ages are never written out. An emotion that was entered has no choice until it is old
enough, so those frames are taken in one step, a block, as in a hidden semi-Markov model
(Yu, 2010): all blocks are computed at once, and only old emotions go frame by frame.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.config.schema import TimelineSettings
from bilstm_hmm.hmm.bank import log_sum_exp

FloatMatrix = NDArray[np.float64]

#: Seconds that an emotion is expected to last, and lasts at least, where nothing says otherwise.
DEFAULT_EXPECTED_DURATION = 4.0
DEFAULT_MIN_DURATION = 0.6
_FLOOR = 1e-3


@dataclass(frozen=True, slots=True)
class CompositeHmm:
    """The composite HMM; E emotions, S states.

    Attributes
    ----------
    log_initial
        ``[E, S]``: of entering emotion e in state s.
    log_transition
        ``[E, S, S]``: inside an emotion.
    log_self_loop, log_exit
        Of staying in, and of leaving, an emotion that is old enough.
    min_frames
        The minimum duration in frames.
    """

    log_initial: FloatMatrix
    log_transition: FloatMatrix
    log_self_loop: float
    log_exit: float
    min_frames: int


def compose(
    log_start: FloatMatrix,
    log_transition: FloatMatrix,
    prior: FloatMatrix,
    rate: float,
    settings: TimelineSettings,
) -> CompositeHmm:
    """Join the emotions.

    Parameters
    ----------
    log_start, log_transition
        ``[E, S]`` and ``[E, S, S]``: inside each emotion.
    prior
        ``[E]``: how likely each emotion is where one begins.
    rate
        Output frames a second.
    """
    dwell = DEFAULT_EXPECTED_DURATION if settings.dwell is None else settings.dwell
    minimum = DEFAULT_MIN_DURATION if settings.minimum is None else settings.minimum
    # Rounded up, but for what floating point adds to a whole number of frames.
    ages = max(1, math.ceil(minimum * rate - 1e-6))
    rest = max(dwell * rate - ages, 1.0)
    leave = 1.0 / (rest + 1.0)
    return CompositeHmm(
        log_initial=log_prior(prior)[:, None] + log_start,
        log_transition=log_transition,
        log_self_loop=float(np.log1p(-leave)),
        log_exit=float(np.log(leave)),
        min_frames=ages,
    )


def build_composite(prior: FloatMatrix, rate: float, settings: TimelineSettings) -> CompositeHmm:
    """Return the composite HMM with one state an emotion; parameters as for `compose`."""
    emotions = len(prior)
    return compose(np.zeros((emotions, 1)), np.zeros((emotions, 1, 1)), prior, rate, settings)


def log_prior(prior: FloatMatrix) -> FloatMatrix:
    """Return the log probabilities of entering an emotion, ``[E]``; none is quite impossible."""
    floored = np.maximum(prior, _FLOOR)
    found: FloatMatrix = np.log(floored / floored.sum())
    return found


def apply_temperature(composite: CompositeHmm, sureness: float) -> CompositeHmm:
    """Return the composite whose paths have the probabilities to the power of `sureness`.

    With its densities times `sureness` as well. Below one, the best path stays as it is, and the
    others come nearer to it: what a path counts as many frames of evidence is in truth far fewer,
    since neighbours are right or wrong together.
    """
    return CompositeHmm(
        log_initial=composite.log_initial * sureness,
        log_transition=composite.log_transition * sureness,
        log_self_loop=composite.log_self_loop * sureness,
        log_exit=composite.log_exit * sureness,
        min_frames=composite.min_frames,
    )


@dataclass(frozen=True, slots=True)
class ForwardScores:
    """Log scores of the partial paths; best path or sum over paths.

    Attributes
    ----------
    min_duration_block
        ``[T, E, S]``: of a block that begins at t, by the state it ends in; cut by the end of
        the recording where it does not fit.
    entry
        ``[T]``: of all that goes before a block that begins at t.
    stay, mature
        ``[T, E, S]``: of all up to t in an old emotion; `stay` where it was old before.
    """

    min_duration_block: FloatMatrix
    entry: FloatMatrix
    stay: FloatMatrix
    mature: FloatMatrix


def _blocks(composite: CompositeHmm, densities: FloatMatrix, join: np.ufunc) -> FloatMatrix:
    # Time goes last here, where the long axis is quickest, and sums go by the faster function.
    along = densities.transpose(1, 2, 0)
    blocks = composite.log_initial[:, :, None] + along
    for age in range(1, min(composite.min_frames, len(densities))):
        steps = blocks[:, :, None, :-age] + composite.log_transition[..., None]
        joined = log_sum_exp(steps, axis=1) if join is np.logaddexp else steps.max(axis=1)
        blocks[..., :-age] = joined + along[..., age:]
    return np.ascontiguousarray(blocks.transpose(2, 0, 1))


def forward(
    composite: CompositeHmm,
    densities: FloatMatrix,
    join: np.ufunc,
    before: FloatMatrix | None = None,
) -> ForwardScores:
    """Return the scores of all partial paths, forward in time.

    Parameters
    ----------
    densities
        ``[T, E, S]``, log.
    join
        ``np.maximum`` for the best path, ``np.logaddexp`` for the sum over paths.
    before
        ``[E, S]``, log: of all that goes before the first frame, where that is the middle of an
        emotion that is old enough; None where the recording begins.
    """
    frames, ages = len(densities), composite.min_frames
    blocks = _blocks(composite, densities, join)
    entering = np.zeros(frames)
    stayed = np.full(densities.shape, -np.inf)
    old = np.full(densities.shape, -np.inf)
    held = densities + composite.log_self_loop
    for t in range(frames):
        began = t - ages + 1
        last = old[t - 1] if t > 0 else before
        if last is not None:
            entering[t] = join.reduce(last, axis=None) + composite.log_exit
            steps = last[:, :, None] + composite.log_transition
            stayed[t] = join.reduce(steps, axis=1) + held[t]
        old[t] = stayed[t]
        if began >= 0:
            old[t] = join(old[t], entering[began] + blocks[began])
    return ForwardScores(blocks, entering, stayed, old)


def viterbi(
    composite: CompositeHmm, densities: FloatMatrix, before: FloatMatrix | None = None
) -> NDArray[np.intp]:
    """Return the emotion of each frame on the best path (Viterbi, 1967); parameters as `forward`.

    Notes
    -----
    A recording shorter than the minimum duration is one emotion from end to end.
    """
    scores = forward(composite, densities, np.maximum, before)
    frames = len(densities)
    path = np.zeros(frames, np.intp)
    last = frames
    # The last block may be cut by the end of the recording.
    first = max(0, frames - composite.min_frames + 1)
    cut = scores.entry[first:, None, None] + scores.min_duration_block[first:]
    if cut.size and cut.max() > scores.mature[-1].max():
        begun, emotion, _ = np.unravel_index(int(cut.argmax()), cut.shape)
        last = first + int(begun)
        path[last:] = emotion
    if last > 0:
        path[:last] = backtrack(composite, scores, last - 1)
    return path


def backtrack(
    composite: CompositeHmm, scores: ForwardScores, t: int, emotion: int | None = None
) -> NDArray[np.intp]:
    """Return the emotion of each frame up to `t` on the best path to an old emotion there.

    Parameters
    ----------
    scores
        Of the best path.
    emotion
        The one that is old at `t`; None takes the likeliest.
    """
    states = scores.mature.shape[2]
    path = np.zeros(t + 1, np.intp)
    if emotion is None:
        emotion, state = divmod(int(scores.mature[t].argmax()), states)
    else:
        state = int(scores.mature[t, emotion].argmax())
    while t >= 0:
        path[t] = emotion
        if scores.stay[t, emotion, state] == scores.mature[t, emotion, state]:
            came = scores.mature[t - 1, emotion] + composite.log_transition[emotion, :, state]
            t, state = t - 1, int(came.argmax())
            continue
        began = t - composite.min_frames + 1
        path[began:t] = emotion
        t = began - 1
        emotion, state = divmod(int(scores.mature[t].argmax()), states)
    return path


def emotion_posteriors(
    composite: CompositeHmm, densities: FloatMatrix, before: FloatMatrix | None = None
) -> FloatMatrix:
    """Return the probability of each emotion at each frame, ``[T, E]``; parameters as `forward`."""
    scores = forward(composite, densities, np.logaddexp, before)
    ahead = _backward(composite, densities, scores.min_duration_block)
    frames, reach = len(densities), composite.min_frames - 1
    # What follows a block is what follows its last frame; nothing where the end cuts it.
    after = np.zeros_like(ahead)
    after[: max(0, frames - reach)] = ahead[reach:]
    block = np.logaddexp.reduce(scores.min_duration_block + after, axis=2) + scores.entry[:, None]
    held = np.logaddexp.reduce(scores.stay + ahead, axis=2)
    total = np.logaddexp.reduce([*block[0], *held[0]])
    stayed = np.exp(held - total)
    begun = np.cumsum(np.exp(block - total), axis=0)
    # A frame lies in a block that began at most `reach` frames before.
    begun[composite.min_frames :] -= begun[: -composite.min_frames].copy()
    shares = np.maximum(stayed + begun, 0.0)
    result: FloatMatrix = shares / shares.sum(axis=1, keepdims=True)
    return result


def _backward(composite: CompositeHmm, densities: FloatMatrix, blocks: FloatMatrix) -> FloatMatrix:
    """Return the log score ``[T, E, S]`` of all that may follow an old emotion at t."""
    reach, last = composite.min_frames - 1, len(densities) - 1
    ahead = np.zeros_like(densities)
    held = densities + composite.log_self_loop
    for t in range(last - 1, -1, -1):
        steps = composite.log_transition + (held[t + 1] + ahead[t + 1])[:, None]
        end = t + 1 + reach
        entered = blocks[t + 1] + ahead[end] if end <= last else blocks[t + 1]
        leaving = np.logaddexp.reduce(entered, axis=None) + composite.log_exit
        ahead[t] = np.logaddexp(np.logaddexp.reduce(steps, axis=2), leaving)
    return ahead
