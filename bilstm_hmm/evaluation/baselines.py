"""The baselines of an evaluation: simpler systems, fitted on the same training clips.

`posterior-mean` is the network without its pooling and without HMMs; `hmm-raw` is one HMM an
emotion on the features themselves, without a network. What the other systems have above them
is what pooling, the network and their combination bring.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bilstm_hmm.arrays import FloatArray, FloatMatrix, Indices
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.hmm.bank import HmmBank, mean_log_likelihoods
from bilstm_hmm.numerics import softmax

BASELINES = ("posterior-mean", "hmm-raw")

#: The HMMs of the features get about so many frames a second: neighbours are nearly the same.
FRAMES_PER_SECOND = 25.0

#: And are fitted on about so many frames an emotion, at most.
MAX_FRAMES = 10_000

#: Of wider frames, those of an encoder, they get so many principal components: more would take
#: minutes to fit, and have too few frames for it.
MAX_FEATURES, COMPONENTS = 256, 64


@dataclass(frozen=True, slots=True)
class FeatureHmms:
    """HMMs of the features themselves.

    Attributes
    ----------
    inverse_temperature
        Makes calibrated logits of the scores.
    step
        Every `step`-th frame is scored.
    basis
        Principal components of wide frames, ``[F, 64]``.
    """

    bank: HmmBank
    inverse_temperature: float
    step: int
    basis: FloatMatrix | None = None

    def transform(self, frames: FloatArray) -> FloatMatrix:
        """Return what the HMMs score of a recording's normalised features ``[T, F]``."""
        every_step = frames[:: self.step].astype(np.float64)
        return every_step if self.basis is None else every_step @ self.basis


def posterior_mean(frame_logits: FloatArray) -> FloatMatrix:
    """Return the mean over frames of the log posteriors, as probabilities ``[C]``.

    It is the geometric mean of the frame posteriors, renormalised, from their logits ``[T, C]``.
    """
    # Log posteriors are logits less one number a frame, the same for every emotion, which
    # renormalising takes out of the mean.
    return softmax(frame_logits.mean(axis=0, dtype=np.float64))


def fit_feature_hmms(
    frames: Sequence[FloatArray],
    labels: Indices,
    classes: Sequence[str],
    recipe: Recipe,
    max_frames: int = MAX_FRAMES,
) -> FeatureHmms:
    """Fit an HMM an emotion on normalised features, and the one temperature of its softmax.

    States, topology and covariance are those of ``recipe.hmm``. Every k-th frame is taken, about
    `FRAMES_PER_SECOND`. An emotion with more than `max_frames` of them is fitted on a sample of
    its clips, by the recipe's seed, so that a large corpus takes a minute, not an hour. The
    temperature has the least log loss on the very clips that the HMMs were fitted on, so that the
    probabilities are overconfident on a new speaker.

    Parameters
    ----------
    frames
        Of the training clips, each ``[T, F]``.
    labels
        ``[N]``, every class at least once.
    """
    from bilstm_hmm.hmm.fit import fit_bank, process_pool
    from bilstm_hmm.hmm.fusion import fit_inverse_temperature

    step = _step(recipe)
    every_step = [values[::step].astype(np.float64) for values in frames]
    sample = _sample_clips([len(f) for f in every_step], labels, max_frames, recipe.seed)
    sequences, labels = [every_step[int(i)] for i in sample], labels[sample]
    is_wide = frames[0].shape[1] > MAX_FEATURES
    basis = _principal_components(np.concatenate(sequences)) if is_wide else None
    if basis is not None:
        sequences = [sequence @ basis for sequence in sequences]
    with process_pool(recipe.jobs) as pool:
        bank = fit_bank(sequences, labels, classes, recipe.hmm, seed=recipe.seed, pool=pool).bank
    scores = np.stack([mean_log_likelihoods(bank, sequence) for sequence in sequences])
    return FeatureHmms(bank, fit_inverse_temperature(scores, labels), step, basis)


def feature_hmm_probabilities(hmms: FeatureHmms, frames: FloatArray) -> FloatMatrix:
    """Return the probabilities ``[C]`` of a recording's normalised features ``[T, F]``."""
    return softmax(
        hmms.inverse_temperature * mean_log_likelihoods(hmms.bank, hmms.transform(frames))
    )


def _principal_components(frames: FloatMatrix) -> FloatMatrix:
    """The directions in which frames ``[N, F]``, which are normalised, vary most: ``[F, 64]``."""
    _, vectors = np.linalg.eigh(frames.T @ frames)
    largest: FloatMatrix = vectors[:, ::-1][:, :COMPONENTS]
    return largest


def _step(recipe: Recipe) -> int:
    rate = recipe.features.frame_rate
    return max(1, round(rate / FRAMES_PER_SECOND))


def _sample_clips(lengths: Sequence[int], labels: Indices, max_frames: int, seed: int) -> Indices:
    """Return which clips are fitted on, ascending: of each class at least one."""
    rng = np.random.default_rng(seed)
    sizes = np.asarray(lengths)
    samples = []
    for label in np.unique(labels):
        order = rng.permutation(np.flatnonzero(labels == label))
        before = np.cumsum(sizes[order]) - sizes[order]
        samples.append(order[before < max_frames])
    return np.sort(np.concatenate(samples))
