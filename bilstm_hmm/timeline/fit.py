"""Fitting the timeline on training speakers: turns composed of outputs for clips held out.

The clips of one speaker are strung together as in `data.joined`, as what the network and the HMMs
said of them out of fold, without audio and without pauses. What gives the least error on these
turns is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.config.schema import TimelineSettings
from bilstm_hmm.data.synthesis.concatenated import draw_turns
from bilstm_hmm.features.frames import FloatArray
from bilstm_hmm.numerics import log_loss
from bilstm_hmm.timeline.composite_hmm import (
    CompositeHmm,
    apply_temperature,
    build_composite,
)
from bilstm_hmm.timeline.decoding import posteriors, viterbi
from bilstm_hmm.timeline.median_filter import median_labels
from bilstm_hmm.timeline.parameters import TimelineParameters

Indices = NDArray[np.intp]
Labels = NDArray[np.int8]

#: Recordings a speaker, and the frames after which no further one is composed.
RECORDINGS = 4
MOST_FRAMES = 80_000
#: Standard deviations that a second of speech weighs, and the share of the HMMs in them.
STRENGTHS = (2.0, 4.0, 8.0, 16.0, 32.0)
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
DWELLS = (2.0, 4.0, 8.0)
MINIMA = (0.4, 0.8, 1.2)
#: Segments found over true ones that are about right.
RATIOS = (0.9, 1.1)
WIDTHS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
#: Powers of the paths' probabilities, and the frames that suffice to choose one of them.
SURENESSES = (1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625)
ENOUGH_FRAMES = 8_000
#: Numbers of frames x recordings x emotions that are decoded at once.
_AT_ONCE = 3_000_000
TOO_FEW = (
    "The timeline keeps its fixed defaults: no training speaker has clips of two emotions to fit "
    "them on."
)


@dataclass(frozen=True, slots=True)
class SimulatedRecordings:
    """N composed recordings, each as long as the longest, T frames.

    Attributes
    ----------
    logits, told
        Frame logits and HMM log-likelihoods, each centred over the emotions and in units of its
        standard deviation, float32 ``[T, N, E]``; zero behind the end of a recording.
    truth
        int8 ``[T, N]``, -1 behind the end.
    lengths
        Frames of each, ``[N]``.
    units
        The standard deviations of logits and told.
    """

    logits: FloatArray
    told: FloatArray
    truth: Labels
    lengths: Indices
    units: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A setting of the composite HMM: the share of frames that it has wrong, and segment ratio."""

    fitted: tuple[float, float, float, float]
    error: float
    ratio: float


def fit_timeline(
    logits: Sequence[FloatArray],
    told: Sequence[NDArray[np.floating]],
    labels: Indices,
    speakers: Indices,
    classes: Sequence[str],
    rate: float,
    settings: TimelineSettings,
    seed: int,
) -> TimelineParameters | None:
    """Fit weights, durations and the median filter's width; None where no turns can be composed.

    Parameters
    ----------
    logits, told
        Out-of-fold frame logits and HMM log-likelihoods of each clip, ``[T, E]``.
    labels, speakers
        Of each clip, ``[N]``.
    rate
        Frames a second.
    settings
        A duration that is not None is taken as it is.
    """
    turns = simulate_recordings(logits, told, labels, speakers, classes, seed)
    if turns is None:
        return None
    best = select(grid_search(turns, rate, settings))
    strength, share, dwell, minimum = best.fitted
    return TimelineParameters(
        logit_weight=strength * (1.0 - share) / rate / turns.units[0],
        hmm_weight=strength * share / rate / turns.units[1],
        expected_duration=dwell,
        min_duration=minimum,
        inverse_temperature=fit_inverse_temperature(turns, rate, best),
        median_width=fit_median_width(turns, rate),
    )


def simulate_recordings(
    logits: Sequence[FloatArray],
    told: Sequence[NDArray[np.floating]],
    labels: Indices,
    speakers: Indices,
    classes: Sequence[str],
    seed: int,
) -> SimulatedRecordings | None:
    """Compose recordings of every speaker in turn; None where no speaker has two emotions."""
    drawn = _drawn(logits, labels, speakers, classes, seed)
    if not drawn:
        return None
    lengths = np.array([sum(len(logits[row]) for row in rows) for rows in drawn])
    shape = (int(lengths.max()), len(drawn))
    truth = np.full(shape, -1, np.int8)
    for place, rows in enumerate(drawn):
        own = np.repeat(labels[rows], [len(logits[row]) for row in rows])
        truth[: len(own), place] = own
    placed, units = [], []
    for source in (logits, told):
        joined = np.zeros((*shape, len(classes)), np.float32)
        for place, rows in enumerate(drawn):
            values = np.concatenate([source[row] for row in rows])
            joined[: len(values), place] = values - values.mean(axis=1, keepdims=True)
        units.append(max(float(joined[truth >= 0].std()), 1e-6))
        placed.append(joined / np.float32(units[-1]))
    return SimulatedRecordings(placed[0], placed[1], truth, lengths, (units[0], units[1]))


