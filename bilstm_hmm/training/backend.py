"""The back end: what is fitted on outputs of the networks for clips they were not trained on."""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np

from bilstm_hmm.arrays import FloatMatrix, Indices
from bilstm_hmm.confidence.reliability import Reliability, fit_reliability
from bilstm_hmm.config.schema import Recipe, System
from bilstm_hmm.hmm.bank import HmmBank, score_frames
from bilstm_hmm.hmm.fit import fit_bank, process_pool
from bilstm_hmm.hmm.fusion import SYSTEMS, ScoreFusion, fit_fusion, predict_proba
from bilstm_hmm.hmm.projection import Projection, fit_projection, project
from bilstm_hmm.network.outputs import NetworkOutput


@dataclass(frozen=True, slots=True)
class OutOfFoldOutputs:
    """Out-of-fold outputs of N training clips, and what is known of each.

    Attributes
    ----------
    clips
        Indices of the clips among the examples.
    labels
        Indices of their emotions among the classes.
    inner_folds
        The inner fold of each clip: its outputs are of the network trained without that fold.
    groups
        Numbers of what the fusion is fitted without in turn: the speakers, where there are
        several.
    """

    outputs: tuple[NetworkOutput, ...]
    clips: Indices
    labels: Indices
    inner_folds: Indices
    groups: Indices


@dataclass(frozen=True, slots=True)
class BackEnd:
    """All that stands behind the network.

    Attributes
    ----------
    out_of_fold_probabilities
        Of each system for the out-of-fold clips, ``[N, C]``: the network, projection and HMMs
        that scored a clip were fitted without its inner fold, and the fusion without the clips of
        its group.
    notes
        Sentences for the user.
    reliability
        How often the recipe's system is right when it is how sure, by the same probabilities.
    """

    projection: Projection
    hmm_bank: HmmBank
    fusion: ScoreFusion
    out_of_fold_probabilities: Mapping[System, FloatMatrix]
    notes: tuple[str, ...]
    reliability: Reliability = field(default_factory=Reliability)


def fit_back_end(data: OutOfFoldOutputs, classes: tuple[str, ...], recipe: Recipe) -> BackEnd:
    """Fit projection and HMM bank, then the fusion on scores that are out-of-fold too.

    The projection and bank that score a clip for them are fitted without the clip's inner fold:
    they would otherwise trust the HMMs more than these deserve on a new speaker.
    """
    with process_pool(recipe.jobs) as pool:
        log_likelihoods = _cross_fitted_scores(data, classes, recipe, pool)
        every_clip = np.arange(len(data.labels))
        projection, bank, notes = _fit_bank(data, every_clip, classes, recipe, pool)
    clip_logits = np.stack([o.clip_logits for o in data.outputs]).astype(np.float64)
    hmm_scores = np.stack([of_clip.mean(axis=0) for of_clip in log_likelihoods])
    fusion = fit_fusion(clip_logits, hmm_scores, data.labels)
    probabilities = _cross_fitted_probabilities(clip_logits, hmm_scores, data)
    # Over the inner folds, since what is said of being right shall hold in each of them.
    reliability = fit_reliability(
        probabilities[recipe.decision.system], data.labels, data.inner_folds
    )
    return BackEnd(projection, bank, fusion, probabilities, notes, reliability)


def _cross_fitted_scores(
    data: OutOfFoldOutputs, classes: tuple[str, ...], recipe: Recipe, pool: Executor | None
) -> list[FloatMatrix]:
    """Log-likelihoods of each clip's frames, ``[T, C]``, by HMMs fitted without its inner fold."""
    log_likelihoods = [np.zeros((0, len(classes)))] * len(data.labels)
    for number in np.unique(data.inner_folds):
        inside = data.inner_folds == number
        # An emotion of this inner fold alone leaves no other clips to fit its HMM on.
        alone = len(np.unique(data.labels[~inside])) < len(classes)
        others = np.flatnonzero(np.ones_like(inside) if alone else ~inside)
        projection, bank, _ = _fit_bank(data, others, classes, recipe, pool)
        for position in map(int, np.flatnonzero(inside)):
            sequence = project(projection, data.outputs[position])
            (log_likelihoods[position],) = score_frames(bank, [sequence])
    return log_likelihoods


def _cross_fitted_probabilities(
    clip_logits: FloatMatrix, hmm_scores: FloatMatrix, data: OutOfFoldOutputs
) -> dict[System, FloatMatrix]:
    """Probabilities of each clip by a fusion that was fitted without the clip's group."""
    from sklearn.model_selection import GroupKFold

    n_classes = clip_logits.shape[1]
    by_system = {system: np.full(clip_logits.shape, 1.0 / n_classes) for system in SYSTEMS}
    n_parts = min(5, len(np.unique(data.groups)))
    if n_parts < 2:
        return by_system
    for train, test in GroupKFold(n_parts).split(hmm_scores, groups=data.groups):
        fusion = fit_fusion(clip_logits[train], hmm_scores[train], data.labels[train])
        for system in SYSTEMS:
            by_system[system][test] = predict_proba(
                fusion, clip_logits[test], hmm_scores[test], system
            )
    return by_system


def _fit_bank(
    data: OutOfFoldOutputs,
    positions: Indices,
    classes: tuple[str, ...],
    recipe: Recipe,
    pool: Executor | None,
) -> tuple[Projection, HmmBank, tuple[str, ...]]:
    """Fit projection and HMMs on the clips at `positions`; they come with notes for the user."""
    outputs = [data.outputs[int(position)] for position in positions]
    labels = data.labels[positions]
    from_logits = recipe.hmm.input == "logits"
    sources = [o.frame_logits if from_logits else o.hidden for o in outputs]
    projection = fit_projection(sources, labels, len(classes), recipe.hmm)
    sequences = [project(projection, o) for o in outputs]
    fitted = fit_bank(sequences, labels, classes, recipe.hmm, seed=recipe.seed, pool=pool)
    return projection, fitted.bank, fitted.notes
