"""From the evidence of a recording to its segments: who feels what from when to when."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.bundle import Bundle
from bilstm_hmm.config import Recipe, TimelineSettings
from bilstm_hmm.decision import probabilities
from bilstm_hmm.evidence import Evidence
from bilstm_hmm.prediction import Segment
from bilstm_hmm.timeline import Composite, compose, emotion_posteriors, tempered, viterbi
from bilstm_hmm.windows import window_size

FloatMatrix = NDArray[np.float64]

#: Frames that are decoded at once. Before the context on either side of a part ends, all best
#: paths have long met, so that a recording of hours is decoded part by part.
PART = 4096
CONTEXT = 2048


def recording_segments(
    bundle: Bundle, evidence: Evidence, shares: FloatMatrix, duration: float
) -> tuple[Segment, ...]:
    """Return the timeline of a recording, as its model has it.

    A recording that the network takes in one piece is an utterance, whose timeline goes by its
    label; a longer one may hold several emotions, and has the timeline that was fitted on turns
    of the training speakers, where one was.

    Parameters
    ----------
    shares
        The probabilities of its label, ``[C]``.
    duration
        Of the recording, in seconds.
    """
    settings, fitted = bundle.recipe.timeline, bundle.timeline
    if fitted is None or len(evidence.frame) <= longest_utterance(bundle.recipe):
        weighed, prior = _as_labelled(bundle, evidence, shares)
        sureness = 1.0
    else:
        weighed = fitted.evidence(evidence.frame, evidence.told)
        # What a recording is labelled says nothing of each of its turns.
        prior = np.full(len(shares), 1.0 / len(shares))
        settings, sureness = fitted.durations(settings), fitted.sureness
    return segments(
        weighed,
        prior,
        evidence.rate,
        start=min(evidence.start, duration),
        end=min(evidence.end, duration),
        classes=bundle.classes,
        settings=settings,
        sureness=sureness,
    )


def longest_utterance(recipe: Recipe) -> int:
    """Return the output frames up to which a recording is one utterance: those of a window."""
    return window_size(recipe) // recipe.network.stride


def _as_labelled(
    bundle: Bundle, evidence: Evidence, shares: FloatMatrix
) -> tuple[NDArray[np.floating], FloatMatrix]:
    """Evidence of frames and prior of emotions that together say what the label says.

    What the decision knows beyond the HMMs is the prior; the evidence is the HMMs' own, weighed
    so that ``timeline.evidence`` seconds, or all of a shorter recording, tell as much as a
    calibrated utterance.
    """
    decision = bundle.decision
    alone = probabilities(decision, evidence.clip, evidence.scores, "hmm")
    seconds = bundle.recipe.timeline.evidence
    frames_of_evidence = min(seconds * evidence.rate, len(evidence.told))
    weighed = evidence.told * (float(decision.hmm_scale) / frames_of_evidence)
    return weighed, shares / np.maximum(alone, 1e-3)


def segments(
    evidence: NDArray[np.floating],
    prior: FloatMatrix,
    rate: float,
    start: float,
    end: float,
    classes: Sequence[str],
    settings: TimelineSettings,
    sureness: float = 1.0,
) -> tuple[Segment, ...]:
    """Return the emotions of a recording in order of time.

    Parameters
    ----------
    evidence
        ``[T, E]``: what each frame says for each emotion, the log-likelihood of
        `bilstm_hmm.hmm.frame_scores` times a weight.
    prior
        ``[E]``: how likely each emotion is where one begins.
    rate
        Frames a second of the evidence.
    start, end
        Where speech begins and ends in the file, in seconds.
    sureness
        Of the confidences, which are those of `tempered` paths.
    """
    emotions = len(prior)
    composite = compose(np.zeros((emotions, 1)), np.zeros((emotions, 1, 1)), prior, rate, settings)
    path = np.zeros(len(evidence), np.intp)
    share = np.zeros(len(evidence), np.float32)
    for part, best, posteriors in _decoded(composite, evidence, sureness):
        path[part] = best
        share[part] = posteriors
    borders = [0, *(np.flatnonzero(np.diff(path)) + 1).tolist(), len(path)]
    timeline = []
    for first, last in pairwise(borders):
        timeline.append(
            Segment(
                start=start + first / rate,
                end=end if last == len(path) else start + last / rate,
                emotion=classes[int(path[first])],
                confidence=float(share[first:last].mean(dtype=np.float64)),
            )
        )
    return tuple(timeline)


def _decoded(
    composite: Composite, evidence: NDArray[np.floating], sureness: float
) -> Iterator[tuple[slice, NDArray[np.intp], FloatMatrix]]:
    """Yield frames, the emotion of each on the best path, and its probability there."""
    count, calmer = len(evidence), tempered(composite, sureness)
    for first in range(0, count, PART):
        last = min(first + PART, count)
        before, behind = max(0, first - CONTEXT), min(count, last + CONTEXT)
        densities = evidence[before:behind, :, None].astype(np.float64)
        core = slice(first - before, last - before)
        path = viterbi(composite, densities)[core]
        posteriors = emotion_posteriors(calmer, sureness * densities)[core]
        yield slice(first, last), path, posteriors[np.arange(last - first), path]
