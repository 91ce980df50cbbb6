"""Training a network on other corpora first: what it learns there is where a fold begins.

Nothing of the corpus that is evaluated takes part: a speaker who is in both is left out of the
pre-training, so that its result is the same for every fold and is kept for all of them.
"""

import hashlib
import zipfile
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

import numpy as np

from bilstm_hmm.atomic_files import atomic_path
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.data.corpora.registry import scan_corpus
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.spectral.filterbanks import FilterBanks
from bilstm_hmm.progress import Progress
from bilstm_hmm.training.dataset import corpus_root, dataset_corpora, sort_emotions
from bilstm_hmm.training.examples import Examples
from bilstm_hmm.training.load_examples import load_examples
from bilstm_hmm.training.loop import LayerWeights, TrainedNetwork, TrainingTask, train_network

#: The layers that are made anew for the emotions of the fold.
OUTPUT_LAYERS = ("frame", "clip")


def starting_layers(
    recipe: Recipe,
    examples: Examples,
    banks: FilterBanks,
    work: Path,
    progress: Progress,
) -> LayerWeights | None:
    """Return the weights that every network on `examples` begins with, None for random ones.

    Raises what `pretraining_clips` raises.
    """
    clips = pretraining_clips(recipe, {clip.speaker for clip in examples.clips})
    if not clips:
        return None
    total = len(clips)
    return pretrained_layers(
        recipe,
        clips,
        banks,
        work,
        progress,
        lambda done: progress.move("Reading clips to pre-train on", done, total),
    )


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
    own = dataset_corpora(recipe.data)
    for name in recipe.pretraining.corpora:
        if name in own:
            continue
        found = scan_corpus(name, corpus_root(recipe.data, name)).clips
        usable = [clip for clip in found if clip.speaker not in evaluated]
        if not usable:
            raise ToolkitError(
                f"pretraining.corpora: every speaker of {name} is among those evaluated; leave "
                "it out."
            )
        clips.extend(replace(clip, name=f"{name}/{clip.name}") for clip in usable)
    return tuple(clips)


def pretrained_layers(
    recipe: Recipe,
    clips: tuple[Clip, ...],
    banks: FilterBanks,
    work: Path,
    progress: Progress,
    on_clip: Callable[[int], None],
) -> LayerWeights:
    """Train on `clips`, or take what an earlier run of the same recipe on them has learnt.

    Every emotion of the clips is a class; the last epoch is kept.

    Parameters
    ----------
    work
        Folder of the checkpoint, from which an interrupted training goes on.

    Returns
    -------
    Mapping
        The weights of every layer but the heads, by the layer's name.
    """
    classes = sort_emotions({clip.emotion for clip in clips})
    settings = recipe.pretraining
    training = recipe.training.model_copy(
        update={
            "epochs": settings.epochs,
            "steps": None,
            "batch_size": settings.batch_size,
            "learning_rate": settings.learning_rate,
            "schedule": "cosine",
        }
    )
    recipe = recipe.model_copy(update={"training": training})
    examples = load_examples(clips, classes, recipe, banks, on_clip)
    stored = None
    if recipe.cache is not None:
        stored = recipe.cache / "pretrained" / f"{_key(recipe, examples, banks)}.npz"
        known = _read(stored)
        if known:
            progress.say("Pre-training: taken from the cache")
            return known
    task = TrainingTask(
        name="pre-training",
        train=np.arange(len(examples.clips)),
        validation=np.array([], dtype=np.intp),
        epochs=settings.epochs,
        seed=recipe.seed,
        state_file=work / "pretraining.npz",
    )
    told = ", ".join(dict.fromkeys(clip.corpus for clip in examples.clips))
    progress.say(f"Pre-training on {len(examples.clips)} clips of {told}")
    network = train_network(
        examples, task, recipe, banks, lambda row: progress.epoch(task.name, task.epochs, row)
    )
    layers = _layers(network)
    if stored is not None:
        _write(stored, layers)
    return layers


def _layers(network: TrainedNetwork) -> LayerWeights:
    return {
        layer.name: [np.array(weight) for weight in layer.get_weights()]
        for layer in network.model.layers
        if layer.name not in OUTPUT_LAYERS and layer.get_weights()
    }


def _key(recipe: Recipe, examples: Examples, banks: FilterBanks) -> str:
    """Digest of everything that the result depends on, the audio included."""
    parts = ("seed", "features", "augmentation", "network", "training", "pretraining")
    digest = hashlib.sha256(recipe.model_dump_json(include=set(parts)).encode())
    for array in banks.to_arrays().values():
        digest.update(np.ascontiguousarray(array).tobytes())
    for clip, samples in zip(examples.clips, examples.samples, strict=True):
        digest.update(f"{clip.name}\0{clip.emotion}\0".encode("utf-8", "surrogatepass"))
        digest.update(np.ascontiguousarray(samples).tobytes())
    return digest.hexdigest()[:32]


def _read(path: Path) -> LayerWeights | None:
    """The layers of an earlier run, None where there are none or they are damaged."""
    if not path.is_file():
        return None
    layers: dict[str, list[np.ndarray]] = {}
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            for key in stored.files:
                name, _, index = key.rpartition("/")
                layers.setdefault(name, []).insert(int(index), stored[key])
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    return layers


def _write(path: Path, layers: LayerWeights) -> None:
    arrays = {f"{name}/{i}": array for name, kept in layers.items() for i, array in enumerate(kept)}
    with atomic_path(path) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]
