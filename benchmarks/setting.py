"""What is measured, on what, and how often."""

import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
#: Clips with which a peer gets going: TensorFlow builds its graphs, for one.
WARM_UP_CLIPS = 3


@dataclass(frozen=True, slots=True)
class Setting:
    """One run of the benchmarks.

    Attributes
    ----------
    corpora
        Folder with a folder a corpus, named as ``python -m data list`` names it.
    model
        The bundle that labels.
    recipe
        Whose epoch is measured; the agreement is tested on its corpus.
    epoch_corpora
        What the epoch is trained on: clips of nearly one length pad little, others much. Names
        joined by ``+`` are trained on together.
    clips
        In the folder.
    slow_clips
        The part of them that a peer far slower than ours has to label.
    repeats
        Turns of each comparison.
    seconds
        Of the long recording.
    epochs
        Of each training; the first, in which TensorFlow builds its graphs, does not count.
    seed
        Of the draw of clips.
    scratch
        Folder for what is made on the way.
    """

    corpora: Path
    model: Path
    recipe: str
    epoch_corpora: tuple[str, ...]
    clips: int
    slow_clips: int
    repeats: int
    seconds: float
    epochs: int
    seed: int
    scratch: Path


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
