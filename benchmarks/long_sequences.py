"""What rounding does to the recursions on long sequences: ``python -m benchmarks.long_sequences``.

The timeline's decoder, the forward algorithm of the HMM bank and its Viterbi against references
that are plain: frame by frame, in logarithms, each frame scaled, an emotion's every age a state of
its own, and sums in extended precision.
"""

import argparse
from dataclasses import dataclass

import numpy as np

from bilstm_hmm.arrays import FloatMatrix, Indices
from bilstm_hmm.config.schema import TimelineSettings
from bilstm_hmm.hmm.bank import HmmBank, bank_from_models, log_densities, score_frames
from bilstm_hmm.hmm.state_path import best_states
from bilstm_hmm.timeline.composite_hmm import CompositeHmm, build_composite
from bilstm_hmm.timeline.decoding import posteriors, viterbi

EMOTIONS, STATES, DIMENSIONS = 3, 2, 4
#: Frames a second, of which the minimum duration is 0.6 s.
RATE = 12.5
_SEED = 20


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of the timeline with its reference.

    Attributes
    ----------
    posteriors
        The largest difference of a probability.
    path_score
        By how much the best path is worse than the reference's, as a share of its log score.
    """

    posteriors: float
    path_score: float


def composite() -> CompositeHmm:
    """Return the model that timelines are compared with."""
    return build_composite(np.array([0.5, 0.3, 0.2]), RATE, TimelineSettings())


def random_scores(n_frames: int, scale: float) -> FloatMatrix:
    """Return log scores ``[T, E]`` of a recording whose emotion changes every 4 s or so."""
    rng = np.random.default_rng(_SEED)
    emotions = rng.integers(0, EMOTIONS, n_frames // 50 + 1).repeat(50)[:n_frames]
    spoken = np.eye(EMOTIONS)[emotions]
    scores: FloatMatrix = scale * (rng.normal(0.0, 1.0, spoken.shape) + spoken - 20.0)
    return scores


def random_bank(n_frames: int, distance: float) -> tuple[HmmBank, FloatMatrix]:
    """Return a bank whose states lie `distance` deviations apart, and a sequence ``[T, D]``."""
    rng = np.random.default_rng(_SEED)
    means = [distance * rng.normal(0.0, 1.0, (STATES, DIMENSIONS)) for _ in range(EMOTIONS)]
    bank = bank_from_models(
        [np.array([0.999, 0.001])] * EMOTIONS,
        [np.array([[0.95, 0.05], [0.1, 0.9]])] * EMOTIONS,
        means,
        [np.tile(np.eye(DIMENSIONS), (STATES, 1, 1))] * EMOTIONS,
    )
    states = rng.integers(0, STATES, n_frames // 20 + 1).repeat(20)[:n_frames]
    return bank, means[0][states] + rng.normal(0.0, 1.0, (n_frames, DIMENSIONS))


def compare_timeline(scores: FloatMatrix) -> Agreement:
    """Return how far posteriors and best path are from the reference's."""
    model = composite()
    found = posteriors(model, scores[:, None])[:, 0]
    expected = reference_posteriors(model, scores)
    best = reference_best_score(model, scores)
    path = viterbi(model, scores[:, None])[:, 0]
    difference = float(best - path_score(model, scores, path))
    return Agreement(float(np.abs(found - expected).max()), difference / abs(float(best)))


def compare_bank(bank: HmmBank, sequence: FloatMatrix) -> float:
    """Return the largest difference of a frame's log-likelihood, as a share of it."""
    (found,) = score_frames(bank, [sequence])
    expected = reference_log_likelihoods(bank, sequence)
    return float((np.abs(found - expected) / np.maximum(np.abs(expected), 1.0)).max())


def compare_states(bank: HmmBank, sequence: FloatMatrix) -> float:
    """Return by what share of its log score the best path is worse than the reference's."""
    densities = log_densities(bank, sequence)[:, 0].astype(np.longdouble)
    transition, start = bank.log_transmat[0], bank.log_startprob[0]
    best = start + densities[0]
    for frame in densities[1:]:
        best = (best[:, None] + transition).max(axis=0) + frame
    path = best_states(bank, sequence, 0)
    steps = transition[path[:-1], path[1:]].astype(np.longdouble).sum()
    found = start[path[0]] + steps + densities[np.arange(len(path)), path].sum()
    return float((best.max() - found) / abs(best.max()))


