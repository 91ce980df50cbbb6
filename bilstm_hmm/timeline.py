"""The timeline: all emotion HMMs joined into one, and the best path through it.

The composite HMM has a state (emotion e, HMM state s, age d): d counts the frames since the
emotion began, up to the minimum duration, below which it cannot be left. Inside an emotion
its own HMM moves; an emotion that is old enough is left with the probability that gives the
expected dwell time. Where a path goes on entering follows the utterance's own probabilities,
so that a recording of one emotion and its label agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.config import TimelineSettings
from bilstm_hmm.hmm import HmmBank, log_densities, log_sum_exp
from bilstm_hmm.prediction import Segment

FloatMatrix = NDArray[np.float64]

_FLOOR = 1e-3


@dataclass(frozen=True, slots=True)
class Composite:
    """The composite HMM; E emotions, S states, A ages.

    Attributes
    ----------
    log_entry
        ``[E, S]``: of entering emotion e in state s.
    log_transition
        ``[E, S, S]``: inside an emotion.
    log_stay, log_leave
        Of staying in, and of leaving, an emotion that is old enough.
    ages
        The minimum duration in frames.
    """

    log_entry: FloatMatrix
    log_transition: FloatMatrix
    log_stay: float
    log_leave: float
    ages: int


def compose(
    bank: HmmBank, prior: FloatMatrix, rate: float, settings: TimelineSettings
) -> Composite:
    """Join the emotion HMMs.

    Parameters
    ----------
    prior
        ``[E]``: how likely each emotion is where one begins.
    rate
        Output frames a second.
    """
    floored = np.maximum(prior, _FLOOR)
    log_prior = np.log(floored / floored.sum())
    ages = max(1, round(settings.minimum * rate))
    rest = max(settings.dwell * rate - ages, 1.0)
    leave = 1.0 / (rest + 1.0)
    return Composite(
        log_entry=log_prior[:, None] + bank.log_start,
        log_transition=bank.log_transition,
        log_stay=float(np.log1p(-leave)),
        log_leave=float(np.log(leave)),
        ages=ages,
    )


def _advance(composite: Composite, moved: FloatMatrix, peak: bool) -> FloatMatrix:
    """Move ages on: `moved` ``[E, S, A]`` is the score after the step inside the emotions."""
    oldest = moved[:, :, -1] + composite.log_stay
    if composite.ages == 1:
        return oldest[:, :, None]
    following = np.full_like(moved, -np.inf)
    following[:, :, 1:] = moved[:, :, :-1]
    join = np.maximum if peak else np.logaddexp
    following[:, :, -1] = join(following[:, :, -1], oldest)
    return following


def viterbi(composite: Composite, densities: FloatMatrix) -> NDArray[np.intp]:
    """Return the emotion of each frame on the best path (Viterbi, 1967).

    Parameters
    ----------
    densities
        ``[T, E, S]``, log.

    Notes
    -----
    A recording shorter than the minimum duration is one emotion from end to end.
    """
    frames, emotions, states = densities.shape
    ages = composite.ages
    score = np.full((emotions, states, ages), -np.inf)
    score[:, :, 0] = composite.log_entry + densities[0]
    came = np.zeros((frames, emotions, states, ages), np.int16)
    entered_from = np.zeros(frames, np.int64)
    held = np.zeros((frames, emotions, states), bool)
    entered = np.zeros((frames, emotions, states), bool)
    for t in range(1, frames):
        steps = score[:, :, None, :] + composite.log_transition[:, :, :, None]
        back = steps.argmax(axis=1)
        moved = np.take_along_axis(steps, back[:, None], axis=1)[:, 0]
        came[t] = back
        leaving = score[:, :, -1]
        entered_from[t] = leaving.argmax()
        following = _advance(composite, moved, peak=True)
        # Whether the oldest age was reached by staying in it rather than by growing into it.
        stayed = moved[:, :, -1] + composite.log_stay
        held[t] = stayed >= following[:, :, -1]
        entering = leaving.max() + composite.log_leave + composite.log_entry
        entered[t] = entering > following[:, :, 0]
        following[:, :, 0] = np.maximum(following[:, :, 0], entering)
        score = following + densities[t][:, :, None]
    return _trace(score, came, entered_from, held, entered)


def _trace(
    score: FloatMatrix,
    came: NDArray[np.int16],
    entered_from: NDArray[np.int64],
    held: NDArray[np.bool_],
    entered: NDArray[np.bool_],
) -> NDArray[np.intp]:
    frames, _, states, ages = came.shape
    path = np.zeros(frames, np.intp)
    emotion, state, age = np.unravel_index(int(score.argmax()), score.shape)
    for t in range(frames - 1, -1, -1):
        path[t] = emotion
        if t == 0:
            break
        if age == 0 and entered[t, emotion, state]:
            emotion, state = divmod(int(entered_from[t]), states)
            age = ages - 1
            continue
        age_before = age if age == ages - 1 and held[t, emotion, state] else age - 1
        state = came[t, emotion, state, age_before]
        age = age_before
    return path


def emotion_posteriors(composite: Composite, densities: FloatMatrix) -> FloatMatrix:
    """Return the probability of each emotion at each frame, ``[T, E]`` (forward-backward)."""
    frames, emotions, _ = densities.shape
    forward = _forward(composite, densities)
    result = np.zeros((frames, emotions))
    backward = np.zeros(forward.shape[1:])
    for t in range(frames - 1, -1, -1):
        joint = log_sum_exp((forward[t] + backward).reshape(emotions, -1), axis=1)
        result[t] = np.exp(joint - log_sum_exp(joint, axis=0))
        backward = _step_back(composite, backward + densities[t][:, :, None])
    return result


def _forward(composite: Composite, densities: FloatMatrix) -> NDArray[np.float32]:
    """Return log forward probabilities ``[T, E, S, A]``, each frame's peak at zero.

    Kept in single precision, because an hour of speech has ten thousands of frames.
    """
    frames, emotions, states = densities.shape
    forward = np.full((frames, emotions, states, composite.ages), -np.inf, np.float32)
    current = np.full((emotions, states, composite.ages), -np.inf)
    current[:, :, 0] = composite.log_entry + densities[0]
    forward[0] = current - current.max()
    for t in range(1, frames):
        steps = current[:, :, None, :] + composite.log_transition[:, :, :, None]
        following = _advance(composite, log_sum_exp(steps, axis=1), peak=False)
        leaving = log_sum_exp(current[:, :, -1].reshape(-1), axis=0)
        entering = leaving + composite.log_leave + composite.log_entry
        following[:, :, 0] = np.logaddexp(following[:, :, 0], entering)
        current = following + densities[t][:, :, None]
        current -= current.max()
        forward[t] = current
    return forward


def _step_back(composite: Composite, ahead: FloatMatrix) -> FloatMatrix:
    """One step of the backward recursion; `ahead` includes the densities of its frame."""
    # Inside an emotion, age d grows to d + 1, and the oldest stays the oldest.
    grown = np.concatenate([ahead[:, :, 1:], ahead[:, :, -1:] + composite.log_stay], axis=2)
    inside = log_sum_exp(composite.log_transition[:, :, :, None] + grown[:, None], axis=2)
    leaving = composite.log_leave + log_sum_exp(
        (composite.log_entry + ahead[:, :, 0]).reshape(-1), axis=0
    )
    inside[:, :, -1] = np.logaddexp(inside[:, :, -1], leaving)
    result: FloatMatrix = inside - inside.max()
    return result


def segments(
    bank: HmmBank,
    sequence: FloatMatrix,
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
    sequence
        HMM input ``[T, D]``.
    rate
        Its frames a second.
    start, end
        Where speech begins and ends in the file, in seconds.
    """
    composite = compose(bank, prior, rate, settings)
    # Neighbouring frames tell nearly the same: counted in full, they would drown the prior.
    densities = settings.emission_weight * log_densities(bank, np.asarray(sequence, np.float64))
    path = viterbi(composite, densities)
    posteriors = emotion_posteriors(composite, densities)
    borders = [0, *(np.flatnonzero(np.diff(path)) + 1).tolist(), len(path)]
    found = []
    for first, last in pairwise(borders):
        emotion = int(path[first])
        found.append(
            Segment(
                start=start + first / rate,
                end=end if last == len(path) else start + last / rate,
                emotion=classes[emotion],
                confidence=float(posteriors[first:last, emotion].mean()),
            )
        )
    return tuple(found)
