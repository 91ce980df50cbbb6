"""Fitting the timeline on training speakers: what gives the least error on simulated recordings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.arrays import FloatArray, Indices, Mask
from bilstm_hmm.config.schema import TimelineSettings
from bilstm_hmm.numerics import log_loss
from bilstm_hmm.timeline.composite_hmm import CompositeHmm, apply_temperature, build_composite
from bilstm_hmm.timeline.decoding import posteriors, viterbi
from bilstm_hmm.timeline.median_filter import median_labels
from bilstm_hmm.timeline.parameters import TimelineParameters
from bilstm_hmm.timeline.simulated_recordings import (
    Scores,
    SimulatedRecordings,
    simulate_recordings,
)

#: What is tried. Strengths are the standard deviations that a second of speech weighs.
STRENGTHS = (2.0, 4.0, 8.0, 16.0, 32.0)
HMM_FRACTIONS = (0.0, 0.25, 0.5, 0.75, 1.0)
EXPECTED_DURATIONS = (2.0, 4.0, 8.0)
MIN_DURATIONS = (0.4, 0.8, 1.2)
MEDIAN_WIDTHS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
INVERSE_TEMPERATURES = (1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625)
#: Predicted over true segments, where these are about as many.
SEGMENT_RATIOS = (0.9, 1.1)
#: Frames that suffice to choose an inverse temperature.
CALIBRATION_FRAMES = 8_000
#: Frames x recordings x emotions that are decoded at once.
_MAX_BATCH = 3_000_000
NOT_FITTED = (
    "The timeline keeps its fixed defaults: no training speaker has clips of two emotions to fit "
    "them on."
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A setting of the composite HMM.

    Attributes
    ----------
    strength
        Standard deviations that a second of speech weighs.
    hmm_fraction
        What the HMMs have of it; the rest is the network's.
    expected_duration, min_duration
        In seconds.
    """

    strength: float
    hmm_fraction: float
    expected_duration: float
    min_duration: float

    def scores(self, recordings: SimulatedRecordings, rate: float) -> FloatArray:
        """Return the scores that are decoded, float32 ``[T, N, E]``; `rate` is frames a second."""
        mixed = (
            1.0 - self.hmm_fraction
        ) * recordings.frame_logits + self.hmm_fraction * recordings.frame_log_likelihoods
        scores: FloatArray = np.float32(self.strength / rate) * mixed
        return scores

    def composite(self, n_emotions: int, rate: float) -> CompositeHmm:
        """Return the composite HMM in which all emotions are as likely."""
        durations = TimelineSettings(
            expected_duration=self.expected_duration, min_duration=self.min_duration
        )
        return build_composite(np.full(n_emotions, 1.0 / n_emotions), rate, durations)


@dataclass(frozen=True, slots=True)
class Trial:
    """How a candidate did: the fraction of frames it has wrong, and its segments over those true.

    Every frame is speech, and so the first is the emotion diarization error rate.
    """

    candidate: Candidate
    error: float
    segment_ratio: float


def fit_timeline(
    frame_logits: Scores,
    frame_log_likelihoods: Scores,
    labels: Indices,
    speakers: Indices,
    classes: Sequence[str],
    rate: float,
    settings: TimelineSettings,
    seed: int,
) -> TimelineParameters | None:
    """Fit weights, durations, temperature and the width of the median filter.

    None where no recordings can be simulated, see `NOT_FITTED`.

    Parameters
    ----------
    frame_logits, frame_log_likelihoods
        Out of fold, of each clip, ``[T, E]``.
    labels, speakers
        Of each clip, ``[N]``.
    rate
        Frames a second.
    settings
        A duration that is not None is taken as it is.
    """
    recordings = simulate_recordings(
        frame_logits, frame_log_likelihoods, labels, speakers, classes, seed
    )
    if recordings is None:
        return None
    best = select(grid_search(recordings, rate, settings)).candidate
    logit_strength = best.strength * (1.0 - best.hmm_fraction)
    hmm_strength = best.strength * best.hmm_fraction
    return TimelineParameters(
        logit_weight=logit_strength / rate / recordings.logit_std,
        hmm_weight=hmm_strength / rate / recordings.log_likelihood_std,
        expected_duration=best.expected_duration,
        min_duration=best.min_duration,
        inverse_temperature=fit_inverse_temperature(recordings, rate, best),
        median_width=fit_median_width(recordings, rate),
    )


