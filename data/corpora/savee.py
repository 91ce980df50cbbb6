"""SAVEE: the Surrey Audio-Visual Expressed Emotion database."""

import re
from pathlib import PurePosixPath

from .corpus import ClipLabels, Corpus

_LABELS = {
    "a": "angry",
    "d": "disgust",
    "f": "fearful",
    "h": "happy",
    "n": "neutral",
    "sa": "sad",
    "su": "surprised",
}
_SPEAKERS = ("DC", "JE", "JK", "KL")
_NAME = re.compile(rf"(?:({'|'.join(_SPEAKERS)})_)?(sa|su|a|d|f|h|n)(\d\d)", re.IGNORECASE)


def _parse(path: PurePosixPath) -> ClipLabels | None:
    """Read ``SPEAKER_eNN`` or, below the speaker's folder, ``SPEAKER/eNN``."""
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    speaker = (match[1] or path.parent.name).upper()
    if speaker not in _SPEAKERS:
        return None
    code = match[2].lower()
    return ClipLabels(
        key=f"{speaker}_{code}{match[3]}",
        emotion=_LABELS[code],
        speaker=speaker,
        sex="male",
    )


SAVEE = Corpus(
    name="savee",
    title="SAVEE",
    language="en",
    licence="research use only, by registration",
    commercial=False,
    citation=(
        "Haq, S., & Jackson, P. J. B. (2010). Multimodal emotion recognition. In W. Wang (Ed.), "
        "Machine Audition: Principles, Algorithms and Systems (pp. 398-423). IGI Global."
    ),
    url="http://kahlan.eps.surrey.ac.uk/savee/",
    labels=_LABELS,
    instructions=(
        "register at http://kahlan.eps.surrey.ac.uk/savee/Register.html, "
        "then download and unpack the audio"
    ),
    parse=_parse,
)
