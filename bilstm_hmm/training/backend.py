"""The back end: what is fitted on outputs of the networks for clips they were not trained on."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

import numpy as np

from bilstm_hmm.arrays import FloatMatrix, Indices
from bilstm_hmm.confidence.quality_temperature import QualityTemperature, fit_quality_temperature
from bilstm_hmm.confidence.reliability import Reliability, fit_reliability
from bilstm_hmm.config.back_end_settings import System
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.features.quality.measures import AudioQuality
from bilstm_hmm.hmm.bank import HmmBank, score_frames
from bilstm_hmm.hmm.fit import fit_bank, process_pool
from bilstm_hmm.hmm.fusion import SYSTEMS, ScoreFusion, fit_fusion, predict_proba, temper_fusion
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
class DegradedOutputs:
    """Outputs of degraded clips, by networks that were trained without these clips.

    Attributes
    ----------
    labels, inner_folds
        As of `OutOfFoldOutputs`.
    qualities
        What is measured of each.
    """

    outputs: tuple[NetworkOutput, ...]
    labels: Indices
    inner_folds: Indices
    qualities: tuple[AudioQuality, ...]


def merge_degraded(parts: Sequence[DegradedOutputs]) -> DegradedOutputs | None:
    """Return the clips of all parts; None where there are none."""
    if not parts:
        return None
    return DegradedOutputs(
        tuple(one for part in parts for one in part.outputs),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.inner_folds for part in parts]),
        tuple(one for part in parts for one in part.qualities),
    )


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


def fit_back_end(
    data: OutOfFoldOutputs,
    classes: tuple[str, ...],
    recipe: Recipe,
    degraded: DegradedOutputs | None = None,
) -> BackEnd:
    """Fit projection and HMM bank, then the fusion on scores that are out-of-fold too.

    The projection and bank that score a clip for them are fitted without the clip's inner fold:
    they would otherwise trust the HMMs more than these deserve on a new speaker.

    Parameters
    ----------
    degraded
        What to fit the confidence in degraded recordings on; None for nothing.
    """
    with process_pool(recipe.jobs) as pool:
        hmm_scores, degraded_scores = _cross_fitted_scores(data, degraded, classes, recipe, pool)
        every_clip = np.arange(len(data.labels))
        projection, bank, notes = _fit_bank(data, every_clip, classes, recipe, pool)
    clip_logits = np.stack([o.clip_logits for o in data.outputs]).astype(np.float64)
    widening = recipe.decision.temperature
    fusion = temper_fusion(fit_fusion(clip_logits, hmm_scores, data.labels), widening)
    probabilities = _cross_fitted_probabilities(clip_logits, hmm_scores, data, widening)
    # Over the inner folds, since what is said of being right shall hold in each of them.
    reliability = fit_reliability(
        probabilities[recipe.decision.system], data.labels, data.inner_folds
    )
    if degraded is not None:
        temperature = _fit_temperature(degraded, degraded_scores, fusion, recipe.decision.system)
        reliability = replace(reliability, temperature=temperature)
    return BackEnd(projection, bank, fusion, probabilities, notes, reliability)


def _cross_fitted_scores(
    data: OutOfFoldOutputs,
    degraded: DegradedOutputs | None,
    classes: tuple[str, ...],
    recipe: Recipe,
    pool: Executor | None,
) -> tuple[FloatMatrix, FloatMatrix]:
    """Mean log-likelihoods of each clip, clean and degraded, ``[N, C]``.

    They are by HMMs fitted without the clip's inner fold, on clean clips.
    """
    scores = np.zeros((len(data.labels), len(classes)))
    degraded_scores = np.zeros((0 if degraded is None else len(degraded.labels), len(classes)))
    for number in np.unique(data.inner_folds):
        inside = data.inner_folds == number
        # An emotion of this inner fold alone leaves no other clips to fit its HMM on.
        alone = len(np.unique(data.labels[~inside])) < len(classes)
        others = np.flatnonzero(np.ones_like(inside) if alone else ~inside)
        projection, bank, _ = _fit_bank(data, others, classes, recipe, pool)
        for position in map(int, np.flatnonzero(inside)):
            scores[position] = _mean_score(bank, projection, data.outputs[position])
        if degraded is not None:
            for position in map(int, np.flatnonzero(degraded.inner_folds == number)):
                output = degraded.outputs[position]
                degraded_scores[position] = _mean_score(bank, projection, output)
    return scores, degraded_scores


def _mean_score(bank: HmmBank, projection: Projection, output: NetworkOutput) -> FloatMatrix:
    """The mean over its frames of a clip's log-likelihoods, ``[C]``."""
    (log_likelihoods,) = score_frames(bank, [project(projection, output)])
    mean: FloatMatrix = log_likelihoods.mean(axis=0)
    return mean


def _fit_temperature(
    degraded: DegradedOutputs, hmm_scores: FloatMatrix, fusion: ScoreFusion, system: System
) -> QualityTemperature:
    """How the confidence of a system falls with the quality of a recording."""
    clip_logits = np.stack([o.clip_logits for o in degraded.outputs]).astype(np.float64)
    probabilities = predict_proba(fusion, clip_logits, hmm_scores, system)
    logits = np.log(np.maximum(probabilities, 1e-12))
    return fit_quality_temperature(logits, degraded.labels, degraded.qualities)


def _cross_fitted_probabilities(
    clip_logits: FloatMatrix, hmm_scores: FloatMatrix, data: OutOfFoldOutputs, temperature: float
) -> dict[System, FloatMatrix]:
    """Probabilities of each clip by a fusion that was fitted without the clip's group."""
    from sklearn.model_selection import GroupKFold

    n_classes = clip_logits.shape[1]
    by_system = {system: np.full(clip_logits.shape, 1.0 / n_classes) for system in SYSTEMS}
    n_parts = min(5, len(np.unique(data.groups)))
    if n_parts < 2:
        return by_system
    for train, test in GroupKFold(n_parts).split(hmm_scores, groups=data.groups):
        fitted = fit_fusion(clip_logits[train], hmm_scores[train], data.labels[train])
        fusion = temper_fusion(fitted, temperature)
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
