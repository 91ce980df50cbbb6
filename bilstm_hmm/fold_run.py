"""One fold from beginning to end: fit on its training part, look once at its test part."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bilstm_hmm.bundle import Bundle
from bilstm_hmm.config import Recipe
from bilstm_hmm.examples import Examples
from bilstm_hmm.onnx_graph import network_to_onnx
from bilstm_hmm.runtime import Model
from bilstm_hmm.scores import ClipResult
from bilstm_hmm.system import Progress, System, fit_system
from data.folds import Fold
from features.filterbanks import FilterBanks


@dataclass(frozen=True, slots=True)
class FoldRun:
    """A fitted system, the bundle made of it, and what it says of the test clips."""

    system: System
    bundle: Bundle
    results: tuple[ClipResult, ...]


def run_fold(
    examples: Examples,
    fold: Fold,
    recipe: Recipe,
    banks: FilterBanks,
    work: Path,
    progress: Progress,
    callbacks: Callable[[str], Sequence[Any]] = lambda _name: (),
) -> FoldRun:
    """Fit on ``fold.train`` and label ``fold.test`` with the model as it would ship.

    The test clips go through the bundle and ONNX Runtime, so that what is measured is what a
    user of the bundle gets.
    """
    system = fit_system(examples, fold.train, recipe, banks, work, progress, callbacks)
    bundle = make_bundle(system, examples.classes, recipe, banks)
    progress.say(f"Labelling {len(fold.test)} test clips")
    return FoldRun(system, bundle, label_clips(Model(bundle), examples, fold.test))


def make_bundle(
    system: System, classes: tuple[str, ...], recipe: Recipe, banks: FilterBanks
) -> Bundle:
    """Gather what prediction needs; the identity is the name and a digest of the weights."""
    network = network_to_onnx(system.network.model, recipe.network)
    heads = system.heads
    digest = hashlib.sha256(network)
    for array in (*heads.bank.to_arrays().values(), *heads.decision.to_arrays().values()):
        digest.update(np.ascontiguousarray(array).tobytes())
    return Bundle(
        identity=f"{recipe.name}-{digest.hexdigest()[:8]}",
        classes=classes,
        recipe=recipe,
        banks=banks,
        statistics=system.network.statistics,
        network=network,
        projection=heads.projection,
        bank=heads.bank,
        decision=heads.decision,
    )


def label_clips(model: Model, examples: Examples, indices: Sequence[int]) -> tuple[ClipResult, ...]:
    """Return what every system says of the clips."""
    results = []
    for index in indices:
        clip = examples.clips[index]
        shares = model.shares(examples.frames[index])
        results.append(ClipResult(clip.name, clip.speaker, clip.emotion, shares))
    return tuple(results)
