"""The composite HMM of the timeline: the emotions as blocks, and how one follows another.

An emotion that was entered goes on for a minimum duration. From then on it is mature: it is left
with the probability that gives the expected duration, and what is entered next follows the prior.

Each emotion is one state. The score of a frame for it is what the emotion's own HMM predicts of
the frame from those before it, times a weight far below one, because neighbouring frames tell
nearly the same. The states of that HMM are summed out before the weight is put on: a weight on
their densities would flatten the states against each other. So a recording of one emotion gets
the probabilities that its label has.
"""

import math
from dataclasses import dataclass

import numpy as np

from bilstm_hmm.arrays import FloatMatrix
from bilstm_hmm.config.schema import TimelineSettings

#: Seconds that an emotion is expected to last, and lasts at least, where nothing says otherwise.
DEFAULT_EXPECTED_DURATION = 4.0
DEFAULT_MIN_DURATION = 0.6
_LEAST_PRIOR = 1e-3


@dataclass(frozen=True, slots=True)
class CompositeHmm:
    """The composite HMM of E emotions.

    Attributes
    ----------
    log_initial
        Log probability of entering each emotion, where the recording begins or another emotion is
        left, ``[E]``.
    log_self_loop, log_exit
        Log probability of staying in a mature emotion for another frame, and of leaving it.
    min_frames
        The minimum duration in frames.
    """

    log_initial: FloatMatrix
    log_self_loop: float
    log_exit: float
    min_frames: int


def build_composite(prior: FloatMatrix, rate: float, settings: TimelineSettings) -> CompositeHmm:
    """Return the composite HMM.

    Parameters
    ----------
    prior
        How likely each emotion is where one begins, ``[E]``; need not sum to one.
    rate
        Output frames a second.
    settings
        The durations, in seconds; None takes the default.
    """
    expected, minimum = settings.expected_duration, settings.min_duration
    expected = DEFAULT_EXPECTED_DURATION if expected is None else expected
    minimum = DEFAULT_MIN_DURATION if minimum is None else minimum
    # Rounded up, but for what floating point adds to a whole number of frames.
    min_frames = max(1, math.ceil(minimum * rate - 1e-6))
    # The frames behind the minimum duration have a geometric distribution with this mean.
    rest = max(expected * rate - min_frames, 1.0)
    exit_probability = 1.0 / (rest + 1.0)
    return CompositeHmm(
        log_initial=log_prior(prior),
        log_self_loop=float(np.log1p(-exit_probability)),
        log_exit=float(np.log(exit_probability)),
        min_frames=min_frames,
    )


def log_prior(prior: FloatMatrix) -> FloatMatrix:
    """Return the log probabilities of entering each emotion, ``[E]``; none is impossible."""
    floored = np.maximum(prior, _LEAST_PRIOR)
    normalised: FloatMatrix = np.log(floored / floored.sum())
    return normalised
