"""EMOVO: the Italian emotional speech database."""

import re
from pathlib import PurePosixPath

from .corpus import ClipLabels, Corpus

_LABELS = {
    "rab": "angry",
    "dis": "disgust",
    "pau": "fearful",
    "gio": "happy",
    "neu": "neutral",
    "tri": "sad",
    "sor": "surprised",
}
_NAME = re.compile(rf"({'|'.join(_LABELS)})-([fm][1-3])-([a-z]\d)", re.IGNORECASE)
_PAPER = "http://www.lrec-conf.org/proceedings/lrec2014/summaries/591.html"


def _parse(path: PurePosixPath) -> ClipLabels | None:
    """Read ``emotion-speaker-sentence``."""
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    code, speaker, sentence = (part.lower() for part in match.groups())
    return ClipLabels(
        key=f"{code}-{speaker}-{sentence}",
        emotion=_LABELS[code],
        speaker=speaker,
        sex="female" if speaker.startswith("f") else "male",
        sentence=sentence,
    )


EMOVO = Corpus(
    name="emovo",
    title="EMOVO",
    language="it",
    licence="none stated, for research",
    commercial=False,
    citation=(
        "Costantini, G., Iaderola, I., Paoloni, A., & Todisco, M. (2014). EMOVO Corpus: an Italian "
        f"Emotional Speech Database. LREC 2014. {_PAPER}"
    ),
    url=_PAPER,
    labels=_LABELS,
    instructions=f"get the archive from the address in {_PAPER} and unpack it",
    parse=_parse,
)
