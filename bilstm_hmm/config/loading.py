"""Reading a recipe: a YAML file, the ``--set`` overrides, and one sentence where one is wrong."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bilstm_hmm.config.reading.plain_yaml import PlainYamlError, parse_yaml
from bilstm_hmm.config.renamed_keys import key_names, section_at
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.config.shipped import shipped_folder
from bilstm_hmm.config.suggestions import suggest_key
from bilstm_hmm.errors import ToolkitError, brief
from bilstm_hmm.features.settings.encoder import EncoderSettings

# Instead of Python's types, which are not the user's.
_PLAIN = {
    "model_type": "expected keys and values below it",
    "dict_type": "expected keys and values, as in {old: new}",
    "tuple_type": "expected a list, as in [one, two]",
}


def recipe_path(name: str) -> Path:
    """Find a recipe by path, then by name among those that ship in ``configs/``.

    Raises
    ------
    ToolkitError
        Where there is none; the message lists those that ship.
    """
    path = Path(name)
    if path.is_file():
        return path
    shipped = shipped_folder("configs")
    for candidate in (shipped / path.name, shipped / f"{path.name}.yaml"):
        if candidate.is_file():
            return candidate
    names = ", ".join(sorted(p.name for p in shipped.glob("*.yaml")))
    raise ToolkitError(f"--config {name}: no such file; give a path or one of {names}.")


def load_recipe(name: str, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe and apply ``key.sub=value`` overrides, whose values are read as YAML.

    Raises
    ------
    ToolkitError
        A missing file, text that is not YAML, an unknown key or a wrong value.
    EncoderError
        A path of an encoder at which there is none.
    """
    path = recipe_path(name)
    try:
        tree = parse_yaml(path.read_text(encoding="utf-8"))
    except (PlainYamlError, UnicodeDecodeError) as error:
        raise ToolkitError(f"{path}: not valid YAML ({error}); mend it there.") from None
    except OSError as error:
        raise ToolkitError(f"{path}: cannot be read ({error.strerror}).") from None
    if tree is None:
        tree = {}
    if not isinstance(tree, dict):
        raise ToolkitError(f"{path}: expected keys and values, as in configs/config.yaml.")
    return resolve_recipe(tree, str(path), overrides)


def resolve_recipe(tree: Mapping[str, Any], source: str, overrides: Sequence[str] = ()) -> Recipe:
    """Make a recipe of plain values, which stay as they are, and overrides as in `load_recipe`.

    Raises
    ------
    ToolkitError, EncoderError
        As for `load_recipe`; `source` opens the sentence.
    """
    changed = deepcopy(dict(tree))
    for override in overrides:
        _apply(changed, override)
    return _with_encoder(_recipe(changed, source, overrides))


def _with_encoder(recipe: Recipe) -> Recipe:
    """The recipe with the checksums of its encoders, so that it means one file and no other."""
    teacher = recipe.distillation.encoder
    if recipe.features.has_encoder:
        of_frames = {"encoder": _with_checksum(recipe.features.encoder)}
        features = recipe.features.model_copy(update=of_frames)
        recipe = recipe.model_copy(update={"features": features})
    if teacher is not None:
        of_teacher = {"encoder": _with_checksum(teacher)}
        distillation = recipe.distillation.model_copy(update=of_teacher)
        recipe = recipe.model_copy(update={"distillation": distillation})
    return recipe


def _with_checksum(encoder: EncoderSettings) -> EncoderSettings:
    from bilstm_hmm.features.encoder.resolve import with_checksum

    return with_checksum(encoder)


def recipe_from_tree(tree: Mapping[str, Any], source: str) -> Recipe:
    """Check a tree of plain values against the recipe's types.

    Raises
    ------
    ToolkitError
        For the first wrong key or value; `source` opens the sentence.
    """
    return _recipe(tree, source, ())


def _recipe(tree: Mapping[str, Any], source: str, overrides: Sequence[str]) -> Recipe:
    try:
        return Recipe.model_validate(tree)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        source = _to_blame(first["loc"], overrides) or source
        raise ToolkitError(_sentence(first, source)) from None


def _to_blame(path: Sequence[str | int], overrides: Sequence[str]) -> str | None:
    """Return the option that gave what is wrong at `path`, None where it stands in the file."""
    for override in reversed(overrides):
        given = override.partition("=")[0].split(".")
        n_common = min(len(given), len(path))
        if n_common and given[:n_common] == [str(part) for part in path[:n_common]]:
            return f"--set {brief(override, 200)}"
    return None


def dump_recipe(recipe: Recipe) -> str:
    """Return the resolved recipe as YAML, every key written out."""
    # ASCII with escapes: PyYAML writes some line ends inside words as they are, then folds them.
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)


def _apply(tree: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    shown = brief(override, 200)
    if not equals or not all(key.split(".")):
        raise ToolkitError(
            f"--set {shown}: expected key=value, for instance --set training.epochs=5."
        )
    try:
        value = parse_yaml(text)
    except PlainYamlError:
        raise ToolkitError(f"--set {shown}: the value '{brief(text)}' is not valid YAML.") from None
    *parents, last = key.split(".")
    node = tree
    for parent in parents:
        child = node.setdefault(parent, {})
        if child is None:
            child = node[parent] = {}
        if not isinstance(child, dict):
            raise ToolkitError(f"--set {shown}: {brief(parent)} is a value, not a section.")
        node = child
    # The value of the override, whatever name the file has for the key.
    for name in key_names(key.split(".")):
        node.pop(name, None)
    node[last] = value


def _sentence(first: ErrorDetails, source: str) -> str:
    key = brief(".".join(str(part) for part in first["loc"]), 200)
    if first["type"] == "extra_forbidden":
        current = key_names(first["loc"])[0]
        if current != str(first["loc"][-1]):
            return f"{source}: {key} is what {current} was called; give one of the two."
        section = section_at(first["loc"][:-1])
        allowed = ", ".join(sorted(section.model_fields)) if section is not None else ""
        meant = suggest_key(first["loc"])
        question = "" if meant is None else f" (did you mean {meant}?)"
        return f"{source}: unknown key {key}{question}; allowed here: {allowed}."
    message = brief(_PLAIN.get(first["type"], first["msg"].removeprefix("Value error, ")), 400)
    given = (
        ""
        if isinstance(first["input"], dict | BaseModel)
        else f" (given {brief(repr(first['input']))})"
    )
    return f"{source}: {key or 'the recipe'}: {message}{given}."