def grid_search(
    recordings: SimulatedRecordings, rate: float, settings: TimelineSettings
) -> list[Trial]:
    """Try every weight with every duration; those of `settings` alone where they are given."""
    expected, minimum = settings.expected_duration, settings.min_duration
    durations = list(
        product(
            EXPECTED_DURATIONS if expected is None else (expected,),
            MIN_DURATIONS if minimum is None else (minimum,),
        )
    )
    weights = list(product(STRENGTHS, HMM_FRACTIONS))
    at_once = max(1, _MAX_BATCH // recordings.frame_logits.size)
    trials: list[Trial] = []
    for first in range(0, len(weights), at_once):
        some = weights[first : first + at_once]
        trials += _try_durations(recordings, rate, some, durations)
    return trials


def _try_durations(
    recordings: SimulatedRecordings,
    rate: float,
    weights: Sequence[tuple[float, float]],
    durations: Sequence[tuple[float, float]],
) -> Iterator[Trial]:
    """Try some weights together, whose scores are the same for all durations."""
    n_emotions, mask = recordings.frame_logits.shape[2], recordings.mask
    grid = [[Candidate(*weight, *duration) for weight in weights] for duration in durations]
    scores = np.concatenate([each.scores(recordings, rate) for each in grid[0]], axis=1)
    lengths = np.tile(recordings.lengths, len(weights))
    for candidates in grid:
        paths = viterbi(candidates[0].composite(n_emotions, rate), scores, lengths)
        by_candidate = np.split(paths, len(candidates), axis=1)
        for candidate, path in zip(candidates, by_candidate, strict=True):
            yield Trial(candidate, *error_and_segment_ratio(path, recordings.labels, mask))


def error_and_segment_ratio(
    paths: NDArray[np.integer], labels: NDArray[np.integer], mask: Mask
) -> tuple[float, float]:
    """Return the fraction of frames that are wrong, and the segments of `paths` over those true.

    Parameters
    ----------
    paths, labels, mask
        The emotion on the path, the true one, and which frames there are, ``[T, N]``.
    """
    error = float((paths != labels)[mask].mean())
    predicted, true = (
        len(frames[0]) + np.count_nonzero((frames[1:] != frames[:-1])[mask[1:]])
        for frames in (paths, labels)
    )
    return error, predicted / true


def select(trials: Sequence[Trial]) -> Trial:
    """Return the trial with the least error among those with about as many segments as are true.

    Errors hardly differ between a timeline that is too coarse and one that is too fine, and what
    a person sees of it is its segments. Where no trial has them, the least error alone decides.
    """
    least, most = SEGMENT_RATIOS
    fitting = [trial for trial in trials if least <= trial.segment_ratio <= most]
    return min(fitting or trials, key=lambda trial: trial.error)


def fit_inverse_temperature(
    recordings: SimulatedRecordings, rate: float, candidate: Candidate
) -> float:
    """Return the inverse temperature with the least log loss of the true emotions."""
    count = int(np.searchsorted(np.cumsum(recordings.lengths), CALIBRATION_FRAMES)) + 1
    lengths = recordings.lengths[:count]
    few = np.s_[: lengths.max(), :count]
    labels, mask = recordings.labels[few].astype(np.intp), recordings.mask[few]
    scores = candidate.scores(recordings, rate)[few].astype(np.float64)
    composite = candidate.composite(scores.shape[2], rate)
    losses = []
    for power in INVERSE_TEMPERATURES:
        probabilities = posteriors(apply_temperature(composite, power), power * scores, lengths)
        losses.append(log_loss(probabilities[mask], labels[mask]))
    return INVERSE_TEMPERATURES[int(np.argmin(losses))]


def fit_median_width(recordings: SimulatedRecordings, rate: float) -> float:
    """Return the width of the median filter with the least error, in seconds."""
    errors = []
    for width in MEDIAN_WIDTHS:
        wrong = 0
        for column, length in enumerate(recordings.lengths):
            logits = recordings.frame_logits[:length, column] * np.float32(recordings.logit_std)
            labels = median_labels(logits, rate, width)
            wrong += int(np.count_nonzero(labels != recordings.labels[:length, column]))
        errors.append(wrong)
    return MEDIAN_WIDTHS[int(np.argmin(errors))]
