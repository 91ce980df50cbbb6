"""The bundle that a fine-tuning starts from, and what of its recipe holds."""

from dataclasses import dataclass, replace
from pathlib import Path

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.config.without_paths import without_paths
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.bundle_files import bundle_checksum, find_bundle, read_bundle, read_keras
from bilstm_hmm.inference.shipped import named_model_path
from bilstm_hmm.training.dataset import dataset_corpora
from bilstm_hmm.training.fine_tuning.start import rename_classes

#: Sections of a recipe that a fine-tuning goes by; all others are those of the bundle.
OWN_SECTIONS = ("data", "fine_tuning")
_OWN_KEYS = ("name", "seed", "jobs", "cache", *OWN_SECTIONS)


@dataclass(frozen=True, slots=True)
class Parent:
    """A bundle to start from: where it lies, the sha256 that stands for it, and its contents.

    The classes of `bundle` have the names that ``fine_tuning.renamed`` gives them.
    """

    folder: Path
    sha256: str
    bundle: Bundle


def read_parent(name: Path, recipe: Recipe) -> Parent:
    """Read the bundle to start from: a shipped model by its name, or a folder.

    Raises
    ------
    ToolkitError
        There is none, it is damaged or has no saved network, or ``fine_tuning.renamed`` names an
        emotion that it has not, or one twice.
    """
    folder = find_bundle(named_model_path(name))
    bundle = read_bundle(folder)
    # What is damaged or missing is said before any clip is read.
    read_keras(folder)
    renamed = recipe.fine_tuning.renamed
    unknown = [emotion for emotion in renamed if emotion not in bundle.classes]
    if unknown:
        raise ToolkitError(
            f"fine_tuning.renamed: the model {bundle.model_id} has no emotion {unknown[0]!r}; "
            f"choose from {', '.join(bundle.classes)}."
        )
    classes = rename_classes(bundle.classes, renamed)
    if len(set(classes)) < len(classes):
        raise ToolkitError(
            "fine_tuning.renamed: two emotions would have one name; data.label_map merges those of "
            "your clips instead."
        )
    return Parent(folder, bundle_checksum(folder), replace(bundle, classes=classes))


def tuning_recipe(recipe: Recipe, parent: Parent) -> Recipe:
    """Return the recipe of a fine-tuning: the bundle's, but for what the user's own is for."""
    own = {key: getattr(recipe, key) for key in _OWN_KEYS}
    return parent.bundle.recipe.model_copy(update=own)


def overruled_sections(recipe: Recipe) -> tuple[str, ...]:
    """Return the sections of a user's recipe that say something and are not gone by."""
    plain = Recipe()
    others = [name for name in Recipe.model_fields if name not in _OWN_KEYS]
    return tuple(name for name in others if getattr(recipe, name) != getattr(plain, name))


def child_recipe(recipe: Recipe, parent: Parent) -> Recipe:
    """Return the recipe that the new bundle holds: no path in it, all corpora that it has seen."""
    before = parent.bundle.recipe
    own = [name for name in dataset_corpora(recipe.data) if name != before.data.corpus]
    also = tuple(dict.fromkeys((*before.data.also, *own)))
    # What widens the bundle's calibration is in its fusion, which clips of the new corpus correct.
    decision = recipe.decision.model_copy(update={"temperature": 1.0})
    data = before.data.model_copy(update={"also": also})
    return without_paths(recipe.model_copy(update={"data": data, "decision": decision}))
