"""Which of several recordings are of one voice."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which recordings are of one voice.

    Attributes
    ----------
    text
        What the user said.
    voices
        The voice of each file, by any name; a file that is not in it is of a voice of its own.
    by_sound
        Whether the recordings are to be grouped by what they sound like.
    """

    text: str
    voices: Mapping[Path, str] = field(default_factory=dict)
    by_sound: bool = False
