"""One fold from beginning to end: fit on its training part, look once at its test part."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bilstm_hmm.arrays import FloatMatrix
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.data.splits.folds import Fold
from bilstm_hmm.evaluation.baselines import (
    BASELINES,
    FeatureHmms,
    feature_hmm_probabilities,
    fit_feature_hmms,
    posterior_mean,
)
from bilstm_hmm.evaluation.clip_results import ClipResult
from bilstm_hmm.features.extraction.normalise import normalise
from bilstm_hmm.features.spectral.filterbanks import FilterBanks
from bilstm_hmm.hmm.fusion import INT8_MARK
from bilstm_hmm.inference.bundle import Bundle, int8_variant
from bilstm_hmm.inference.model import Model
from bilstm_hmm.network.onnx_export import network_to_onnx
from bilstm_hmm.network.onnx_quantize import quantize_network
from bilstm_hmm.progress import Progress
from bilstm_hmm.training.examples import Examples, normalised_frames
from bilstm_hmm.training.loop import LayerWeights
from bilstm_hmm.training.out_of_fold import TrainedSystem, train_system


@dataclass(frozen=True, slots=True)
class FoldResult:
    """A fitted system, the bundle made of it, and what it and the floors say of the test clips.

    `seconds` is what fitting the system took; the floors are not counted.
    """

    system: TrainedSystem
    bundle: Bundle
    raw: FeatureHmms | None
    results: tuple[ClipResult, ...]
    seconds: float

    @property
    def parameters(self) -> int:
        """Number of parameters of the final network."""
        return int(self.system.network.model.count_params())


def train_and_test_fold(
    examples: Examples,
    fold: Fold,
    recipe: Recipe,
    banks: FilterBanks,
    work: Path,
    progress: Progress,
    callbacks: Callable[[str], Sequence[Any]] = lambda _name: (),
    start: LayerWeights | None = None,
) -> FoldResult:
    """Fit on ``fold.train`` and label ``fold.test`` with the model as it would ship.

    The test clips go through the bundle and ONNX Runtime, so that what is measured is what a
    user of the bundle gets. The floors are fitted on ``fold.train`` as well. Without test clips
    there are no floors, and the results are `out_of_fold_results`. `work`, `callbacks` and
    `start` are those of `train_system`.
    """
    started = time.monotonic()
    mixed = fold.is_speaker_dependent(examples.clips)
    system = train_system(
        examples, fold.train, recipe, banks, work, progress, callbacks, start, mixed
    )
    seconds = _seconds(system, time.monotonic() - started)
    bundle = build_bundle(system, examples.classes, recipe, banks)
    if not fold.test:
        return FoldResult(system, bundle, None, out_of_fold_results(system, examples), seconds)
    progress.say("Fitting HMMs on the features alone, to compare with")
    train = np.array(fold.train, dtype=np.intp)
    frames = normalised_frames(examples, train, recipe, system.network.statistics)
    raw = fit_feature_hmms(frames, examples.labels[train], examples.classes, recipe)
    progress.say(f"Labelling {len(fold.test)} test clips")
    results = predict_clips(Model(bundle), raw, examples, fold.test)
    return FoldResult(system, bundle, raw, results, seconds)


def _seconds(system: TrainedSystem, clock: float) -> float:
    """What fitting took: by the clock, which after an interruption knows of the rest alone."""
    networks = (*system.inner, system.network)
    return max(clock, sum(row["seconds"] for network in networks for row in network.history))


def build_bundle(
    system: TrainedSystem, classes: tuple[str, ...], recipe: Recipe, banks: FilterBanks
) -> Bundle:
    """Gather what prediction needs; the identity is the name and a digest of the weights."""
    network = network_to_onnx(system.network.model, recipe.network)
    heads = system.heads
    digest = hashlib.sha256(network)
    arrays = [*heads.bank.to_arrays().values(), *heads.decision.to_arrays().values()]
    if heads.timeline is not None:
        arrays.extend(heads.timeline.to_arrays().values())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return Bundle(
        identity=f"{recipe.name}-{digest.hexdigest()[:8]}",
        classes=classes,
        recipe=_without_paths(recipe),
        banks=banks,
        statistics=system.network.statistics,
        network=network,
        projection=heads.projection,
        bank=heads.bank,
        decision=heads.decision,
        timeline=heads.timeline,
        int8=quantize_network(network) if recipe.bundle.int8 else None,
    )


def _without_paths(recipe: Recipe) -> Recipe:
    """The recipe as it may travel: where its corpora and encoder lay is nobody's business."""
    data = recipe.data.model_copy(update={"root": None, "roots": {}, "home": None})
    encoder = recipe.features.encoder
    encoder = encoder.model_copy(update={"model": Path(encoder.model).name})
    features = recipe.features.model_copy(update={"encoder": encoder})
    return recipe.model_copy(update={"data": data, "features": features, "cache": Recipe().cache})


def out_of_fold_results(system: TrainedSystem, examples: Examples) -> tuple[ClipResult, ...]:
    """Return what every system said of the clips that it was not fitted on.

    Networks of the inner folds said it, trained on fewer speakers than the final one.
    """
    results = []
    for place, row in enumerate(system.rows):
        clip = examples.clips[int(row)]
        shares: dict[str, FloatMatrix] = {
            name: found[place] for name, found in system.heads.unseen.items()
        }
        results.append(ClipResult(clip.name, clip.speaker, clip.emotion, shares, clip.sex))
    return tuple(results)


def predict_clips(
    model: Model, raw: FeatureHmms, examples: Examples, indices: Sequence[int]
) -> tuple[ClipResult, ...]:
    """Return what every system, and then every floor, says of the clips.

    Where the bundle has an int8 network, the recipe's own system is there with it as well, its
    name followed by `INT8_MARK`.
    """
    kind, statistics = model.bundle.recipe.features.normalisation, model.bundle.statistics
    system, quantised = model.bundle.recipe.decision.system, int8_variant(model.bundle)
    twin = None if quantised is None else Model(quantised)
    results = []
    for index in indices:
        clip, frames = examples.clips[index], examples.frames[index]
        samples = examples.samples[index]
        evidence = model.score(samples)
        told = feature_hmm_probabilities(raw, normalise(frames.values, kind, statistics))
        floors = dict(zip(BASELINES, (posterior_mean(evidence.frame_logits), told), strict=True))
        shares = model.probabilities_by_system(evidence)
        if twin is not None:
            shares[system + INT8_MARK] = twin.probabilities_by_system(twin.score(samples))[system]
        shares |= floors
        results.append(ClipResult(clip.name, clip.speaker, clip.emotion, shares, clip.sex))
    return tuple(results)
