"""From the scores of a recording to its answer: label, probabilities, segments and curves.

All four come from the same two things: the emotion of each stretch of speech on the best path, and
the probabilities of all emotions there. The label is what has the largest share of the speaking
time in the segments; the probabilities are their mean over the speaking time.

An utterance has the probabilities of the score fusion. Which emotion is when within it is for the
HMMs to say, with the label as the prior. A recording of several speech segments is decoded segment
by segment (`bilstm_hmm.timeline.segment_hmm`), each with its probabilities as an utterance.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bilstm_hmm.arrays import FloatArray, FloatMatrix, Indices
from bilstm_hmm.confidence.quality_temperature import temper
from bilstm_hmm.hmm.fusion import predict_proba
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.scoring import RecordingScores, ScoredRecording
from bilstm_hmm.prediction import Curves, Segment, speaking_shares
from bilstm_hmm.timeline.composite_hmm import build_composite, log_prior
from bilstm_hmm.timeline.decoding import posteriors, viterbi
from bilstm_hmm.timeline.segment_hmm import (
    EXPECTED_DURATION,
    SegmentEvidence,
    SegmentHmm,
    decode_recording,
    segment_evidence,
)
from bilstm_hmm.timeline.segments import merge_segments, silence_segment

#: By how much the label's probability is above any other, so that it is so in four decimals too.
LEAD = 2e-4
SCALINGS = 50


@dataclass(frozen=True, slots=True)
class Answer:
    """What a recording is answered with; C emotions.

    Attributes
    ----------
    label
        The position of the emotion among the classes; None where nobody speaks.
    probabilities
        ``[C]``; the label's is the largest, and all are zero where nobody speaks.
    segments
        In order, those in which nobody speaks included.
    curves
        The probabilities over time, where they were asked for.
    """

    label: int | None
    probabilities: FloatMatrix
    segments: tuple[Segment, ...]
    curves: Curves | None


def answers(
    bundle: Bundle,
    recordings: Sequence[ScoredRecording],
    durations: Sequence[float],
    curves: bool,
    temperatures: Sequence[float] | None = None,
) -> list[Answer]:
    """Return the answer to each recording; `durations` in seconds, `curves` if there are any.

    `temperatures` above one bring the probabilities of a recording nearer to each other, and leave
    its label and the emotions of its segments.
    """
    if temperatures is None:
        temperatures = [1.0] * len(recordings)
    utterances = [index for index, scored in enumerate(recordings) if scored.is_utterance]
    labelled = _utterance_answers(
        bundle,
        [recordings[index].segments[0] for index in utterances],
        [durations[index] for index in utterances],
        [temperatures[index] for index in utterances],
        curves,
    )
    found = dict(zip(utterances, labelled, strict=True))
    for index, (scored, duration) in enumerate(zip(recordings, durations, strict=True)):
        if index not in found:
            found[index] = _recording_answer(
                bundle, scored.segments, duration, temperatures[index], curves
            )
    return [found[index] for index in range(len(recordings))]


def scores_probabilities(bundle: Bundle, scores: RecordingScores) -> FloatMatrix:
    """Return the probabilities of the emotions by the recipe's system, ``[C]``."""
    return predict_proba(
        bundle.fusion,
        scores.clip_logits,
        scores.mean_log_likelihoods,
        bundle.recipe.decision.system,
    )


def segment_hmm(bundle: Bundle) -> SegmentHmm:
    """Return the HMM of the emotions of successive segments."""
    expected = bundle.recipe.timeline.expected_duration
    return SegmentHmm(len(bundle.classes), EXPECTED_DURATION if expected is None else expected)


def evidence_of(bundle: Bundle, scores: RecordingScores) -> SegmentEvidence:
    """Return what a speech segment tells."""
    return segment_evidence(scores.start, scores.end, scores_probabilities(bundle, scores))


def _recording_answer(
    bundle: Bundle,
    segments: Sequence[RecordingScores],
    duration: float,
    temperature: float,
    curves: bool,
) -> Answer:
    """The answer to a recording of several speech segments, or of none."""
    evidence = [evidence_of(bundle, scores) for scores in segments]
    path, posterior = decode_recording(segment_hmm(bundle), evidence)
    counts = [len(scores.frame_logits) for scores in segments]
    posterior = temper(posterior, temperature)
    labels, frames = np.repeat(path, counts), np.repeat(posterior, counts, axis=0)
    return _answer(bundle, segments, labels, frames, duration, curves)


def _utterance_answers(
    bundle: Bundle,
    utterances: Sequence[RecordingScores],
    durations: Sequence[float],
    temperatures: Sequence[float],
    curves: bool,
) -> Iterator[Answer]:
    """The answers to recordings of one utterance each."""
    if not utterances:
        return
    labels = [scores_probabilities(bundle, scores) for scores in utterances]
    decoder = _UtteranceDecoder(bundle, utterances, labels)
    paths = [
        path if _is_most(path, int(label.argmax())) else np.full(len(path), label.argmax())
        for path, label in zip(decoder.paths(), labels, strict=True)
    ]
    # Of a single emotion throughout, what is when need not be known.
    needed = [n for n, path in enumerate(paths) if curves or (path != path[0]).any()]
    frames = dict(zip(needed, decoder.posteriors(needed), strict=True))
    for n, (scores, path, label) in enumerate(zip(utterances, paths, labels, strict=True)):
        mean = temper(label, temperatures[n])
        if n in frames:
            posterior = scale_to_mean(temper(frames[n], temperatures[n]), mean)
        else:
            posterior = np.broadcast_to(mean, (len(path), len(mean)))
        yield _answer(bundle, [scores], path, posterior, durations[n], curves)


