"""The page of the configuration, from the pydantic models."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import yaml
from pydantic import AliasChoices, BaseModel

from .markdown import table

Schema = Mapping[str, Any]


def configuration() -> str:
    """Return the page of all keys of a recipe, section by section."""
    from bilstm_hmm.config.schema import Recipe

    return HEAD + "".join(sections(Recipe))


HEAD = """# Configuration

A recipe is a YAML file with the keys below; a key that it leaves out has the default given here.
`--config` takes a path or the name of a [recipe that ships](../guide/train.md#recipes), and
`--set section.key=value` overrides one key:

    bilstm-hmm train --config config.yaml --set training.epochs=10 --set network.units=[64,32]

An unknown key or a wrong value ends the command with one sentence that says what is allowed.
"""


def sections(model: type[BaseModel]) -> Iterator[str]:
    """Yield the headings and tables of a model and of all models in it."""
    schema = model.model_json_schema(by_alias=False)
    older = {found.__name__: _older_names(found) for found in _models(model)}
    yield from _section(schema, {**schema, "older": older}, "")


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield a model and those that its fields name."""
    yield model
    pending = [field.annotation for field in model.model_fields.values()]
    while pending:
        annotation = pending.pop()
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _models(annotation)
        else:
            pending += get_args(annotation)


def _older_names(model: type[BaseModel]) -> dict[str, list[str]]:
    """The names that older recipes may use, by the name of today."""
    aliases = {name: field.validation_alias for name, field in model.model_fields.items()}
    return {
        name: [str(choice) for choice in alias.choices if choice != name]
        for name, alias in aliases.items()
        if isinstance(alias, AliasChoices)
    }


def _section(section: Schema, whole: Schema, prefix: str) -> Iterator[str]:
    """Yield the heading and table of a section, then those of the sections in it."""
    rows, below = [], []
    for name, key in section["properties"].items():
        inner = _inner(key, whole)
        if inner is not None:
            below.append((name, inner))
        if inner is None or "description" in key:
            meaning = key.get("description", "").replace("|", "\\|")
            for alias in whole["older"][section["title"]].get(name, ()):
                meaning += f" Older recipes call it `{prefix}{alias}`."
            default = key.get("default", {} if key.get("type") == "object" else None)
            rows.append(
                [f"`{prefix}{name}`", _type(key), f"`{_yaml(_brief(default, inner))}`", meaning]
            )
    depth = prefix.count(".")
    yield f"\n{'#' * (2 + (depth > 1))} {f'`{prefix[:-1]}`' if prefix else 'Top level'}\n\n"
    yield re.sub(r"``?([^`]+)``?", r"`\1`", section["description"]) + "\n\n"
    if rows:
        yield table(("key", "type", "default", "meaning"), rows)
    for name, inner in below:
        several = "[]" if section["properties"][name].get("type") == "array" else ""
        yield from _section(inner, whole, f"{prefix}{name}{several}.")


def _inner(key: Schema, whole: Schema) -> Schema | None:
    """The section that a key holds: itself, or null, or a list of them."""
    for part in (key, *key.get("anyOf", ()), key.get("items", {})):
        if "$ref" in part:
            return dict(whole["$defs"][part["$ref"].rpartition("/")[2]])
    return None


def _brief(default: Any, inner: Schema | None) -> Any:
    """The default without what the sections in it have by default themselves."""
    if isinstance(default, list):
        return [_brief(item, inner) for item in default]
    if isinstance(default, dict) and inner is not None:
        keys = inner["properties"]
        return {name: value for name, value in default.items() if value != keys[name]["default"]}
    return default


def _yaml(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=1000)
    return str(text).removesuffix("\n...\n").strip()


_NAMES = {"integer": "integer", "number": "number", "boolean": "`true`, `false`", "null": "`null`"}
_LIMITS = {
    "minimum": "≥ {:g}",
    "exclusiveMinimum": "> {:g}",
    "maximum": "≤ {:g}",
    "exclusiveMaximum": "< {:g}",
    "multipleOf": "multiple of {:g}",
}


def _type(key: Schema) -> str:
    if "anyOf" in key:
        return " or ".join(map(_type, key["anyOf"]))
    if "enum" in key:
        return ", ".join(f"`{choice}`" for choice in key["enum"])
    if "prefixItems" in key:
        parts = list(map(_type, key["prefixItems"]))
        return f"two, each {parts[0]}" if parts[0] == parts[1] else f"[{', '.join(parts)}]"
    if key.get("type") == "array":
        return f"list of {_type(key['items'])}"
    if key.get("type") == "object":
        return f"names to {_type(key['additionalProperties'])}s"
    return _simple_type(key)


def _simple_type(key: Schema) -> str:
    if "$ref" in key:
        return "keys below"
    if key["type"] == "string":
        return str(key.get("format", "text"))
    limits = [text.format(key[name]) for name, text in _LIMITS.items() if name in key]
    return f"{_NAMES[key['type']]} {', '.join(limits)}".strip()
