"""TESS: the Toronto Emotional Speech Set."""

import re
from pathlib import PurePosixPath

from .corpus import ClipLabels, Corpus, Fault

_LABELS = {
    "angry": "angry",
    "disgust": "disgust",
    "fear": "fearful",
    "happy": "happy",
    "neutral": "neutral",
    "ps": "surprised",
    "sad": "sad",
}
_MISSPELT = "OA_bite_neutral"
_NAME = re.compile(rf"(OAF|YAF|OA)_([a-z]+)_({'|'.join(_LABELS)})", re.IGNORECASE)


def _parse(path: PurePosixPath) -> ClipLabels | None:
    """Read ``speaker_word_emotion``; the carrier phrase is always "Say the word ..."."""
    match = _NAME.fullmatch(path.stem)
    if match is None or (match[1].upper() == "OA" and path.stem != _MISSPELT):
        return None
    speaker = "YAF" if match[1].upper() == "YAF" else "OAF"
    word, code = match[2].lower(), match[3].lower()
    return ClipLabels(
        key=f"{speaker}_{word}_{code}",
        emotion=_LABELS[code],
        speaker=speaker,
        sex="female",
        sentence=word,
    )


TESS = Corpus(
    name="tess",
    title="TESS",
    language="en",
    licence="CC BY-NC-ND 4.0",
    commercial=False,
    citation=(
        "Pichora-Fuller, M. K., & Dupuis, K. (2020). Toronto emotional speech set (TESS). "
        "Scholars Portal Dataverse, V1. https://doi.org/10.5683/SP2/E8H2MF"
    ),
    url="https://doi.org/10.5683/SP2/E8H2MF",
    labels=_LABELS,
    instructions=(
        "download the files from https://doi.org/10.5683/SP2/E8H2MF and unpack them into one folder"
    ),
    parse=_parse,
    faults=(Fault(_MISSPELT, "misspelt for OAF_bite_neutral: read as speaker OAF", "corrected"),),
)
