"""The file of a voice profile: JSON that a person can read, checked whole before it is used."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.extraction.voice_statistics import FrameMoments

FORMAT_VERSION = 1
CONTENT = (
    "Number, mean and variance of the acoustic features of a voice. It holds no audio, no words "
    "and no emotions."
)
#: Digits of the checksum of the features, enough to tell models apart.
CHECKSUM_DIGITS = 16
#: Bytes beyond which a file is no profile; one of 768 features has 14 000.
MAX_BYTES = 4_000_000
#: Variances have so many digits, and means the same in units of the deviation.
_DIGITS = 5


_Finite = Annotated[float, Field(allow_inf_nan=False, ge=-1e15, le=1e15)]
_Variance = Annotated[float, Field(allow_inf_nan=False, ge=0.0, le=1e30)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _View(_Strict):
    """Moments of one view; a number for each feature."""

    mean: Annotated[tuple[_Finite, ...], Field(min_length=1, max_length=65536)]
    variance: tuple[_Variance, ...]


class ProfileDocument(_Strict):
    """A profile as its file has it."""

    content: Literal[CONTENT]  # type: ignore[valid-type]
    format: Literal[FORMAT_VERSION]  # type: ignore[valid-type]
    features: Annotated[str, Field(pattern=f"^[0-9a-f]{{{CHECKSUM_DIGITS}}}$")]
    frame_rate: Annotated[float, Field(gt=0.0, le=1e5)]
    n_clips: Annotated[int, Field(ge=1, le=10**12)]
    n_frames: Annotated[int, Field(ge=1, le=10**15)]
    views: Annotated[tuple[_View, ...], Field(min_length=1, max_length=64)]

    @model_validator(mode="after")
    def _fit_together(self) -> "ProfileDocument":
        if self.n_frames < self.n_clips:
            raise ValueError("n_frames is less than n_clips")
        lengths = {len(values) for view in self.views for values in (view.mean, view.variance)}
        if len(lengths) > 1:
            raise ValueError("its lists have different lengths")
        return self

    def moments(self) -> FrameMoments:
        """Return the moments of all frames."""
        means = np.array([view.mean for view in self.views])
        variances = np.array([view.variance for view in self.views])
        return FrameMoments(self.n_clips, self.n_frames, means, variances * self.n_frames)


def profile_text(features: str, frame_rate: float, moments: FrameMoments) -> str:
    """Return the text of a profile's file.

    Parameters
    ----------
    features
        Checksum of the features.
    frame_rate
        Frames a second.
    """
    variances = moments.squares / moments.n_frames
    document = {
        "content": CONTENT,
        "format": FORMAT_VERSION,
        "features": features,
        "frame_rate": frame_rate,
        "n_clips": moments.n_clips,
        "n_frames": moments.n_frames,
    }
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in document.items()]
    views = [
        f'    {{"mean": {_numbers(_rounded_means(mean, variance))},\n'
        f'     "variance": {_numbers([f"{value:.{_DIGITS}g}" for value in variance])}}}'
        for mean, variance in zip(moments.mean, variances, strict=True)
    ]
    return "\n".join(["{", *lines, '  "views": [', ",\n".join(views), "  ]", "}", ""])


def read_document(path: Path) -> ProfileDocument:
    """Return what the file of a profile holds.

    Raises
    ------
    ToolkitError
        It cannot be read, is none, or has a later format.
    """
    return parse_document(read_content(path), str(path))


def read_content(path: Path) -> bytes:
    """Return the bytes of what may be the file of a profile, no more than one has.

    Raises
    ------
    ToolkitError
        It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ToolkitError(f"{path}: {reason}; check the path of the voice profile.") from None


def parse_document(content: bytes, name: str) -> ProfileDocument:
    """Return what the content of a profile's file says.

    Parameters
    ----------
    name
        What an error calls it.

    Raises
    ------
    ToolkitError
        It is none, or has a later format.
    """
    if len(content) > MAX_BYTES:
        raise _no_profile(name, "it is too large")
    try:
        tree = json.loads(content.decode("utf-8"))
        version = tree["format"]
    except (ValueError, RecursionError, LookupError, TypeError):
        raise _no_profile(name, "it has no format") from None
    if type(version) is not int:
        raise _no_profile(name, "it has no format")
    if version != FORMAT_VERSION:
        cure = "upgrade the toolkit or learn" if version > FORMAT_VERSION else "learn"
        raise ToolkitError(
            f"{name}: voice profile of format {version}, but this version reads "
            f"{FORMAT_VERSION}; {cure} the voice again."
        )
    try:
        return ProfileDocument.model_validate_json(content)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"]))
        what = fault["msg"].removeprefix("Value error, ")
        raise _no_profile(name, f"{place}: {what}" if place else what) from None


def _no_profile(name: str, what: str) -> ToolkitError:
    return ToolkitError(
        f"{name}: not a voice profile ({what}); learn the voice again with bilstm-hmm voice learn."
    )


def _rounded_means(mean: NDArray[np.float64], variance: NDArray[np.float64]) -> list[str]:
    """Return means to a hundred-thousandth of the deviation, or to as many digits as variances."""
    texts = []
    for value, spread in zip(mean.tolist(), np.sqrt(variance).tolist(), strict=True):
        needed = _DIGITS
        if value and spread:
            needed += max(0, math.ceil(math.log10(abs(value) / spread)))
        texts.append(f"{value:.{min(needed, 12)}g}")
    return texts


def _numbers(texts: Sequence[str]) -> str:
    # As JSON has them: shortest, and none with a bare exponent or point.
    return "[" + ", ".join(repr(float(text)) for text in texts) + "]"
