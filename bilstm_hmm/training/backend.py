"""What is fitted on top of the networks, on outputs for clips they were not trained on."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from bilstm_hmm.arrays import FloatMatrix, Indices
from bilstm_hmm.config.schema import Recipe, System
from bilstm_hmm.hmm.bank import HmmBank, score_frames
from bilstm_hmm.hmm.fit import fit_bank, process_pool
from bilstm_hmm.hmm.fusion import SYSTEMS, ScoreFusion, fit_fusion, probabilities
from bilstm_hmm.hmm.projection import Projection, fit_projection, project
from bilstm_hmm.network.outputs import NetworkOutput
from bilstm_hmm.timeline.fit import NOT_FITTED, fit_timeline
from bilstm_hmm.timeline.parameters import TimelineParameters


@dataclass(frozen=True, slots=True)
class OutOfFoldOutputs:
    """Out-of-fold outputs of the training clips, and what is known of each clip.

    `rows` are the clips' places among the examples, `fold` their inner folds, `groups` numbers
    of what the decision is fitted without in turn: their speakers, where there are several.
    """

    outputs: tuple[NetworkOutput, ...]
    rows: Indices
    labels: Indices
    fold: Indices
    groups: Indices


@dataclass(frozen=True, slots=True)
class BackEnd:
    """Projection, HMM bank, decision layers and timeline, and sentences for the user.

    `timeline` is None where the clips are too few to fit it.

    `unseen` holds the probabilities of each system, ``[N, C]``, for the out-of-fold clips: the
    network, projection and HMMs that scored a clip were fitted without its inner fold, and the
    decision without the clips of its group.
    """

    projection: Projection
    bank: HmmBank
    decision: ScoreFusion
    timeline: TimelineParameters | None
    unseen: Mapping[System, FloatMatrix]
    notes: tuple[str, ...]


def fit_back_end(unseen: OutOfFoldOutputs, classes: tuple[str, ...], recipe: Recipe) -> BackEnd:
    """Fit projection and HMM bank, then decision and timeline on scores that are out-of-fold too.

    The projection and bank that score a clip for them are fitted without the clip's inner fold:
    they would otherwise trust the HMMs more than these deserve on a new speaker.
    """
    with process_pool(recipe.jobs) as pool:
        told = [np.zeros((0, len(classes)))] * len(unseen.labels)
        for number in np.unique(unseen.fold):
            inside = unseen.fold == number
            # An emotion of this inner fold alone leaves no other clips to fit its HMM on.
            alone = len(np.unique(unseen.labels[~inside])) < len(classes)
            others = np.flatnonzero(np.ones_like(inside) if alone else ~inside)
            projection, bank, _ = _fit_bank(unseen, others, classes, recipe, pool)
            for row in np.flatnonzero(inside):
                sequence = project(projection, unseen.outputs[int(row)])
                (told[int(row)],) = score_frames(bank, [sequence])
        everything = np.arange(len(unseen.labels))
        projection, bank, notes = _fit_bank(unseen, everything, classes, recipe, pool)
    clip_logits = np.stack([o.clip_logits for o in unseen.outputs]).astype(np.float64)
    scores = np.stack([of_clip.mean(axis=0) for of_clip in told])
    decision = fit_fusion(clip_logits, scores, unseen.labels)
    found = _cross_fitted(clip_logits, scores, unseen)
    timeline = _timeline(unseen, told, classes, recipe)
    notes = notes if timeline is not None else (*notes, NOT_FITTED)
    return BackEnd(projection, bank, decision, timeline, found, notes)


def _timeline(
    unseen: OutOfFoldOutputs, told: Sequence[FloatMatrix], classes: tuple[str, ...], recipe: Recipe
) -> TimelineParameters | None:
    return fit_timeline(
        [o.frame_logits for o in unseen.outputs],
        told,
        unseen.labels,
        unseen.groups,
        classes,
        recipe.output_rate,
        recipe.timeline,
        recipe.seed,
    )


def _cross_fitted(
    clip_logits: FloatMatrix, scores: FloatMatrix, unseen: OutOfFoldOutputs
) -> dict[System, FloatMatrix]:
    """Probabilities of each clip by a decision that was fitted without the clip's group."""
    from sklearn.model_selection import GroupKFold

    n_classes = clip_logits.shape[1]
    found = {system: np.full(clip_logits.shape, 1.0 / n_classes) for system in SYSTEMS}
    n_parts = min(5, len(np.unique(unseen.groups)))
    if n_parts < 2:
        return found
    for train, test in GroupKFold(n_parts).split(scores, groups=unseen.groups):
        decision = fit_fusion(clip_logits[train], scores[train], unseen.labels[train])
        for system in SYSTEMS:
            found[system][test] = probabilities(decision, clip_logits[test], scores[test], system)
    return found


def _fit_bank(
    unseen: OutOfFoldOutputs,
    rows: Indices,
    classes: tuple[str, ...],
    recipe: Recipe,
    pool: Executor | None,
) -> tuple[Projection, HmmBank, tuple[str, ...]]:
    outputs = [unseen.outputs[int(row)] for row in rows]
    labels = unseen.labels[rows]
    of_logits = recipe.hmm.input == "logits"
    sources = [o.frame_logits if of_logits else o.hidden for o in outputs]
    projection = fit_projection(sources, labels, len(classes), recipe.hmm)
    sequences = [project(projection, o) for o in outputs]
    fitted = fit_bank(sequences, labels, classes, recipe.hmm, seed=recipe.seed, pool=pool)
    return projection, fitted.bank, fitted.notes
