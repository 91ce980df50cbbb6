"""What a label loses where parts of the features are occluded.

An occluded feature has the mean of the training, which is zero once it is normalised: the network
and the HMMs then know nothing of it (Zeiler and Fergus, "Visualizing and understanding
convolutional networks", 2014). All variants of a clip go through the network in batches.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.random import Generator

from bilstm_hmm.arrays import FloatArray, FloatMatrix, Mask
from bilstm_hmm.features.extraction.voice_statistics import FrameMoments
from bilstm_hmm.hmm.fusion import predict_proba
from bilstm_hmm.inference.explanation.groups import FeatureGroup
from bilstm_hmm.inference.scoring import Features, FrameScores, Scorer
from bilstm_hmm.inference.voice.normalisation import used_statistics

#: Variants that are held at a time.
_BATCH = 64
#: Draws of a fifth of the moments: at random, then in each of some rounds by what they seem to do,
#: with this temperature. Of fewer moments none are drawn.
_SHARE, _DRAWS = 0.2, 64
_ROUNDS, _DRAWS_A_ROUND, _TEMPERATURE = 3, 24, 0.6
_FEW = 5
#: Strength of the ridge regression that shares what was lost among the moments.
_RIDGE = 1.0
_LEAST = 1e-12


class Occlusion:
    """A clip that parts of are occluded; C emotions.

    Attributes
    ----------
    features
        The clip as the network takes it.
    mean
        Of the training frames, as the network takes them, ``[F]``.
    scores
        Of the whole clip.
    probabilities
        By the recipe's system, ``[C]``.
    label, runner_up
        The places of the first and the second of them.
    """

    def __init__(self, scorer: Scorer, clip: Features, voice: FrameMoments | None) -> None:
        bundle = scorer.bundle
        self.features = scorer.normalise(clip, voice)
        is_normalised = bundle.recipe.features.normalisation != "none"
        n_features = clip.frames.shape[2]
        self.mean: FloatArray = (
            np.zeros(n_features, np.float32) if is_normalised else bundle.statistics.mean
        )
        self._statistics = used_statistics(bundle, clip.frames, voice)
        self._scorer = scorer
        (self.scores,) = scorer.score_features([self.features])
        self.probabilities = self._probabilities(self.scores)
        self.label, self.runner_up = np.argsort(-self.probabilities, kind="stable")[:2].tolist()

    def without(self, frames: Mask, group: FeatureGroup | None = None) -> Features:
        """Return the clip with some frames ``[N]`` occluded, all of them or a group's features."""
        views = self.features.frames.copy()
        if group is None:
            views[:, frames] = self.mean
        else:
            for view, statistics in zip(views, self._statistics, strict=True):
                view[frames] = group.occluded(view[frames], self.mean, statistics)
        return replace(self.features, frames=views)

    def losses(self, variants: Iterable[Features]) -> FloatMatrix:
        """Return what is lost in each variant, ``[K, 2]``: support and margin, see `Effect`.

        Exactly nothing in one that is the clip.
        """
        rows, waiting = [np.zeros((0, 2))], iter(variants)
        while batch := list(islice(waiting, _BATCH)):
            is_other = [not np.array_equal(v.frames, self.features.frames) for v in batch]
            found = np.zeros((len(batch), 2))
            found[is_other] = self._losses([v for v, o in zip(batch, is_other, strict=True) if o])
            rows.append(found)
        return np.concatenate(rows)

    def _losses(self, variants: Sequence[Features]) -> FloatMatrix:
        whole = self._support_and_margin(self.probabilities)
        scores = self._scorer.score_features(variants)
        found = [whole - self._support_and_margin(self._probabilities(each)) for each in scores]
        return np.array(found).reshape(-1, 2)

    def _support_and_margin(self, probabilities: FloatMatrix) -> FloatMatrix:
        first, second = probabilities[[self.label, self.runner_up]]
        odds = np.log(max(first, _LEAST)) - np.log(max(second, _LEAST))
        return np.array([first, odds])

    def _probabilities(self, scores: FrameScores) -> FloatMatrix:
        bundle = self._scorer.bundle
        return predict_proba(
            bundle.fusion,
            scores.window_logits.mean(axis=0, dtype=np.float64),
            scores.log_likelihoods.mean(axis=0, dtype=np.float64),
            bundle.recipe.decision.system,
        )


