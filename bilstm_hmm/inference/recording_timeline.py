"""From the scores of a recording to its timeline: which emotion from when to when."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.arrays import FloatArray, FloatMatrix, Indices
from bilstm_hmm.hmm.fusion import probabilities
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.scoring import RecordingScores, ScoredRecording
from bilstm_hmm.prediction import Curves, Segment
from bilstm_hmm.timeline.composite_hmm import (
    CompositeHmm,
    apply_temperature,
    build_composite,
    log_prior,
)
from bilstm_hmm.timeline.decoding import posteriors, viterbi
from bilstm_hmm.timeline.parameters import TimelineParameters
from bilstm_hmm.timeline.segments import merge_segments

#: Frames that are decoded at once. Before the context on either side of a chunk ends, all best
#: paths have long met, so that a recording of hours is decoded chunk by chunk.
CHUNK_FRAMES = 4096
CONTEXT_FRAMES = 2048

#: For a model whose timeline was not fitted: about what is fitted where there are speakers for it.
DEFAULT_STRENGTH, DEFAULT_DURATION, DEFAULT_MIN_DURATION = 10.0, 2.0, 1.2


@dataclass(frozen=True, slots=True)
class Timeline:
    """The segments of a recording, and the probabilities over time that they come from."""

    segments: tuple[Segment, ...]
    curves: Curves


def timelines(
    bundle: Bundle,
    recordings: Sequence[ScoredRecording],
    labels: Sequence[FloatMatrix],
    durations: Sequence[float],
) -> list[Timeline]:
    """Return the timeline of each recording.

    Parameters
    ----------
    labels
        The probabilities of the emotions in each recording as a whole, ``[C]``.
    durations
        Of the recordings, in seconds.
    """
    utterances = [index for index, scored in enumerate(recordings) if scored.segments is None]
    decoded = utterance_timelines(
        bundle,
        [recordings[index].whole for index in utterances],
        [labels[index] for index in utterances],
        [durations[index] for index in utterances],
    )
    results = dict(zip(utterances, decoded, strict=True))
    for index, (scored, duration) in enumerate(zip(recordings, durations, strict=True)):
        if scored.segments is not None:
            results[index] = recording_timeline(bundle, scored.segments, duration)
    return [results[index] for index in range(len(recordings))]


def utterance_timelines(
    bundle: Bundle,
    utterances: Sequence[RecordingScores],
    labels: Sequence[FloatMatrix],
    durations: Sequence[float],
) -> list[Timeline]:
    """Return the timelines of recordings that the network takes in one piece each.

    They go by the label: what the fusion knows beyond the HMMs is the prior, and the scores are the
    HMMs' own, weighted so that ``timeline.utterance_duration`` seconds, or all of a shorter
    recording, count as much as a calibrated utterance. `labels` and `durations` as in `timelines`.
    """
    if not utterances:
        return []
    settings, fusion = bundle.recipe.timeline, bundle.decision
    lengths = np.array([len(scores.frame_logits) for scores in utterances])
    weighted = np.zeros((int(lengths.max()), len(utterances), len(bundle.classes)))
    entries = np.zeros(weighted.shape[1:])
    for column, (scores, label) in enumerate(zip(utterances, labels, strict=True)):
        by_hmms = probabilities(fusion, scores.clip_logits, scores.mean_log_likelihoods, "hmm")
        frames = min(settings.utterance_duration * scores.rate, lengths[column])
        weight = float(fusion.hmm_inverse_temperature) / frames
        weighted[: lengths[column], column] = scores.frame_log_likelihoods * weight
        entries[column] = log_prior(label / np.maximum(by_hmms, 1e-3))
    composite = build_composite(np.ones(len(bundle.classes)), utterances[0].rate, settings)
    paths = viterbi(composite, weighted, lengths, entries)
    curves = posteriors(composite, weighted, lengths, entries).astype(np.float32)
    return [
        _merge(bundle, [scores], paths[:length, n], curves[:length, n], duration)
        for n, (scores, length, duration) in enumerate(
            zip(utterances, lengths, durations, strict=True)
        )
    ]


def recording_timeline(
    bundle: Bundle, segments: Sequence[RecordingScores], duration: float
) -> Timeline:
    """Return the timeline of a recording that may hold several emotions.

    Its label says nothing of each of its emotions, nor what was said before a long silence of what
    follows it.

    Parameters
    ----------
    segments
        Scores of the speech segments, in order; without any, nobody speaks.
    duration
        Of the recording, in seconds.
    """
    parameters, composite = timeline_parameters(bundle), recording_composite(bundle)
    paths, curves = [np.zeros(0, np.intp)], [np.zeros((0, len(bundle.classes)), np.float32)]
    for section in split_at_silence(segments, bundle.recipe.timeline.min_silence_segment):
        scores = [
            parameters.combine_scores(segment.frame_logits, segment.frame_log_likelihoods)
            for segment in section
        ]
        for path, probability in decode(
            composite, np.concatenate(scores), parameters.inverse_temperature
        ):
            paths.append(path)
            curves.append(probability.astype(np.float32))
    return _merge(bundle, segments, np.concatenate(paths), np.concatenate(curves), duration)


def split_at_silence(
    segments: Sequence[RecordingScores], silence: float
) -> Iterator[list[RecordingScores]]:
    """Yield the segments between one silence of `silence` seconds or more and the next."""
    section: list[RecordingScores] = []
    for segment in segments:
        if section and segment.start - section[-1].end >= silence:
            yield section
            section = []
        section.append(segment)
    if section:
        yield section


def timeline_parameters(bundle: Bundle) -> TimelineParameters:
    """Return the parameters that were fitted on the training speakers, else usual ones.

    What is fitted makes a frame count about ten times as much as in a calibrated utterance, and
    takes that back in the confidences.
    """
    if bundle.timeline is not None:
        return bundle.timeline
    recipe = bundle.recipe
    frames = recipe.timeline.utterance_duration * recipe.output_rate
    weight = DEFAULT_STRENGTH * float(bundle.decision.hmm_inverse_temperature) / frames
    return TimelineParameters(
        logit_weight=0.0,
        hmm_weight=weight,
        expected_duration=DEFAULT_DURATION,
        min_duration=DEFAULT_MIN_DURATION,
        inverse_temperature=1.0 / DEFAULT_STRENGTH,
        median_width=1.0,
    )


def recording_composite(bundle: Bundle) -> CompositeHmm:
    """Return the composite HMM of a recording, in which all emotions are as likely at first."""
    emotions = len(bundle.classes)
    settings = timeline_parameters(bundle).with_durations(bundle.recipe.timeline)
    return build_composite(np.full(emotions, 1.0 / emotions), bundle.recipe.output_rate, settings)


def decode(
    composite: CompositeHmm, scores: NDArray[np.floating], inverse_temperature: float = 1.0
) -> Iterator[tuple[Indices, FloatMatrix]]:
    """Yield the best path and the probability of each emotion, ``[T']`` and ``[T', E]`` at a time.

    Parameters
    ----------
    scores
        ``[T, E]``: the log-likelihoods of `bilstm_hmm.hmm.bank.score_frames` or the frames' logits,
        times a weight.
    inverse_temperature
        Of the probabilities, see `bilstm_hmm.timeline.composite_hmm.apply_temperature`.
    """
    tempered = apply_temperature(composite, inverse_temperature)
    for first in range(0, len(scores), CHUNK_FRAMES):
        last = min(first + CHUNK_FRAMES, len(scores))
        start, stop = max(0, first - CONTEXT_FRAMES), min(len(scores), last + CONTEXT_FRAMES)
        chunk = scores[start:stop, None].astype(np.float64)
        core = slice(first - start, last - start)
        path = viterbi(composite, chunk)[core, 0]
        yield path, posteriors(tempered, inverse_temperature * chunk)[core, 0]


def _merge(
    bundle: Bundle,
    segments: Sequence[RecordingScores],
    path: Indices,
    curves: FloatArray,
    duration: float,
) -> Timeline:
    intervals = [segment.interval(duration) for segment in segments]
    silence = bundle.recipe.timeline.min_silence_segment
    merged = merge_segments(intervals, path, curves, bundle.classes, silence, duration)
    times = np.concatenate([np.zeros(0), *(interval.times() for interval in intervals)])
    return Timeline(merged, Curves(times, curves))
