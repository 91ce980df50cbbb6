"""The words that people use for emotions, brought to the canonical ones."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from ..clip import EMOTIONS

_SYNONYMS = {
    "neutral": "neu neut neutrality",
    "calm": "calmness relaxed",
    "happy": "hap happiness happily joy joyful",
    "sad": "sadness sorrow",
    "angry": "ang anger",
    "fearful": "fea fear scared afraid anxiety anxious",
    "disgust": "dis disgusted",
    "surprised": "sur surprise ps pleasant_surprise pleasant_surprised pleasantly_surprised",
    "bored": "bor boredom",
}

_CANONICAL = {word: emotion for emotion, words in _SYNONYMS.items() for word in words.split()}
_CANONICAL |= {emotion: emotion for emotion in EMOTIONS}


def canonical_emotion(word: str) -> str | None:
    """Return the canonical emotion that `word` stands for, or None where it stands for none.

    Case, surrounding blanks and the kind of separator do not matter:
    ``"Pleasant Surprise"`` gives ``"surprised"``.
    """
    return _CANONICAL.get(re.sub(r"[\s_-]+", "_", word.strip().casefold()))


def emotion_words() -> Mapping[str, str]:
    """Return all words that `canonical_emotion` knows, each with its emotion."""
    return MappingProxyType(_CANONICAL)
