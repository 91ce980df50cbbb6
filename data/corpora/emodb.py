"""Emo-DB: the Berlin Database of Emotional Speech."""

import re
from pathlib import PurePosixPath

from ..clip import Sex
from .corpus import Archive, ClipLabels, Corpus

_LABELS = {
    "W": "angry",
    "L": "bored",
    "E": "disgust",
    "A": "fearful",
    "F": "happy",
    "T": "sad",
    "N": "neutral",
}
_SEXES: dict[str, Sex] = dict.fromkeys(("03", "10", "11", "12", "15"), "male")
_SEXES |= dict.fromkeys(("08", "09", "13", "14", "16"), "female")
_NAME = re.compile(rf"({'|'.join(sorted(_SEXES))})([ab]\d\d)([WLEAFTN])([a-z])", re.IGNORECASE)


def _parse(path: PurePosixPath) -> ClipLabels | None:
    """Read ``SSTTTEV``: speaker, text, emotion, version."""
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    speaker, text, code, version = match[1], match[2].lower(), match[3].upper(), match[4].lower()
    return ClipLabels(
        key=f"{speaker}{text}{code}{version}",
        emotion=_LABELS[code],
        speaker=speaker,
        sex=_SEXES[speaker],
        sentence=text,
    )


EMODB = Corpus(
    name="emodb",
    title="Emo-DB",
    language="de",
    licence="free to use",
    commercial=True,
    citation=(
        "Burkhardt, F., Paeschke, A., Rolfes, M., Sendlmeier, W. F., & Weiss, B. (2005). "
        "A database of German emotional speech. Interspeech 2005, 1517-1520. "
        "https://doi.org/10.21437/Interspeech.2005-446"
    ),
    url="http://emodb.bilderbar.info",
    labels=_LABELS,
    instructions="python -m bilstm_hmm corpora download emodb --root DIR",
    parse=_parse,
    archives=(Archive("http://emodb.bilderbar.info/download/download.zip", "emodb.zip"),),
)
