"""The space of a search: which keys of the recipe, and what values they may have.

A file of YAML, a key of the recipe a line, and for each a list of choices, or the ends of a range:
``{low: 0.0001, high: 0.01, log: true}``, ``{low: 8, high: 64, step: 8, int: true}``.
"""

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from bilstm_hmm.config.loading import recipe_from_tree
from bilstm_hmm.config.reading.plain_yaml import PlainYamlError, parse_yaml
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.config.shipped import shipped_folder
from bilstm_hmm.errors import ToolkitError, brief
from bilstm_hmm.experiments.tuning.fixed_keys import refuse_fixed

#: Where the spaces lie that ship, below ``configs/``.
SPACES = "spaces"
_NUMBERS = ("low", "high", "step")
_RANGE_KEYS = (*_NUMBERS, "log", "int")


@dataclass(frozen=True, slots=True)
class Choice:
    """A key that has one of several values; a value goes by its label, since some are lists."""

    key: str
    values: Mapping[str, Any]

    def label(self, value: Any) -> str | None:
        """Return the label of a value, None where it is no choice."""
        text = _label(value)
        return text if text in self.values else None


@dataclass(frozen=True, slots=True)
class Range:
    """A key that has a number between two ends, both included.

    Attributes
    ----------
    log
        Whether numbers are drawn by their logarithm.
    step
        What lies between two numbers; None for any number, or for every whole one.
    whole
        Whether numbers are whole.
    """

    key: str
    low: float
    high: float
    log: bool
    step: float | None
    whole: bool

    def label(self, value: Any) -> float | int | None:
        """Return a value as the search has it, None where the range does not have it."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if not self.low <= value <= self.high or (self.whole and value != int(value)):
            return None
        steps = 0.0 if self.step is None else (value - self.low) / self.step
        if abs(steps - round(steps)) > 1e-9:
            return None
        return int(value) if self.whole else float(value)


Dimension = Choice | Range


@dataclass(frozen=True, slots=True)
class Space:
    """What is searched: its dimensions, in the order of the file, and what the file says."""

    dimensions: tuple[Dimension, ...]
    tree: Mapping[str, Any]

    def values(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of the recipe's keys for what the search has of them."""
        by_key = {dimension.key: dimension for dimension in self.dimensions}
        values = {}
        for key, given in params.items():
            dimension = by_key[key]
            values[key] = dimension.values[given] if isinstance(dimension, Choice) else given
        return values

    def params_of(self, recipe: Recipe) -> dict[str, Any]:
        """Return what a recipe has of the space; keys whose value is not in it are left out."""
        tree = recipe.model_dump(mode="json")
        found = {d.key: d.label(_get(tree, d.key)) for d in self.dimensions}
        return {key: value for key, value in found.items() if value is not None}


def space_path(name: str) -> Path:
    """Find a space by path, then by name among those that ship in ``configs/spaces/``.

    Raises
    ------
    ToolkitError
        Where there is none.
    """
    path = Path(name)
    if path.is_file():
        return path
    shipped = shipped_folder("configs") / SPACES
    for candidate in (shipped / path.name, shipped / f"{path.name}.yaml"):
        if candidate.is_file():
            return candidate
    names = ", ".join(sorted(p.name for p in shipped.glob("*.yaml")))
    raise ToolkitError(f"--space {name}: no such file; give a path or one of {names}.")


def load_space(name: str, recipe: Recipe, metric: str) -> Space:
    """Read a space and check each value of it against the recipe's types.

    Parameters
    ----------
    metric
        What is measured, since some keys do not change it.

    Raises
    ------
    ToolkitError
        No file or none of YAML, no key in it, an unknown key, one that stays as it is in a search,
        or wrong bounds or choices.
    """
    path = space_path(name)
    try:
        tree = parse_yaml(path.read_text(encoding="utf-8"))
    except (PlainYamlError, UnicodeDecodeError) as error:
        raise ToolkitError(f"{path}: not valid YAML ({error}); mend it there.") from None
    except OSError as error:
        raise ToolkitError(f"{path}: cannot be read ({error.strerror}).") from None
    return space_from_tree(tree, str(path), recipe, metric)


def space_from_tree(tree: Any, source: str, recipe: Recipe, metric: str) -> Space:
    """Check what a file says of a space; see `load_space`. `source` opens the sentences."""
    if not tree:
        raise ToolkitError(
            f"{source}: no key to search; give at least one, as in "
            "training.learning_rate: {low: 0.0001, high: 0.01, log: true}."
        )
    if not isinstance(tree, dict):
        raise ToolkitError(f"{source}: expected keys and values, as in configs/spaces/space.yaml.")
    keys = list(map(str, tree))
    for key in keys:
        refuse_fixed(key, source, metric)
        inside = [other for other in keys if other.startswith(f"{key}.")]
        if inside:
            raise ToolkitError(f"{source}: {inside[0]} lies inside {key}; search one of the two.")
    dimensions = tuple(_dimension(str(key), given, source, recipe) for key, given in tree.items())
    return Space(dimensions, json.loads(json.dumps(tree, default=str)))


