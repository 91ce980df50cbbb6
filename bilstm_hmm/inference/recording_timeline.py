"""From the evidence of a recording to its segments: who feels what from when to when."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.arrays import FloatArray
from bilstm_hmm.hmm.fusion import probabilities
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.scoring import RecordingScores, ScoredRecording
from bilstm_hmm.prediction import Curves, Segment
from bilstm_hmm.timeline.composite_hmm import (
    CompositeHmm,
    apply_temperature,
    build_composite,
    emotion_posteriors,
    log_prior,
    viterbi,
)
from bilstm_hmm.timeline.decoding import best_paths, posteriors
from bilstm_hmm.timeline.parameters import TimelineParameters
from bilstm_hmm.timeline.segments import merge_segments

FloatMatrix = NDArray[np.float64]

#: Frames that are decoded at once. Before the context on either side of a part ends, all best
#: paths have long met, so that a recording of hours is decoded part by part.
CHUNK_FRAMES = 4096
CONTEXT_FRAMES = 2048

#: For a model whose turns were not fitted: about what is fitted where there are speakers for it.
USUAL_STRENGTH, USUAL_DWELL, USUAL_MINIMUM = 10.0, 2.0, 1.2


@dataclass(frozen=True, slots=True)
class WeightedScores:
    """What a timeline is decoded from; T frames, E emotions.

    Attributes
    ----------
    evidence
        ``[T, E]``: what each frame says for each emotion, the log-likelihood of
        `bilstm_hmm.hmm.bank.score_frames` or the frame's logits, times a weight.
    composite
        The composite HMM.
    sureness
        Of the confidences, see `bilstm_hmm.timeline.composite_hmm.apply_temperature`.
    """

    evidence: NDArray[np.floating]
    composite: CompositeHmm
    sureness: float = 1.0


@dataclass(frozen=True, slots=True)
class Timeline:
    """The segments of a recording, and the probabilities over time that they come from."""

    segments: tuple[Segment, ...]
    curves: Curves


def timelines(
    bundle: Bundle,
    recordings: Sequence[ScoredRecording],
    posteriors: Sequence[FloatMatrix],
    durations: Sequence[float],
) -> list[Timeline]:
    """Return the timeline of each recording.

    Parameters
    ----------
    posteriors
        The probabilities of each recording's label, ``[C]``.
    durations
        Of the recordings, in seconds.
    """
    utterances = [index for index, scored in enumerate(recordings) if scored.segments is None]
    results = dict(
        zip(
            utterances,
            utterance_timelines(
                bundle,
                [recordings[index].whole for index in utterances],
                [posteriors[index] for index in utterances],
                [durations[index] for index in utterances],
            ),
            strict=True,
        )
    )
    for index, (scored, duration) in enumerate(zip(recordings, durations, strict=True)):
        if scored.segments is not None:
            results[index] = recording_timeline(bundle, scored.segments, duration)
    return [results[index] for index in range(len(recordings))]


def utterance_timelines(
    bundle: Bundle,
    heard: Sequence[RecordingScores],
    shares: Sequence[FloatMatrix],
    durations: Sequence[float],
) -> list[Timeline]:
    """Return segments and curves of recordings that the network takes in one piece each.

    They go by the label: what the decision knows beyond the HMMs is the prior, and the evidence
    is the HMMs' own, weighed so that ``timeline.evidence`` seconds, or all of a shorter
    recording, tell as much as a calibrated utterance.

    Parameters
    ----------
    shares
        The probabilities of each label, ``[C]``.
    durations
        Of the recordings, in seconds.
    """
    if not heard:
        return []
    settings = bundle.recipe.timeline
    lengths = np.array([len(e.frame_log_likelihoods) for e in heard])
    weighed = np.zeros((int(lengths.max()), len(heard), len(bundle.classes)))
    entries = np.zeros(weighed.shape[1:])
    for row, (evidence, own) in enumerate(zip(heard, shares, strict=True)):
        alone = probabilities(
            bundle.decision, evidence.clip_logits, evidence.mean_log_likelihoods, "hmm"
        )
        frames = min(settings.evidence * evidence.rate, len(evidence.frame_log_likelihoods))
        weighed[: lengths[row], row] = evidence.frame_log_likelihoods * (
            float(bundle.decision.hmm_inverse_temperature) / frames
        )
        entries[row] = log_prior(own / np.maximum(alone, 1e-3))
    composite = build_composite(np.ones(len(bundle.classes)), heard[0].rate, settings)
    paths = best_paths(composite, weighed, lengths, entries)
    likely = posteriors(composite, weighed, lengths, entries).astype(np.float32)
    return [
        _joined(bundle, [e], paths[:length, row].astype(np.intp), likely[:length, row], duration)
        for row, (e, length, duration) in enumerate(zip(heard, lengths, durations, strict=True))
    ]


def recording_timeline(
    bundle: Bundle, phrases: Sequence[RecordingScores], duration: float
) -> Timeline:
    """Return segments and curves of a recording that may hold several emotions.

    What it is labelled says nothing of each of its turns, nor what was said before a long silence
    of what follows it.

    Parameters
    ----------
    phrases
        Of `bilstm_hmm.inference.speech_segments`, in order; without any, nobody speaks.
    duration
        Of the recording, in seconds.
    """
    weights, composite = timeline_parameters(bundle), recording_composite(bundle)
    paths, likely = [np.zeros(0, np.intp)], [np.zeros((0, len(bundle.classes)), np.float32)]
    for section in split_at_silence(phrases, bundle.recipe.timeline.silence):
        rows = [
            weights.combine_scores(phrase.frame_logits, phrase.frame_log_likelihoods)
            for phrase in section
        ]
        weighed = WeightedScores(np.concatenate(rows), composite, weights.inverse_temperature)
        for _, path, shares in decode(weighed):
            paths.append(path)
            likely.append(shares.astype(np.float32))
    return _joined(bundle, phrases, np.concatenate(paths), np.concatenate(likely), duration)


def split_at_silence(
    phrases: Sequence[RecordingScores], silence: float
) -> Iterator[list[RecordingScores]]:
    """Yield the phrases between one silence of `silence` seconds or more and the next."""
    section: list[RecordingScores] = []
    for phrase in phrases:
        if section and phrase.start - section[-1].end >= silence:
            yield section
            section = []
        section.append(phrase)
    if section:
        yield section


def timeline_parameters(bundle: Bundle) -> TimelineParameters:
    """Return the weights of turns: those fitted on the training speakers, else usual ones.

    What is fitted makes a frame count about ten times as much as in a calibrated utterance, and
    takes that back in the confidences.
    """
    if bundle.timeline is not None:
        return bundle.timeline
    recipe = bundle.recipe
    frames = recipe.timeline.evidence * recipe.output_rate
    weight = USUAL_STRENGTH * float(bundle.decision.hmm_inverse_temperature) / frames
    return TimelineParameters(
        logit_weight=0.0,
        hmm_weight=weight,
        expected_duration=USUAL_DWELL,
        min_duration=USUAL_MINIMUM,
        inverse_temperature=1.0 / USUAL_STRENGTH,
        median_width=1.0,
    )


def recording_composite(bundle: Bundle) -> CompositeHmm:
    """Return the composite HMM of turns, before which all emotions are as likely."""
    emotions = len(bundle.classes)
    settings = timeline_parameters(bundle).with_durations(bundle.recipe.timeline)
    return build_composite(np.full(emotions, 1.0 / emotions), bundle.recipe.output_rate, settings)


def _joined(
    bundle: Bundle,
    heard: Sequence[RecordingScores],
    path: NDArray[np.intp],
    likely: FloatArray,
    duration: float,
) -> Timeline:
    pieces = [scores.interval(duration) for scores in heard]
    silence = bundle.recipe.timeline.silence
    found = merge_segments(pieces, path, likely, bundle.classes, silence, duration)
    times = np.concatenate([np.zeros(0), *(piece.times() for piece in pieces)])
    return Timeline(found, Curves(times, likely))


def decode(weighed: WeightedScores) -> Iterator[tuple[slice, NDArray[np.intp], FloatMatrix]]:
    """Yield frames, the emotion of each on the best path, and the probability of each emotion."""
    composite, sureness = weighed.composite, weighed.sureness
    count, calmer = len(weighed.evidence), apply_temperature(composite, sureness)
    for first in range(0, count, CHUNK_FRAMES):
        last = min(first + CHUNK_FRAMES, count)
        before, behind = max(0, first - CONTEXT_FRAMES), min(count, last + CONTEXT_FRAMES)
        densities = weighed.evidence[before:behind, :, None].astype(np.float64)
        core = slice(first - before, last - before)
        path = viterbi(composite, densities)[core]
        yield slice(first, last), path, emotion_posteriors(calmer, sureness * densities)[core]
