"""One fold from beginning to end: fit on its training part, look once at its test part."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from bilstm_hmm.arrays import FloatMatrix
from bilstm_hmm.confidence.reliability import Reliability
from bilstm_hmm.confidence.typicality import fit_typicality, summarise
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.config.without_paths import without_paths
from bilstm_hmm.data.splits.folds import Fold
from bilstm_hmm.evaluation.baselines import (
    BASELINES,
    FeatureHmms,
    feature_hmm_probabilities,
    fit_feature_hmms,
    posterior_mean,
)
from bilstm_hmm.evaluation.clip_results import ClipResult, clip_result
from bilstm_hmm.experiments.corpus import DecodedCorpus
from bilstm_hmm.experiments.fold_store import FoldFiles
from bilstm_hmm.hmm.fusion import INT8_SUFFIX
from bilstm_hmm.inference.bundle import Bundle, int8_variant, model_identity
from bilstm_hmm.inference.model import Model
from bilstm_hmm.network.onnx_export import network_to_onnx
from bilstm_hmm.network.onnx_quantize import quantize_network
from bilstm_hmm.progress import Progress
from bilstm_hmm.training.context import LayerWeights, TrainingContext
from bilstm_hmm.training.examples import Examples, normalised_frames
from bilstm_hmm.training.out_of_fold import TrainedSystem, train_system
from bilstm_hmm.training.pretraining import initial_weights
from bilstm_hmm.training.tracking.tracker import Tracker

#: Where the evaluation of folds keeps the state of the pre-training that they share.
PRETRAINING = "pretraining"


@dataclass(frozen=True, slots=True)
class FoldResult:
    """A trained system, the bundle made of it, and the results of it and the baselines.

    `feature_hmms` are the baseline of that name, None without test clips; `seconds` is what
    training the system took, without the baselines.
    """

    system: TrainedSystem
    bundle: Bundle
    feature_hmms: FeatureHmms | None
    results: tuple[ClipResult, ...]
    seconds: float

    @property
    def parameters(self) -> int:
        """Number of parameters of the final network."""
        return int(self.system.network.network.count_params())


class FoldContexts:
    """Gives the training of each fold of an evaluation its context.

    What the networks begin with is learnt once for all folds, and not at all where none is
    trained: decoding the corpora of the pre-training takes its time.
    """

    def __init__(
        self, corpus: DecodedCorpus, recipe: Recipe, folder: Path, progress: Progress
    ) -> None:
        self._folder = folder
        self._context = corpus.training_context(recipe, folder / PRETRAINING, progress)

    @cached_property
    def _initial_weights(self) -> LayerWeights:
        return initial_weights(self._context)

    def context(self, fold: Fold, tracker: Tracker) -> TrainingContext:
        """Return what the training of a fold is given, whose epochs `tracker` follows."""
        return replace(
            self._context,
            work=FoldFiles(self._folder, fold.number).work,
            initial_weights=self._initial_weights,
            callbacks=tracker.callbacks,
        )


def train_and_test_fold(context: TrainingContext, fold: Fold) -> FoldResult:
    """Fit on ``fold.train`` and label ``fold.test`` with the model as it would ship.

    The test clips go through the bundle and ONNX Runtime, so that what is measured is what a
    user of the bundle gets. The baselines are fitted on ``fold.train`` as well. Without test clips
    there are no baselines, and the results are `out_of_fold_results`.
    """
    started = time.monotonic()
    examples, recipe, progress = context.examples, context.recipe, context.progress
    system = train_system(context, fold.train, fold.is_speaker_dependent(examples.clips))
    seconds = _training_seconds(system, time.monotonic() - started)
    bundle = build_bundle(system, context)
    feature_hmms = None
    if fold.test:
        progress.message("Fitting HMMs on the features alone, to compare with")
        train = np.array(fold.train, dtype=np.intp)
        frames = normalised_frames(examples, train, recipe, system.network.statistics)
        feature_hmms = fit_feature_hmms(frames, examples.labels[train], examples.classes, recipe)
        progress.message(f"Labelling {len(fold.test)} test clips")
        results = predict_clips(Model(bundle), feature_hmms, examples, fold.test)
    else:
        results = out_of_fold_results(system, examples)
    for note in system.notes:
        progress.message(note)
    return FoldResult(system, bundle, feature_hmms, results, seconds)


def train_fold(context: TrainingContext, fold: Fold) -> FoldResult:
    """Fit on ``fold.train``; the test clips are not even handed over."""
    return train_and_test_fold(context, replace(fold, test=()))


def _training_seconds(system: TrainedSystem, clock: float) -> float:
    """What fitting took: by the clock, which after an interruption knows of the rest alone."""
    rows = [row for network in system.networks.values() for row in network.history]
    return max(clock, sum(row["seconds"] for row in rows))


def build_bundle(system: TrainedSystem, context: TrainingContext) -> Bundle:
    """Gather what prediction needs; the identity is the name and a digest of the weights."""
    recipe, back_end = context.recipe, system.back_end
    network = network_to_onnx(system.network.network, recipe.network)
    return Bundle(
        model_id=model_identity(recipe.name, network, back_end.hmm_bank, back_end.fusion),
        classes=context.examples.classes,
        recipe=without_paths(recipe),
        filter_banks=context.filter_banks,
        statistics=system.network.statistics,
        network=network,
        projection=back_end.projection,
        hmm_bank=back_end.hmm_bank,
        fusion=back_end.fusion,
        reliability=_reliability(system, context),
        int8=quantize_network(network) if recipe.bundle.int8 else None,
    )


def _reliability(system: TrainedSystem, context: TrainingContext) -> Reliability:
    """What is known of when the model is right, with what its training clips are like."""
    known, examples = system.back_end.reliability, context.examples
    if known.risk_coverage is None:
        return known
    frames = normalised_frames(examples, system.clips, context.recipe, system.network.statistics)
    speakers = [examples.clips[int(clip)].speaker for clip in system.clips]
    typicality = fit_typicality(
        system.back_end.out_of_fold_probabilities[context.recipe.decision.system],
        np.stack([summarise(of_clip) for of_clip in frames]).astype(np.float64),
        np.unique(speakers, return_inverse=True)[1],
    )
    return replace(known, typicality=typicality)


def out_of_fold_results(system: TrainedSystem, examples: Examples) -> tuple[ClipResult, ...]:
    """Return the results of every system for the clips that it was not fitted on.

    They are of networks of the inner folds, trained on fewer speakers than the final one.
    """
    by_system = system.back_end.out_of_fold_probabilities
    return tuple(
        clip_result(examples.clips[int(clip)], {name: p[row] for name, p in by_system.items()})
        for row, clip in enumerate(system.clips)
    )


def predict_clips(
    model: Model, feature_hmms: FeatureHmms, examples: Examples, indices: Sequence[int]
) -> tuple[ClipResult, ...]:
    """Return the results of every system, and then of every baseline, for the clips.

    Where the bundle has an int8 network, the recipe's own system is there with it as well, its
    name followed by `INT8_SUFFIX`.
    """
    bundle = model.bundle
    system = bundle.recipe.decision.system
    quantised = int8_variant(bundle)
    int8_model = None if quantised is None else Model(quantised)
    results = []
    for index in indices:
        samples = examples.samples[index]
        scores = model.score(samples)
        by_system: dict[str, FloatMatrix] = {**model.probabilities_by_system(scores)}
        if int8_model is not None:
            int8 = int8_model.probabilities_by_system(int8_model.score(samples))
            by_system[system + INT8_SUFFIX] = int8[system]
        (frames,) = normalised_frames(examples, [index], bundle.recipe, bundle.statistics)
        baselines = (
            posterior_mean(scores.frame_logits),
            feature_hmm_probabilities(feature_hmms, frames),
        )
        by_system.update(zip(BASELINES, baselines, strict=True))
        results.append(clip_result(examples.clips[index], by_system))
    return tuple(results)
