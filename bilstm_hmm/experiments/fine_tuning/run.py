"""A fine-tuning from clips and a bundle to a bundle and its report."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bilstm_hmm.arrays import FloatArray, FloatMatrix
from bilstm_hmm.atomic_files import atomic_folder
from bilstm_hmm.confidence.reliability import Reliability, fit_reliability
from bilstm_hmm.confidence.typicality import fit_typicality, summarise
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.evaluation.clip_results import ClipResult, clip_result
from bilstm_hmm.evaluation.report import write_evaluation
from bilstm_hmm.experiments.fine_tuning.card import fine_tuned_card, kept_card
from bilstm_hmm.experiments.fine_tuning.parent import Parent, child_recipe
from bilstm_hmm.hmm.fusion import SYSTEMS
from bilstm_hmm.inference.bundle import Bundle, model_identity
from bilstm_hmm.inference.bundle_files import CARD, METRICS, read_keras, write_bundle
from bilstm_hmm.network.keras_setup import prepare_keras
from bilstm_hmm.network.onnx_export import network_to_onnx
from bilstm_hmm.network.onnx_quantize import quantize_network
from bilstm_hmm.progress import Progress
from bilstm_hmm.training.dataset import Dataset
from bilstm_hmm.training.examples import Examples, frame_views, load_examples, normalised_frames
from bilstm_hmm.training.fine_tuning.embedding import EmbeddedClips, embed_clips
from bilstm_hmm.training.fine_tuning.start import Start, start_from
from bilstm_hmm.training.fine_tuning.system import (
    FineTuned,
    check_clips,
    fine_tune_parts,
    speaker_numbers,
)
from bilstm_hmm.training.tracking.choice import open_tracker
from bilstm_hmm.training.tracking.figures import track_results

BUNDLE = "bundle"
#: What the parent is called in a report.
PARENT = "parent"
#: Clips from which on what is known of when a model is right is measured anew.
_RELIABILITY_CLIPS, _TYPICALITY_CLIPS = 100, 200
_VIEWS = 64


def fine_tune(
    recipe: Recipe, parent: Parent, dataset: Dataset, folder: Path, progress: Progress
) -> dict[str, Any]:
    """Go on from a bundle with the clips of a dataset; write all into `folder`, return the metrics.

    Parameters
    ----------
    recipe
        As `bilstm_hmm.experiments.fine_tuning.parent.tuning_recipe` gives it.
    dataset
        Of the recipe's data.

    Raises
    ------
    ToolkitError, AudioError
        What the user can mend, in one sentence.
    """
    bundle = parent.bundle
    for note in dataset.notes:
        progress.message(note)

    def on_clip(done: int) -> None:
        progress.update("Reading clips and computing their frames", done, len(dataset.clips))

    examples = load_examples(dataset.clips, dataset.classes, recipe, bundle.filter_banks, on_clip)
    # Some may not have been readable.
    check_clips(examples.clips, bundle.classes, bundle.model_id)
    start = start_from(bundle, examples.classes)
    clips = _embedded(examples, bundle, recipe, progress)
    progress.message(
        f"Learning from {len(clips.labels)} clips of {len(np.unique(clips.speakers))} speakers"
    )
    with open_tracker(recipe, folder, "train", progress) as tracker:
        tuned = fine_tune_parts(start, clips, recipe)
        metrics = _write_report(tuned, examples, parent, folder)
        progress.message(verdict(metrics))
        if tuned.choice.is_gain:
            _write_child(tuned, start, examples, recipe, parent, metrics, folder / BUNDLE)
        else:
            _write_kept(parent, metrics, folder / BUNDLE)
        track_results(tracker, folder, metrics)
        tracker.bundle(folder / BUNDLE)
    return metrics


def _embedded(
    examples: Examples, bundle: Bundle, recipe: Recipe, progress: Progress
) -> EmbeddedClips:
    n_clips = len(examples.clips)

    def views() -> Iterator[FloatArray]:
        for first in range(0, n_clips, _VIEWS):
            chosen = range(first, min(first + _VIEWS, n_clips))
            yield from frame_views(examples, chosen, recipe, bundle.filter_banks)

    def on_clip(done: int) -> None:
        progress.update("Running the network of the bundle", done, n_clips)

    return embed_clips(bundle, views(), examples.labels, speaker_numbers(examples.clips), on_clip)


def verdict(metrics: dict[str, Any]) -> str:
    """Say what was gained, as one sentence."""
    facts = metrics["fine_tuning"]
    of_what = " of the emotions that it knew" if facts["new"] else ""
    figures = (
        f"UA out of fold{of_what} {facts['ua_before']:.1f} before, {facts['ua_after']:.1f} after"
    )
    if facts["is_gain"]:
        return f"Gained over {facts['parent']}: {figures}"
    return (
        f"No certain gain over {facts['parent']} ({figures}), so it is kept as it is; more clips, "
        "or of more speakers, may change that."
    )


def _write_report(
    tuned: FineTuned, examples: Examples, parent: Parent, folder: Path
) -> dict[str, Any]:
    choice, system = tuned.choice, parent.bundle.recipe.decision.system
    results: list[ClipResult] = []
    for row, clip in enumerate(examples.clips):
        by_system: dict[str, FloatMatrix] = {PARENT: choice.before[row]}
        for name in SYSTEMS:
            by_system[name] = choice.probabilities[name][row]
        results.append(clip_result(clip, by_system))
    facts = {
        "parent": parent.bundle.model_id,
        "parent_sha256": parent.sha256,
        "is_gain": choice.is_gain,
        "strength": choice.strength,
        "weight": choice.weight,
        "speakers": len(np.unique(speaker_numbers(examples.clips))),
        "clips_of": {
            name: int((examples.labels == label).sum())
            for label, name in enumerate(examples.classes)
        },
    }
    metrics = write_evaluation(
        folder,
        "out-of-fold",
        choice.by_speaker,
        examples.classes,
        results,
        [1] * len(results),
        {"fine_tuning": facts},
    )
    # What the parent cannot say is no measure of what was gained over it.
    shared = [name for name in examples.classes if name in parent.bundle.classes]
    recalls = {
        when: [metrics["systems"][name]["recalls"][emotion] for emotion in shared]
        for when, name in (("before", PARENT), ("after", system))
    }
    facts |= {f"ua_{when}": float(np.mean(values)) for when, values in recalls.items()}
    facts["new"] = [name for name in examples.classes if name not in shared]
    return metrics


def _write_child(
    tuned: FineTuned,
    start: Start,
    examples: Examples,
    recipe: Recipe,
    parent: Parent,
    metrics: dict[str, Any],
    folder: Path,
) -> None:
    prepare_keras(recipe.seed)
    # Keras is there from here on alone.
    from bilstm_hmm.training.fine_tuning.saved import with_output_layers

    keras_network = with_output_layers(read_keras(parent.folder), recipe.network, tuned.layers)
    network = network_to_onnx(keras_network, recipe.network)
    bundle = replace(
        parent.bundle,
        model_id=model_identity(recipe.name, network, tuned.hmm_bank, tuned.choice.fusion),
        classes=examples.classes,
        recipe=child_recipe(recipe, parent),
        network=network,
        projection=start.projection,
        hmm_bank=tuned.hmm_bank,
        fusion=tuned.choice.fusion,
        reliability=_reliability(tuned, examples, recipe, parent.bundle),
        int8=quantize_network(network) if recipe.bundle.int8 else None,
    )
    write_bundle(
        folder,
        bundle,
        save_keras=keras_network.save,
        extra={
            METRICS: json.dumps(metrics, indent=2) + "\n",
            CARD: fine_tuned_card(bundle, parent, metrics),
        },
    )


def _reliability(
    tuned: FineTuned, examples: Examples, recipe: Recipe, before: Bundle
) -> Reliability:
    """What is known of when the model is right: of these clips where they are enough for it."""
    known, labels = before.reliability, examples.labels
    probabilities = tuned.choice.probabilities[recipe.decision.system]
    if len(labels) >= _RELIABILITY_CLIPS:
        table = fit_reliability(probabilities, labels).risk_coverage
        known = replace(known, risk_coverage=table)
    if len(labels) >= _TYPICALITY_CLIPS:
        every = range(len(labels))
        frames = normalised_frames(examples, every, recipe, before.statistics)
        summaries = np.stack([summarise(of_clip) for of_clip in frames]).astype(np.float64)
        groups = speaker_numbers(examples.clips) if tuned.choice.by_speaker else None
        known = replace(known, typicality=fit_typicality(probabilities, summaries, groups))
    return known


def _write_kept(parent: Parent, metrics: dict[str, Any], folder: Path) -> None:
    """Write the parent as it is, its card saying what was tried."""
    with atomic_folder(folder) as temporary:
        shutil.copytree(parent.folder, temporary, dirs_exist_ok=True)
        card = temporary / CARD
        text = card.read_text(encoding="utf-8") if card.is_file() else ""
        card.write_text(kept_card(text, metrics), encoding="utf-8")
