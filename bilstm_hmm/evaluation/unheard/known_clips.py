"""Which unlabelled clips of a voice are known when another clip of it is tested."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from zlib import crc32

import numpy as np

from bilstm_hmm.data.clip import NEUTRAL

#: Share of neutral clips where they are most of those that are known.
_NEUTRAL_SHARE = 0.7

Skew = Literal["none", "neutral", "one-emotion", "mostly-neutral"]


@dataclass(frozen=True, slots=True)
class Known:
    """How much of a voice is known.

    Attributes
    ----------
    name
        In tables and files.
    count
        How many clips, or ``all`` others of the voice.
    skew
        Which emotions they are of: as they are drawn; neutral alone; one alone that is drawn for
        each tested clip; or seven neutral ones of ten. Nothing but the draw looks at the labels.
    """

    name: str
    count: int | Literal["all"]
    skew: Skew = "none"


NOTHING = Known("0", 0)
ALL = Known("all", "all")
#: The conditions in the order of the tables.
KNOWN = (
    NOTHING,
    Known("1", 1),
    Known("5", 5),
    Known("20", 20),
    ALL,
    Known("10-neutral", 10, "neutral"),
    Known("10-one-emotion", 10, "one-emotion"),
    Known("10-mostly-neutral", 10, "mostly-neutral"),
)


def draw_known(
    known: Known, emotions: Sequence[str], tested: int, name: str, seed: int
) -> tuple[int, ...]:
    """Return which clips of a voice are known when one of them is tested.

    The tested clip is never among them. Where a voice has too few clips, those that it has are
    drawn; of mostly neutral ones then fewer of either kind. The clips known with 5 are among those
    known with 20.

    Parameters
    ----------
    emotions
        Of every clip of the voice.
    tested
        The tested clip, as an index into them.
    name, seed
        Of the tested clip, and any number: they decide the draw.
    """
    if known.count == "all":
        return tuple(i for i in range(len(emotions)) if i != tested)
    rng = np.random.default_rng([seed, crc32(name.encode("utf-8", "surrogatepass"))])
    others = [int(i) for i in rng.permutation(len(emotions)) if i != tested]
    neutral = [i for i in others if emotions[i] == NEUTRAL]
    if known.skew == "neutral":
        others = neutral
    elif known.skew == "one-emotion" and others:
        there = sorted({emotions[i] for i in others})
        drawn = there[int(rng.integers(len(there)))]
        others = [i for i in others if emotions[i] == drawn]
    elif known.skew == "mostly-neutral":
        neutral = neutral[: round(_NEUTRAL_SHARE * known.count)]
        n_rest = round(len(neutral) * (1.0 / _NEUTRAL_SHARE - 1.0))
        others = [*neutral, *[i for i in others if emotions[i] != NEUTRAL][:n_rest]]
    return tuple(others[: known.count])
