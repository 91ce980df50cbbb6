"""The manifest of a bundle, parsed before anything that it says is used."""

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from bilstm_hmm.errors import ToolkitError, brief

FORMAT_VERSION = 2
MANIFEST_CHECKSUM = "seal"
MAX_MANIFEST_BYTES = 1_000_000


class DamagedError(Exception):
    """A part of a bundle that is not what it should be; the text says which, and why."""


def _shown(text: str) -> str:
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ValueError("a name has control characters")
    return text


def _different(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise ValueError("a name stands there twice")
    return names


_Name = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_shown)]
_Checksum = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Manifest(BaseModel):
    """What a bundle says of itself.

    Attributes
    ----------
    model
        Names the model and its very weights.
    sha256
        The checksum of each file, by its name.
    seal
        That of the rest of the manifest, and by that of all files.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    format: int
    model: _Name
    classes: Annotated[
        list[_Name], Field(min_length=1, max_length=1000), AfterValidator(_different)
    ]
    sha256: Annotated[dict[str, _Checksum], Field(max_length=1000)]
    seal: _Checksum


def parse_manifest(content: bytes, name: str, source: str) -> Manifest:
    """Parse a manifest.

    Parameters
    ----------
    name
        Of the file, for messages.
    source
        The bundle, for messages.

    Raises
    ------
    DamagedError
        It is no JSON, does not match its own checksum, or a key is missing or of a wrong type.
    ToolkitError
        It is of another format.
    """
    try:
        tree = json.loads(content.decode("utf-8"))
        version = tree["format"]
        sealed = tree.get(MANIFEST_CHECKSUM) == manifest_checksum(tree)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise DamagedError(f"{name} cannot be read") from None
    # First of all: another format may have other keys.
    if type(version) is not int:
        raise DamagedError(f"{name} gives no format")
    if version != FORMAT_VERSION:
        cure = "upgrade the toolkit or train" if version > FORMAT_VERSION else "train"
        raise ToolkitError(
            f"{source}: bundle format {brief(str(version))}, but this version reads "
            f"{FORMAT_VERSION}; {cure} the model again."
        )
    if not sealed:
        raise DamagedError(f"{name} does not match its checksum")
    try:
        return Manifest.model_validate(tree)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = brief(".".join(str(part) for part in first["loc"]), 120)
        message = brief(first["msg"].removeprefix("Value error, "), 120)
        raise DamagedError(f"{name}: {key}: {message}") from None


def manifest_checksum(manifest: Mapping[str, Any]) -> str:
    """Return the checksum of everything in a manifest but the checksum itself."""
    rest = {key: value for key, value in manifest.items() if key != MANIFEST_CHECKSUM}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()