def _drawn(
    logits: Sequence[FloatArray],
    labels: Indices,
    speakers: Indices,
    classes: Sequence[str],
    seed: int,
) -> list[list[int]]:
    """The clips of each recording: one of every speaker, then another, while there is room."""
    clips_of = []
    for speaker in np.unique(speakers):
        own = np.flatnonzero(speakers == speaker)
        found = {classes[e]: own[labels[own] == e].tolist() for e in np.unique(labels[own])}
        if len(found) > 1:
            clips_of.append(found)
    rng = np.random.default_rng(seed)
    drawn: list[list[int]] = []
    frames = 0
    for _ in range(RECORDINGS):
        for found in clips_of:
            if frames < MOST_FRAMES:
                rows = [row for turn in draw_turns(found, rng) for row in turn.clips]
                drawn.append(rows)
                frames += sum(len(logits[row]) for row in rows)
    return drawn


def grid_search(
    turns: SimulatedRecordings, rate: float, settings: TimelineSettings
) -> list[Candidate]:
    """Try every setting of the composite HMM's weights and durations."""
    dwells = DWELLS if settings.expected_duration is None else (settings.expected_duration,)
    minima = MINIMA if settings.min_duration is None else (settings.min_duration,)
    weights = list(product(STRENGTHS, SHARES))
    at_once = max(1, _AT_ONCE // turns.logits.size)
    found = []
    for first in range(0, len(weights), at_once):
        some = weights[first : first + at_once]
        evidence = np.concatenate([_evidence(turns, rate, *weight) for weight in some], axis=1)
        lengths = np.tile(turns.lengths, len(some))
        for dwell, minimum in product(dwells, minima):
            paths = viterbi(_composite(turns, rate, dwell, minimum), evidence, lengths)
            for weight, path in zip(some, np.split(paths, len(some), axis=1), strict=True):
                found.append(
                    Candidate(
                        (*weight, dwell, minimum), *error_and_segment_ratio(path, turns.truth)
                    )
                )
    return found


def _evidence(turns: SimulatedRecordings, rate: float, strength: float, share: float) -> FloatArray:
    mixed = (1.0 - share) * turns.logits + share * turns.told
    evidence: FloatArray = np.float32(strength / rate) * mixed
    return evidence


def _composite(
    turns: SimulatedRecordings, rate: float, dwell: float, minimum: float
) -> CompositeHmm:
    emotions = turns.logits.shape[2]
    even = np.full(emotions, 1.0 / emotions)
    durations = TimelineSettings(expected_duration=dwell, min_duration=minimum)
    return build_composite(even, rate, durations)


def error_and_segment_ratio(paths: NDArray[np.integer], truth: Labels) -> tuple[float, float]:
    """Return the share of frames that are wrong, and the segments found over those true.

    Every frame is spoken, and so the share of wrong frames is the EDER.
    """
    spoken = truth >= 0
    wrong = float((paths != truth)[spoken].mean())
    both = spoken[1:]
    segments = [
        len(labels[0]) + np.count_nonzero((labels[1:] != labels[:-1])[both])
        for labels in (paths, truth)
    ]
    return wrong, segments[0] / segments[1]


def select(found: Sequence[Candidate]) -> Candidate:
    """Return the trial with the least error among those that find about as many segments as true.

    Errors hardly differ between a timeline that is too coarse and one that is too fine, and what
    a person sees of it is its segments. Where no trial does, the least error alone decides.
    """
    fit = [trial for trial in found if RATIOS[0] <= trial.ratio <= RATIOS[1]]
    return min(fit or found, key=lambda trial: trial.error)


def fit_inverse_temperature(turns: SimulatedRecordings, rate: float, trial: Candidate) -> float:
    """Return the inverse temperature with the least log loss of the true emotions."""
    strength, share, dwell, minimum = trial.fitted
    count = int(np.searchsorted(np.cumsum(turns.lengths), ENOUGH_FRAMES)) + 1
    lengths = turns.lengths[:count]
    scores = _evidence(turns, rate, strength, share)[: lengths.max(), :count].astype(np.float64)
    truth = turns.truth[: lengths.max(), :count]
    composite = _composite(turns, rate, dwell, minimum)
    losses = []
    for power in SURENESSES:
        tempered = apply_temperature(composite, power)
        probabilities = posteriors(tempered, power * scores, lengths)[truth >= 0]
        losses.append(log_loss(probabilities, truth[truth >= 0].astype(np.intp)))
    return SURENESSES[int(np.argmin(losses))]


def fit_median_width(turns: SimulatedRecordings, rate: float) -> float:
    """Return the width of the median filter with the least error, in seconds."""
    errors = []
    for width in WIDTHS:
        wrong = 0
        for place, length in enumerate(turns.lengths):
            frame = turns.logits[:length, place] * np.float32(turns.units[0])
            said = median_labels(frame, rate, width)
            wrong += int(np.count_nonzero(said != turns.truth[:length, place]))
        errors.append(wrong)
    return WIDTHS[int(np.argmin(errors))]