class _UtteranceDecoder:
    """Which emotion is when within utterances, by the HMMs' scores and with the label as prior.

    What the fusion knows beyond the HMMs is the prior. The scores are the HMMs' own, weighted so
    that ``timeline.utterance_duration`` seconds, or all of a shorter utterance, count as much as a
    calibrated one.
    """

    def __init__(
        self,
        bundle: Bundle,
        utterances: Sequence[RecordingScores],
        labels: Sequence[FloatMatrix],
    ) -> None:
        settings, fusion = bundle.recipe.timeline, bundle.fusion
        self._lengths = np.array([len(scores.frame_logits) for scores in utterances])
        shape = (int(self._lengths.max()), len(utterances), len(bundle.classes))
        self._scores, self._entries = np.zeros(shape), np.zeros(shape[1:])
        for column, (scores, label) in enumerate(zip(utterances, labels, strict=True)):
            mean = scores.mean_log_likelihoods
            by_hmms = predict_proba(fusion, scores.clip_logits, mean, "hmm")
            length = int(self._lengths[column])
            n_counted = min(settings.utterance_duration * scores.rate, length)
            weight = float(fusion.hmm_inverse_temperature) / n_counted
            self._scores[:length, column] = scores.frame_log_likelihoods * weight
            self._entries[column] = log_prior(label / np.maximum(by_hmms, 1e-3))
        uniform = np.ones(len(bundle.classes))
        self._composite = build_composite(uniform, utterances[0].rate, settings)

    def paths(self) -> list[Indices]:
        """The emotion of each frame of each utterance, ``[T]``."""
        paths = viterbi(self._composite, self._scores, self._lengths, self._entries)
        return [paths[:length, n] for n, length in enumerate(self._lengths)]

    def posteriors(self, chosen: Sequence[int]) -> Iterator[FloatMatrix]:
        """The probabilities at each frame of these by the HMMs and the prior, ``[T, C]``."""
        if not chosen:
            return
        columns = np.array(chosen)
        lengths = self._lengths[columns]
        scores = self._scores[: lengths.max(), columns]
        found = posteriors(self._composite, scores, lengths, self._entries[columns])
        for n, length in enumerate(lengths):
            yield found[:length, n]


def scale_to_mean(posterior: FloatMatrix, mean: FloatMatrix) -> FloatMatrix:
    """Return the nearest probabilities ``[T, C]`` whose mean over time is `mean`, ``[C]``.

    By scaling columns and rows in turn (Deming and Stephan, 1940).
    """
    scaled = np.maximum(posterior, 1e-9)
    for _ in range(SCALINGS):
        factors = mean / scaled.mean(axis=0)
        scaled = scaled * factors
        scaled /= scaled.sum(axis=1, keepdims=True)
        if np.abs(factors - 1.0).max() < 1e-6:
            break
    return scaled


def _is_most(path: Indices, label: int) -> bool:
    """Whether an emotion has more frames than any other."""
    counts = np.bincount(path, minlength=label + 1)
    others = np.delete(counts, label)
    return bool(counts[label] > others.max(initial=0))


def _answer(
    bundle: Bundle,
    scores: Sequence[RecordingScores],
    path: Indices,
    posterior: FloatMatrix,
    duration: float,
    curves: bool,
) -> Answer:
    """The answer that follows from the emotion and the probabilities of each frame of speech."""
    n_emotions = len(bundle.classes)
    if not scores:
        nothing = Curves(np.zeros(0), np.zeros((0, n_emotions), np.float32))
        silent = (silence_segment(0.0, duration),) if duration > 0.0 else ()
        return Answer(None, np.zeros(n_emotions), silent, nothing if curves else None)
    intervals = [segment.interval(duration) for segment in scores]
    silence = bundle.recipe.timeline.min_silence_segment
    segments = merge_segments(intervals, path, posterior, bundle.classes, silence, duration)
    label = largest_share(speaking_shares(segments), bundle.classes)
    # All frames are as long.
    mean = with_largest(posterior.mean(axis=0), label)
    found = None
    if curves:
        times = np.concatenate([interval.times() for interval in intervals])
        found = Curves(times, _float32(posterior))
    return Answer(label, mean, segments, found)


def largest_share(shares: Mapping[str, float], classes: Sequence[str]) -> int:
    """Return the position of the emotion with the largest share; of equal ones the first."""
    return max(range(len(classes)), key=lambda index: shares.get(classes[index], 0.0))


def with_largest(probabilities: FloatMatrix, label: int) -> FloatMatrix:
    """Return the nearest probabilities of which the label's is the largest, ``[C]``.

    Two ways to sum up a recording, by time and by probability, may fall out differently where two
    emotions are about as likely. Those above the label's are then brought to their mean with it.
    """
    result: FloatMatrix = probabilities / probabilities.sum()
    others = [index for index in np.argsort(-result, kind="stable").tolist() if index != label]
    pool = [label]
    for index in others:
        if result[index] + LEAD <= result[pool].mean():
            break
        pool.append(index)
    if len(pool) > 1:
        result[pool] = result[pool].mean()
        result[label] += LEAD * (len(pool) - 1)
        result[pool[1:]] -= LEAD
    return result


def _float32(values: FloatMatrix) -> FloatArray:
    converted: FloatArray = values.astype(np.float32)
    return converted