def recipe_with(recipe: Recipe, values: Mapping[str, Any], source: str) -> Recipe:
    """Return the recipe with other values for some keys, dotted.

    Raises
    ------
    ToolkitError
        The values do not go into a recipe, or not together; `source` opens the sentence.
    """
    tree = recipe.model_dump(mode="json")
    for key, value in values.items():
        _set(tree, key, value, source)
    return recipe_from_tree(tree, source)


def _dimension(key: str, given: Any, source: str, recipe: Recipe) -> Dimension:
    if isinstance(given, list):
        return _choice(key, given, source, recipe)
    if isinstance(given, dict):
        return _range(key, given, source, recipe)
    raise ToolkitError(
        f"{source}: {key}: expected a list of choices, or a range as in {{low: 0.0, high: 0.5}} "
        f"(given {brief(repr(given))})."
    )


def _choice(key: str, given: Sequence[Any], source: str, recipe: Recipe) -> Choice:
    values = {_label(value): value for value in given}
    if len(values) < 2:
        raise ToolkitError(
            f"{source}: {key}: give two choices or more (given {brief(repr(given))})."
        )
    if len(values) < len(given):
        raise ToolkitError(
            f"{source}: {key}: a choice stands there twice (given {brief(repr(given))})."
        )
    for value in given:
        recipe_with(recipe, {key: value}, source)
    return Choice(key, values)


def _range(key: str, given: Mapping[str, Any], source: str, recipe: Recipe) -> Range:
    low, high, step = (_number(given.get(name)) for name in _NUMBERS)
    # A wrong key is the first thing to say, before what is wrong with its range.
    own = _get(recipe.model_dump(mode="json"), key)
    recipe_with(recipe, {key: own if low is None or own is not None else low}, source)
    for name in given:
        if name not in _RANGE_KEYS:
            meant = get_close_matches(str(name), _RANGE_KEYS, 1)
            question = f" (did you mean {meant[0]}?)" if meant else ""
            raise ToolkitError(
                f"{source}: {key}: unknown {name}{question}; a range has {', '.join(_RANGE_KEYS)}."
            )
    wrong = [name for name in given if name in _NUMBERS and _number(given[name]) is None]
    if wrong:
        given_value = f"(given {brief(repr(given[wrong[0]]))})"
        raise ToolkitError(f"{source}: {key}: {wrong[0]} must be a number {given_value}.")
    if low is None or high is None:
        raise ToolkitError(f"{source}: {key}: a range needs low and high, or give a list.")
    whole = given.get("int", not any(isinstance(n, float) for n in (low, high, own)))
    found = Range(key, low, high, bool(given.get("log", False)), step, bool(whole))
    _check_range(found, source)
    for value in (low, high):
        recipe_with(recipe, {key: int(value) if whole else float(value)}, source)
    return found


def _check_range(given: Range, source: str) -> None:
    """Raise a `ToolkitError` where the numbers of a range do not go together."""
    low, high, step = given.low, given.high, given.step
    wrong = None
    if low >= high:
        wrong = f"low must be below high (given {low} and {high})"
    elif given.log and low <= 0:
        wrong = f"with log, low must be above 0 (given {low})"
    elif given.log and step is not None:
        wrong = "log and step do not go together; leave one out"
    elif step is not None and not 0 < step <= high - low:
        wrong = f"step must be above 0 and fit between low and high (given {step})"
    elif given.whole and any(n is not None and n != int(n) for n in (low, high, step)):
        wrong = "with int, low, high and step must be whole numbers"
    if wrong is not None:
        raise ToolkitError(f"{source}: {given.key}: {wrong}.")


def _number(value: Any) -> float | None:
    """Return a finite number, whole ones as they are, None for what is none.

    YAML takes 1e-4, without a point, for a word.
    """
    if isinstance(value, str):
        with suppress(ValueError):
            value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def _label(value: Any) -> str:
    """Return the text by which a choice goes: words as they are, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _get(tree: Any, key: str) -> Any:
    """Return the value of a dotted key, None where there is none; numbers are places in a list."""
    for part in key.split("."):
        if isinstance(tree, list) and part.isdigit() and int(part) < len(tree):
            tree = tree[int(part)]
        elif isinstance(tree, dict):
            tree = tree.get(part)
        else:
            return None
    return tree


def _set(tree: dict[str, Any], key: str, value: Any, source: str) -> None:
    *parents, last = key.split(".")
    node: Any = tree
    for depth, parent in enumerate(parents, start=1):
        child = _get(node, parent)
        if child is None and isinstance(node, dict):
            child = node[parent] = {}
        if not isinstance(child, dict | list):
            above = ".".join(parents[:depth])
            raise ToolkitError(f"{source}: {key}: {above} is a value, not a section.")
        node = child
    if isinstance(node, dict):
        node[last] = value
    elif last.isdigit() and int(last) < len(node):
        node[int(last)] = value
    else:
        raise ToolkitError(f"{source}: {key}: the recipe's list has no place {last}.")
