"""The emotions of successive speech segments: a hidden Markov model whose steps are segments.

A state is an emotion. What a segment tells of the emotions is its log probabilities, as of an
utterance of its own, times a weight. Between two segments the emotion may have changed: once in
`expected_duration` seconds on average, to any of them alike, so that with t seconds from the middle
of one to that of the next it is still the same with probability ``exp(-t / expected_duration)``
and otherwise drawn anew. Where in a pause it changes is of no interest and costs nothing.

A recording of one emotion throughout is a model of its own, as likely beforehand as one of changing
emotions: the HMM would change wherever a segment is doubtful. Which of the two a recording follows
is for all its segments together to say, by how likely each model makes what they tell (MacKay,
"Bayesian interpolation", 1992).

Confidences are those of paths whose probabilities are taken to a power below one: segments of one
voice are right or wrong together, and what counts as many independent ones is in truth fewer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bilstm_hmm.arrays import FloatMatrix, Indices
from bilstm_hmm.numerics import softmax

#: Seconds that an emotion is expected to last, where nothing says otherwise.
EXPECTED_DURATION = 3.0
#: What a segment's log probabilities count, and the power of the paths' probabilities.
EVIDENCE_WEIGHT = 3.0
INVERSE_TEMPERATURE = 0.25
#: Silence beyond so many seconds tells no more of a change than that.
MAX_GAP = 5.0
#: Silence of so many seconds ends a section: what was before it is decided without what follows.
SECTION_SILENCE = 12.0
LEAST_PROBABILITY = 1e-6


@dataclass(frozen=True, slots=True)
class SegmentEvidence:
    """A speech segment: where it lies, in seconds, and its log score for each emotion, ``[E]``."""

    start: float
    end: float
    log_scores: FloatMatrix


def segment_evidence(start: float, end: float, probabilities: FloatMatrix) -> SegmentEvidence:
    """Return what a segment tells, given its probabilities as an utterance, ``[E]``."""
    log_scores = EVIDENCE_WEIGHT * np.log(np.maximum(probabilities, LEAST_PROBABILITY))
    return SegmentEvidence(start, end, log_scores)


@dataclass(frozen=True, slots=True)
class SegmentHmm:
    """The model of E emotions; `expected_duration` in seconds."""

    n_emotions: int
    expected_duration: float = EXPECTED_DURATION

    def log_transition(self, left: SegmentEvidence, right: SegmentEvidence) -> FloatMatrix:
        """Return the log probability of each emotion in `right` given `left`'s, ``[E, E]``."""
        gap = min(max(right.start - left.end, 0.0), MAX_GAP)
        time = gap + 0.5 * (left.end - left.start + right.end - right.start)
        same = np.exp(-time / self.expected_duration)
        changed = np.full((self.n_emotions, self.n_emotions), (1.0 - same) / self.n_emotions)
        matrix: FloatMatrix = np.log(changed + same * np.eye(self.n_emotions))
        return matrix


@dataclass(frozen=True, slots=True)
class Carried:
    """What goes before the next segment: the last decided one, its emotion, and the forward scores.

    Attributes
    ----------
    segment
        The last segment that is decided.
    emotion
        Its emotion on the path.
    log_forward
        ``[E]``: tempered log scores of all paths up to it.
    """

    segment: SegmentEvidence
    emotion: int
    log_forward: FloatMatrix


def viterbi(
    hmm: SegmentHmm, segments: Sequence[SegmentEvidence], carried: Carried | None = None
) -> Indices:
    """Return the emotion of each segment on the best path (Viterbi, 1967), ``[N]``."""
    scores, origins = _best_scores(hmm, segments, carried)
    return _backtrack(origins, int(scores.argmax())) if len(segments) else np.zeros(0, np.intp)


def decode_recording(
    hmm: SegmentHmm, segments: Sequence[SegmentEvidence]
) -> tuple[Indices, FloatMatrix]:
    """Return the emotion of each segment of a recording ``[N]``, and its probabilities ``[N, E]``.

    Of one emotion throughout where that is the likelier of the two, else by the HMM.
    """
    if len(segments) < 2 or log_bayes_factor(hmm, segments) < 0.0:
        return decode_sections(hmm, segments)
    total = np.sum([segment.log_scores for segment in segments], axis=0)
    shape = (len(segments), hmm.n_emotions)
    path = np.full(len(segments), int(total.argmax()), np.intp)
    # Right or wrong together, n segments count as much as their root would if each were alone.
    power = INVERSE_TEMPERATURE / np.sqrt(len(segments))
    return path, np.broadcast_to(softmax(power * total), shape)


def log_bayes_factor(hmm: SegmentHmm, segments: Sequence[SegmentEvidence]) -> float:
    """Return the log evidence for one emotion throughout less that for changing emotions."""
    likelihoods = np.stack([segment.log_scores for segment in segments]) / EVIDENCE_WEIGHT
    n_emotions = np.log(hmm.n_emotions)
    throughout = np.logaddexp.reduce(likelihoods.sum(axis=0)) - n_emotions
    forward = likelihoods[0] - n_emotions
    for (left, right), likelihood in zip(pairwise(segments), likelihoods[1:], strict=True):
        step = forward[:, None] + hmm.log_transition(left, right)
        forward = np.logaddexp.reduce(step, axis=0) + likelihood
    return float(throughout - np.logaddexp.reduce(forward))


