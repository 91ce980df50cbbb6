"""RAVDESS: the Ryerson Audio-Visual Database of Emotional Speech and Song."""

import re
from collections.abc import Mapping
from functools import partial
from pathlib import PurePosixPath

from .corpus import Archive, ClipLabels, Corpus, Fault

_LABELS = {
    "01": "neutral",
    "02": "calm",
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "fearful",
    "07": "disgust",
    "08": "surprised",
}
_INTENSITIES = {"01": "normal", "02": "strong"}
_STATEMENTS = {"01": "Kids are talking by the door", "02": "Dogs are sitting by the door"}
_AUDIO_ONLY = "03"
_NAME = re.compile(r"(0[1-3])-(0[12])-(0[1-8])-(0[12])-(0[12])-(0[12])-(0[1-9]|1\d|2[0-4])")

_CITATION = (
    "Livingstone, S. R., & Russo, F. A. (2018). The Ryerson Audio-Visual Database of Emotional "
    "Speech and Song (RAVDESS). PLoS ONE, 13(5), e0196391. "
    "https://doi.org/10.1371/journal.pone.0196391"
)
_RECORD = "https://zenodo.org/records/1188976"


def _parse(path: PurePosixPath, channel: str) -> ClipLabels | None:
    """Read ``modality-channel-emotion-intensity-statement-repetition-actor``."""
    match = _NAME.fullmatch(path.stem)
    if match is None or match[1] != _AUDIO_ONLY or match[2] != channel:
        return None
    _, _, emotion, intensity, statement, _, actor = match.groups()
    return ClipLabels(
        key=path.stem,
        emotion=_LABELS[emotion],
        speaker=actor,
        sex="male" if int(actor) % 2 else "female",
        intensity=_INTENSITIES[intensity],
        sentence=_STATEMENTS[statement],
    )


def _corpus(
    name: str,
    kind: str,
    channel: str,
    labels: Mapping[str, str],
    md5: str,
    faults: tuple[Fault, ...] = (),
) -> Corpus:
    """Return what is spoken or what is sung, by the same people."""
    file = f"Audio_{kind.capitalize()}_Actors_01-24.zip"
    return Corpus(
        name=name,
        title=f"RAVDESS ({kind})",
        language="en",
        licence="CC BY-NC-SA 4.0",
        commercial=False,
        citation=_CITATION,
        url=_RECORD,
        labels=labels,
        instructions=f"python -m bilstm_hmm corpora download {name} --root DIR",
        parse=partial(_parse, channel=channel),
        faults=faults,
        archives=(Archive(f"{_RECORD}/files/{file}", file, f"md5:{md5}"),),
        speaker_prefix="ravdess",
    )


RAVDESS = _corpus(
    "ravdess",
    "speech",
    "01",
    _LABELS,
    "bc696df654c87fed845eb13823edef8a",
    faults=(
        Fault(
            "03-01-03-01-02-02-07",
            "the same audio as 03-01-03-01-02-01-07, under the same label",
            "dropped",
        ),
    ),
)
RAVDESS_SONG = _corpus(
    "ravdess-song",
    "song",
    "02",
    {code: _LABELS[code] for code in ("01", "02", "03", "04", "05", "06")},
    "5411230427d67a21e18aa4d466e6d1b9",
)
