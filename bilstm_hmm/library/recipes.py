"""A recipe in whatever way a Python program has it: a name, a path, plain values."""

import os
from collections.abc import Mapping
from typing import Any

import yaml

from bilstm_hmm.config.loading import load_recipe, resolve_recipe
from bilstm_hmm.config.schema import Recipe

#: A path, the name of a recipe that ships, what a recipe's YAML holds, or a recipe.
RecipeLike = str | os.PathLike[str] | Mapping[str, Any] | Recipe
#: Values by dotted key, as in ``{"training.epochs": 5}``.
Settings = Mapping[str, Any]


def recipe_of(recipe: RecipeLike, settings: Settings | None = None) -> Recipe:
    """Return a recipe with some of its keys set anew.

    Raises
    ------
    ToolkitError, EncoderError
        As for `bilstm_hmm.config.loading.load_recipe`; a setting is named as ``--set``.
    """
    overrides = [f"{key}={_yaml(value)}" for key, value in (settings or {}).items()]
    if isinstance(recipe, Recipe):
        if not overrides:
            return recipe
        return resolve_recipe(recipe.model_dump(mode="json"), "the recipe", overrides)
    if isinstance(recipe, Mapping):
        return resolve_recipe(recipe, "the recipe", overrides)
    return load_recipe(os.fspath(recipe), overrides)


def _yaml(value: Any) -> str:
    """Return a value on one line."""
    text = yaml.safe_dump(_plain(value), default_flow_style=True, width=float("inf"))
    return str(text).removesuffix("...\n").strip()


def _plain(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    # A number of NumPy's is one of Python's.
    return value.item() if hasattr(value, "item") else value