def decode_sections(
    hmm: SegmentHmm, segments: Sequence[SegmentEvidence]
) -> tuple[Indices, FloatMatrix]:
    """Return the emotion of each segment of a recording ``[N]``, and its probabilities ``[N, E]``.

    One section after another, each with what was before it.
    """
    paths, probabilities = [np.zeros(0, np.intp)], [np.zeros((0, hmm.n_emotions))]
    carried: Carried | None = None
    for section in split_at_silence(segments):
        paths.append(viterbi(hmm, section, carried))
        probabilities.append(posteriors(hmm, section, carried))
        carried = carry_on(hmm, section, paths[-1], carried)
    return np.concatenate(paths), np.concatenate(probabilities)


def split_at_silence(segments: Sequence[SegmentEvidence]) -> Iterator[list[SegmentEvidence]]:
    """Yield the segments between one silence of `SECTION_SILENCE` seconds and the next."""
    section: list[SegmentEvidence] = []
    for segment in segments:
        if section and segment.start - section[-1].end >= SECTION_SILENCE:
            yield section
            section = []
        section.append(segment)
    if section:
        yield section


def carry_on(
    hmm: SegmentHmm,
    segments: Sequence[SegmentEvidence],
    path: Indices,
    carried: Carried | None = None,
) -> Carried:
    """Return what goes before the segments that follow `segments`, whose emotions are `path`."""
    forward = forward_scores(hmm, segments, carried)
    return Carried(segments[-1], int(path[-1]), forward[-1])


def stable_prefix(
    hmm: SegmentHmm, segments: Sequence[SegmentEvidence], carried: Carried | None = None
) -> Indices:
    """Return the emotions of the first segments on which all best paths agree, ``[M]``.

    Nothing that is still to come can change them. The last segment is never among them.
    """
    if len(segments) < 2:
        return np.zeros(0, np.intp)
    _, origins = _best_scores(hmm, segments, carried)
    paths = np.stack([_backtrack(origins, emotion) for emotion in range(hmm.n_emotions)])
    agreed = (paths == paths[0]).all(axis=0)
    return paths[0, : int(np.argmin(agreed))]


def posteriors(
    hmm: SegmentHmm, segments: Sequence[SegmentEvidence], carried: Carried | None = None
) -> FloatMatrix:
    """Return the probability of each emotion in each segment, ``[N, E]``.

    By the forward-backward algorithm (Rabiner, 1989), on tempered scores.
    """
    forward = forward_scores(hmm, segments, carried)
    behind = np.zeros_like(forward)
    for index in range(len(segments) - 2, -1, -1):
        ahead = behind[index + 1] + INVERSE_TEMPERATURE * segments[index + 1].log_scores
        step = _tempered(hmm, segments[index], segments[index + 1]) + ahead
        behind[index] = np.logaddexp.reduce(step, axis=1)
    total = forward + behind
    probabilities: FloatMatrix = np.exp(total - np.logaddexp.reduce(total, axis=1)[:, None])
    return probabilities


def forward_scores(
    hmm: SegmentHmm, segments: Sequence[SegmentEvidence], carried: Carried | None = None
) -> FloatMatrix:
    """Return the tempered log scores of all paths up to each segment, ``[N, E]``."""
    forward = np.zeros((len(segments), hmm.n_emotions))
    before = None if carried is None else (carried.segment, carried.log_forward)
    for index, segment in enumerate(segments):
        if before is not None:
            left, scores = before
            step = scores[:, None] + _tempered(hmm, left, segment)
            forward[index] = np.logaddexp.reduce(step, axis=0)
        forward[index] += INVERSE_TEMPERATURE * segment.log_scores
        # Only differences count, and hours would run out of digits.
        forward[index] -= forward[index].max()
        before = segment, forward[index]
    return forward


def _tempered(hmm: SegmentHmm, left: SegmentEvidence, right: SegmentEvidence) -> FloatMatrix:
    return INVERSE_TEMPERATURE * hmm.log_transition(left, right)


def _best_scores(
    hmm: SegmentHmm, segments: Sequence[SegmentEvidence], carried: Carried | None
) -> tuple[FloatMatrix, Indices]:
    """Scores of the best paths to each emotion of the last segment, and where each came from.

    The second is ``[N, E]``; its first row means nothing.
    """
    scores = np.zeros(hmm.n_emotions)
    origins = np.zeros((len(segments), hmm.n_emotions), np.intp)
    left = None
    if carried is not None:
        left = carried.segment
        scores = np.full(hmm.n_emotions, -np.inf)
        scores[carried.emotion] = 0.0
    for index, segment in enumerate(segments):
        if left is not None:
            step = scores[:, None] + hmm.log_transition(left, segment)
            origins[index] = step.argmax(axis=0)
            scores = step.max(axis=0)
        scores = scores + segment.log_scores
        scores -= scores.max()
        left = segment
    return scores, origins


def _backtrack(origins: Indices, last: int) -> Indices:
    path = np.empty(len(origins), np.intp)
    for index in range(len(origins) - 1, -1, -1):
        path[index] = last
        last = int(origins[index, last])
    return path
