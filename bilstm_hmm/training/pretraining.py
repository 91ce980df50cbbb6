"""Training a network on other corpora first: what it learns there is where a fold begins.

Nothing of the corpus that is evaluated takes part: a speaker who is in both is left out of the
pre-training, so that its result is the same for every fold and is kept for all of them.
"""

import hashlib
import zipfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np

from bilstm_hmm.atomic_files import atomic_path
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.data.corpora.registry import scan_corpus
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.spectral.filterbanks import FilterBanks
from bilstm_hmm.training.context import LayerWeights, TrainingContext, TrainingTask
from bilstm_hmm.training.dataset import corpus_root, dataset_corpora, sort_emotions
from bilstm_hmm.training.examples import Examples, load_examples
from bilstm_hmm.training.loop import TrainedNetwork, train_network

#: The layers that are made anew for the emotions of the fold.
OUTPUT_LAYERS = ("frame", "clip")


def initial_weights(context: TrainingContext) -> LayerWeights:
    """Return the weights that every network of the training begins with; none without corpora.

    Raises what `pretraining_clips` raises.
    """
    clips = pretraining_clips(context.recipe, {clip.speaker for clip in context.examples.clips})
    return pretrained_weights(context, clips) if clips else {}


def pretraining_clips(recipe: Recipe, evaluated: Collection[str]) -> tuple[Clip, ...]:
    """Return the clips to train on first: those of ``pretraining.corpora`` of other speakers.

    Corpora that the recipe trains and tests on are passed over, so that one list serves all.

    Parameters
    ----------
    evaluated
        The speakers of the corpus that is evaluated, in training and test alike.

    Raises
    ------
    ToolkitError, DataError
        A corpus that cannot be found or read, or that has no speaker left.
    """
    clips: list[Clip] = []
    evaluated_corpora = dataset_corpora(recipe.data)
    for name in recipe.pretraining.corpora:
        if name in evaluated_corpora:
            continue
        scan = scan_corpus(name, corpus_root(recipe.data, name))
        usable = [clip for clip in scan.clips if clip.speaker not in evaluated]
        if not usable:
            raise ToolkitError(
                f"pretraining.corpora: every speaker of {name} is among those evaluated; leave "
                "it out."
            )
        clips.extend(replace(clip, name=f"{name}/{clip.name}") for clip in usable)
    return tuple(clips)


def pretrained_weights(context: TrainingContext, clips: tuple[Clip, ...]) -> LayerWeights:
    """Train on `clips`, or take what an earlier run of the same recipe on them has learnt.

    Every emotion of the clips is a class; the last epoch is kept.

    Returns
    -------
    Mapping
        The weights of every layer but the output layers, by the layer's name.
    """
    progress, banks = context.progress, context.filter_banks
    recipe = _pretraining_recipe(context.recipe)

    def on_clip(done: int) -> None:
        progress.update(
            "Reading clips to pre-train on and computing their frames", done, len(clips)
        )

    classes = sort_emotions({clip.emotion for clip in clips})
    on_clip(0)
    examples = load_examples(clips, classes, recipe, banks, on_clip)
    cache_file = _cache_file(recipe, examples, banks)
    cached = _read_weights(cache_file) if cache_file is not None else None
    if cached:
        progress.message("Pre-training: taken from the cache")
        return cached
    corpora = ", ".join(dict.fromkeys(clip.corpus for clip in examples.clips))
    progress.message(f"Pre-training on {len(examples.clips)} clips of {corpora}")
    task = TrainingTask(
        name="pre-training",
        key="pretraining",
        train=np.arange(len(examples.clips)),
        validation=np.array([], dtype=np.intp),
        epochs=recipe.training.epochs,
        seed=recipe.seed,
    )
    network = train_network(TrainingContext(examples, recipe, banks, context.work, progress), task)
    weights = _transferable_weights(network)
    if cache_file is not None:
        _write_weights(cache_file, weights)
    return weights


def _pretraining_recipe(recipe: Recipe) -> Recipe:
    settings = recipe.pretraining
    changes = {
        "epochs": settings.epochs,
        "steps": None,
        "batch_size": settings.batch_size,
        "learning_rate": settings.learning_rate,
        "schedule": "cosine",
    }
    return recipe.model_copy(update={"training": recipe.training.model_copy(update=changes)})


def _transferable_weights(network: TrainedNetwork) -> LayerWeights:
    return {
        layer.name: [np.array(weight) for weight in layer.get_weights()]
        for layer in network.network.layers
        if layer.name not in OUTPUT_LAYERS and layer.get_weights()
    }


def _cache_file(recipe: Recipe, examples: Examples, banks: FilterBanks) -> Path | None:
    """Where the weights are kept for other folds and runs; None for a recipe without a cache."""
    if recipe.cache is None:
        return None
    return recipe.cache / "pretrained" / f"{_cache_key(recipe, examples, banks)}.npz"


def _cache_key(recipe: Recipe, examples: Examples, banks: FilterBanks) -> str:
    """Digest of everything that the result depends on, the audio included."""
    parts = ("seed", "features", "augmentation", "network", "training", "pretraining")
    digest = hashlib.sha256(recipe.model_dump_json(include=set(parts)).encode())
    for array in banks.to_arrays().values():
        digest.update(np.ascontiguousarray(array).tobytes())
    for clip, samples in zip(examples.clips, examples.samples, strict=True):
        digest.update(f"{clip.name}\0{clip.emotion}\0".encode("utf-8", "surrogatepass"))
        digest.update(np.ascontiguousarray(samples).tobytes())
    return digest.hexdigest()[:32]


def _read_weights(path: Path) -> LayerWeights | None:
    """The weights of an earlier run, None where there are none or they are damaged."""
    if not path.is_file():
        return None
    weights: dict[str, list[np.ndarray]] = {}
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            for key in stored.files:
                name, _, index = key.rpartition("/")
                weights.setdefault(name, []).insert(int(index), stored[key])
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    return weights


def _write_weights(path: Path, weights: LayerWeights) -> None:
    arrays = {
        f"{name}/{index}": array
        for name, of_layer in weights.items()
        for index, array in enumerate(of_layer)
    }
    with atomic_path(path) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]
