"""One colour for each emotion, the same in every picture."""

from collections.abc import Sequence
from types import MappingProxyType

from bilstm_hmm.data.clip import EMOTIONS
from bilstm_hmm.prediction import NO_SPEECH

#: Searched for in hues that suit the emotions: any two, and the grey of no speech, are 20 or more
#: apart in CIELAB as they are, and for eyes without red, green or blue cones (G. M. Machado et al.,
#: "A physiologically-based model for simulation of color vision deficiency", 2009).
_CANONICAL = MappingProxyType(
    {
        "neutral": "#5D6773",
        "calm": "#1AB68B",
        "happy": "#FCB105",
        "sad": "#0D3ECA",
        "angry": "#D40200",
        "fearful": "#4B2780",
        "disgust": "#59964A",
        "surprised": "#E75DCB",
        "bored": "#583224",
    }
)
#: For words of a user's own: 16 or more apart from those and from each other.
_OTHERS = ("#C9BD58", "#B45EE8", "#67034D", "#D97F06", "#716549", "#B413B2")
_SILENCE = "#DDDDDD"


def colours(labels: Sequence[str]) -> dict[str, str]:
    """Return the colour of each label as ``#RRGGBB``, and of `NO_SPEECH`.

    Parameters
    ----------
    labels
        The classes of a model. Those of `EMOTIONS` have a colour of their own whatever else there
        is; others get theirs by their place in the alphabet, again from the first after the sixth.
    """
    own = sorted(set(labels) - set(EMOTIONS) - {NO_SPEECH})
    chosen = {name: _OTHERS[place % len(_OTHERS)] for place, name in enumerate(own)}
    return {name: (_CANONICAL | chosen)[name] for name in labels if name != NO_SPEECH} | {
        NO_SPEECH: _SILENCE
    }


def is_dark(colour: str) -> bool:
    """Return whether ``#RRGGBB`` wants white letters on it rather than black."""
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue < 0.48