def reference_log_likelihoods(bank: HmmBank, sequence: FloatMatrix) -> FloatMatrix:
    """Return what `score_frames` does: forward, the probabilities of each frame summing to one."""
    densities = log_densities(bank, sequence)
    state = bank.log_startprob
    totals = np.empty(densities.shape[:2])
    for index, frame in enumerate(densities):
        if index:
            state = np.logaddexp.reduce(state[:, :, None] + bank.log_transmat, axis=1)
        state = state + frame
        totals[index] = np.logaddexp.reduce(state, axis=1)
        state = state - totals[index][:, None]
    return totals


def reference_posteriors(model: CompositeHmm, scores: FloatMatrix) -> FloatMatrix:
    """Return the probability of each emotion at each frame, ``[T, E]``."""
    ages = np.full((len(scores), EMOTIONS, model.min_frames), -np.inf)
    ages[0, :, 0] = model.log_initial + scores[0]
    for index in range(1, len(scores)):
        _enter(model, ages[index - 1], ages[index], np.logaddexp)
        ages[index] += scores[index][:, None]
        # In every frame anew, so that nothing adds up.
        ages[index] -= np.logaddexp.reduce(ages[index], axis=None)
    ahead = np.zeros((EMOTIONS, model.min_frames))
    probabilities = np.empty(scores.shape)
    for index in range(len(scores) - 1, -1, -1):
        joint = ages[index] + ahead
        joint = np.exp(joint - joint.max())
        probabilities[index] = joint.sum(axis=1) / joint.sum()
        ahead = _leave(model, ahead + scores[index][:, None])
        ahead -= ahead.max()
    return probabilities


def reference_best_score(model: CompositeHmm, scores: FloatMatrix) -> np.longdouble:
    """Return the log score of the best path."""
    total = np.longdouble(0.0)
    before = np.full((EMOTIONS, model.min_frames), -np.inf)
    before[:, 0] = model.log_initial + scores[0]
    for frame in scores[1:]:
        now = np.full(before.shape, -np.inf)
        _enter(model, before, now, np.maximum)
        now += frame[:, None]
        peak = now.max()
        total += peak
        before = now - peak
    return np.longdouble(total + before.max())


def path_score(model: CompositeHmm, scores: FloatMatrix, path: Indices) -> np.longdouble:
    """Return the log score of a path of emotions, each at least `min_frames` long."""
    told = scores[np.arange(len(path)), path].astype(np.longdouble).sum()
    begins = np.flatnonzero(np.diff(path, prepend=-1))
    lengths = np.diff(begins, append=len(path))
    mature = np.maximum(lengths - model.min_frames, 0).sum()
    entered = model.log_initial[path[begins]].astype(np.longdouble).sum()
    exits = (len(begins) - 1) * np.longdouble(model.log_exit)
    return np.longdouble(told + entered + exits + mature * np.longdouble(model.log_self_loop))


def _enter(model: CompositeHmm, before: FloatMatrix, now: FloatMatrix, combine: np.ufunc) -> None:
    """Fill the scores of the next frame's states from this one's; a row of ages an emotion."""
    mature = before[:, -1]
    now[:, 1:] = before[:, :-1]
    now[:, -1] = combine(now[:, -1], mature + model.log_self_loop) if now.shape[1] > 1 else mature
    now[:, 0] = combine(now[:, 0], combine.reduce(mature) + model.log_exit + model.log_initial)


def _leave(model: CompositeHmm, following: FloatMatrix) -> FloatMatrix:
    """Return the score of what may follow each state, given that of the next frame's."""
    ahead = np.full(following.shape, -np.inf)
    ahead[:, :-1] = following[:, 1:]
    entered = np.logaddexp.reduce(model.log_initial + following[:, 0])
    stays = following[:, -1] + model.log_self_loop
    ahead[:, -1] = np.logaddexp(stays, model.log_exit + entered)
    return ahead


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000)
    frames = parser.parse_args().frames
    for scale in (0.1, 3.0, 300.0):
        agreement = compare_timeline(random_scores(frames, scale))
        print(
            f"timeline, {frames} frames, scores to {20 * scale:g}: probabilities differ by "
            f"{agreement.posteriors:.1e} at most, the best path's score by "
            f"{agreement.path_score:.1e} of it"
        )
    for distance in (1.0, 60.0):
        bank, sequence = random_bank(frames, distance)
        print(
            f"HMM bank, {frames} frames, states {distance:g} apart: log-likelihoods differ by "
            f"{compare_bank(bank, sequence):.1e} of them, the best states' score by "
            f"{compare_states(bank, sequence):.1e}"
        )


if __name__ == "__main__":
    main()
