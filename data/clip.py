"""One labelled recording, and the emotions that labels are made of."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

EMOTIONS = (
    "neutral",
    "calm",
    "happy",
    "sad",
    "angry",
    "fearful",
    "disgust",
    "surprised",
    "bored",
)
NEUTRAL = "neutral"

Sex = Literal["female", "male"]


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording with its emotion and speaker, and what else the corpus says of it.

    Attributes
    ----------
    path
        Where the audio lies.
    name
        The path below the corpus root, with forward slashes: what reports print.
    emotion
        One of `EMOTIONS`, or the corpus's own word where it has no canonical counterpart
        (only folder trees and manifests).
    speaker
        Unique over all corpora: ``<corpus>-<speaker>``, as in ``ravdess-07``.
    corpus
        The name of the corpus module.
    language
        ISO 639-1, or None where unknown.
    """

    path: Path
    name: str
    emotion: str
    speaker: str
    corpus: str
    language: str | None = None
    sex: Sex | None = None
    intensity: str | None = None
    sentence: str | None = None
