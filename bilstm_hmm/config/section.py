"""What every section of a recipe has in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

PositiveInt = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0.0, lt=1.0)]
PositiveFloat = Annotated[float, Field(gt=0.0)]


class Section(BaseModel):
    """A part of the recipe: immutable, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")