@dataclass(frozen=True, slots=True)
class Moments:
    """Stretches of so many frames each, the last one perhaps shorter, of a clip of N frames."""

    n_frames: int
    length: int

    def __len__(self) -> int:
        return len(range(0, self.n_frames, self.length))

    def edges(self) -> list[int]:
        """Return the frames at which they begin, and N."""
        return [*range(0, self.n_frames, self.length), self.n_frames]

    def frames(self, chosen: Mask) -> Mask:
        """Return the frames ``[N]`` of some moments."""
        which: Mask = np.repeat(chosen, self.length)[: self.n_frames]
        return which


def moment_losses(occlusion: Occlusion, moments: Moments) -> FloatMatrix:
    """Return the share of each moment in what is lost, with all features of it, ``[M, 2]``.

    Each is occluded alone, with its neighbours, and with others that are drawn: what stands beside
    a moment often says the same, so that each of them alone seems to count for little. A ridge
    regression on all of these shares it among the moments, as LIME does (Ribeiro et al., "Why
    should I trust you?", 2016). Then some fifths are drawn of the moments that seem to count most,
    to see what they do together. A moment that has the mean of the training anyway has no share.
    """
    n = len(moments)
    differs = (occlusion.features.frames != occlusion.mean).any(axis=(0, 2))
    full = np.flatnonzero([differs[moments.frames(one)].any() for one in np.eye(n, dtype=bool)])
    shares = np.zeros((n, 2))
    if not len(full):
        return shares
    # The same draws each time, so that an explanation stays what it is.
    rng = np.random.default_rng(0)
    rows: Mask = np.zeros((0, len(full)), bool)
    lost: FloatMatrix = np.zeros((0, 2))
    drawn = _first_trials(len(full), rng)
    for _ in range(1 + _ROUNDS):
        trials = np.zeros((len(drawn), n), bool)
        trials[:, full] = drawn
        found = occlusion.losses(occlusion.without(moments.frames(row)) for row in trials)
        rows, lost = np.concatenate([rows, drawn]), np.concatenate([lost, found])
        shares[full] = _share(rows, lost)
        if len(full) < _FEW:
            break
        spread = max(float(shares[full, 0].std()), _LEAST)
        scores = np.asarray(shares[full, 0] / (_TEMPERATURE * spread), np.float64)
        drawn = _fifths(scores, _DRAWS_A_ROUND, rng)
    return shares


def _share(rows: Mask, lost: FloatMatrix) -> FloatMatrix:
    """Share among moments what was lost in trials with some of them, by ridge regression."""
    design = rows.astype(np.float64)
    gram = design.T @ design + _RIDGE * np.eye(rows.shape[1])
    return np.asarray(np.linalg.solve(gram, design.T @ lost), np.float64)


def _first_trials(n: int, rng: Generator) -> Mask:
    """Return which of n moments are occluded together at first, ``[trials, n]``."""
    places = np.arange(n)
    alone, near = np.eye(n, dtype=bool), np.abs(places[:, None] - places) <= 1
    if n < _FEW:
        return np.concatenate([alone, near])
    return np.concatenate([alone, near, _fifths(np.zeros(n), _DRAWS, rng)])


def _fifths(scores: FloatMatrix, count: int, rng: Generator) -> Mask:
    """Draw fifths of moments without replacement, with odds of the exponentials of scores ``[n]``.

    By Gumbel's noise (Kool et al., "Stochastic beams and where to find them", 2019).
    """
    n = len(scores)
    noisy = scores + rng.gumbel(size=(count, n))
    drawn = np.zeros((count, n), bool)
    np.put_along_axis(drawn, np.argsort(-noisy, axis=1)[:, : max(2, round(_SHARE * n))], True, 1)
    return drawn


def group_losses(
    occlusion: Occlusion, groups: Sequence[FeatureGroup], moments: Moments
) -> FloatMatrix:
    """Return what is lost with each group: in each moment, and throughout, ``[G, M + 1, 2]``."""
    n = len(moments)
    masks = [*np.eye(n, dtype=bool), np.ones(n, bool)]
    lost = occlusion.losses(
        occlusion.without(moments.frames(mask), group) for group in groups for mask in masks
    )
    return lost.reshape(len(groups), n + 1, 2)
