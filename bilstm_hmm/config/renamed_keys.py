"""Keys of a recipe that had another name before, under which older files still give them.

The names stand where a key is defined, as the choices of its alias: today's name first.
"""

from collections.abc import Sequence
from typing import Any, get_args

from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo

from bilstm_hmm.config.schema import Recipe


def section_at(path: Sequence[str | int]) -> type[BaseModel] | None:
    """Return the section of a recipe at `path`, of names and of places in a list, or None."""
    section: type[BaseModel] | None = Recipe
    for part in path:
        if section is not None and isinstance(part, str):
            field = section.model_fields.get(part)
            section = None if field is None else _section_in(field.annotation)
    return section


def key_names(path: Sequence[str | int]) -> tuple[str, ...]:
    """Return every name of the key at `path`, today's first; its own where none is known."""
    section = section_at(path[:-1])
    if section is not None:
        for name, field in section.model_fields.items():
            names = _names(name, field)
            if path[-1] in names:
                return names
    return (str(path[-1]),)


def _names(name: str, field: FieldInfo) -> tuple[str, ...]:
    alias = field.validation_alias
    return tuple(map(str, alias.choices)) if isinstance(alias, AliasChoices) else (name,)


def _section_in(annotation: Any) -> type[BaseModel] | None:
    """The section in a type: itself, an optional one, or one of many in a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_section_in, get_args(annotation))), None)
