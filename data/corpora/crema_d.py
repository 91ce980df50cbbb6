"""CREMA-D: the Crowd-sourced Emotional Multimodal Actors Dataset."""

import re
from pathlib import PurePosixPath

from .corpus import ClipLabels, Corpus, Fault

_LABELS = {
    "ANG": "angry",
    "DIS": "disgust",
    "FEA": "fearful",
    "HAP": "happy",
    "NEU": "neutral",
    "SAD": "sad",
}
_INTENSITIES = {"LO": "low", "MD": "medium", "HI": "high"}
# From VideoDemographics.csv of the official release.
# fmt: off
_WOMEN = frozenset((
    1002, 1003, 1004, 1006, 1007, 1008, 1009, 1010, 1012, 1013, 1018, 1020, 1021, 1024, 1025,
    1028, 1029, 1030, 1037, 1043, 1046, 1047, 1049, 1052, 1053, 1054, 1055, 1056, 1058, 1060,
    1061, 1063, 1072, 1073, 1074, 1075, 1076, 1078, 1079, 1082, 1084, 1089, 1091,
))
# fmt: on
_SAME_AUDIO = (
    ("1006_TIE_HAP_XX", "1006_TIE_NEU_XX"),
    ("1013_WSI_DIS_XX", "1013_WSI_SAD_XX"),
    ("1017_IWW_ANG_XX", "1017_IWW_FEA_XX"),
)
_CUT_NAME = "1040_ITH_SAD_X"
_NAME = re.compile(
    rf"(10[0-8]\d|109[01])_([A-Z]{{3}})_({'|'.join(_LABELS)})_(LO|MD|HI|XX)", re.IGNORECASE
)


def _parse(path: PurePosixPath) -> ClipLabels | None:
    """Read ``speaker_sentence_EMOTION_LEVEL``."""
    stem = f"{path.stem}X" if path.stem == _CUT_NAME else path.stem
    match = _NAME.fullmatch(stem)
    if match is None or match[1] == "1000":
        return None
    speaker, sentence, code, level = match[0].upper().split("_")
    return ClipLabels(
        key=match[0].upper(),
        emotion=_LABELS[code],
        speaker=speaker,
        sex="female" if int(speaker) in _WOMEN else "male",
        intensity=_INTENSITIES.get(level),
        sentence=sentence,
    )


def _same_audio_faults() -> tuple[Fault, ...]:
    """Both of a pair go: nothing says which of the two labels is the right one."""
    return tuple(
        Fault(key, f"the same audio as {twin}, under another label", "dropped")
        for one, two in _SAME_AUDIO
        for key, twin in ((one, two), (two, one))
    )


CREMA_D = Corpus(
    name="crema-d",
    title="CREMA-D",
    language="en",
    licence="ODbL 1.0",
    commercial=True,
    citation=(
        "Cao, H., Cooper, D. G., Keutmann, M. K., Gur, R. C., Nenkova, A., & Verma, R. (2014). "
        "CREMA-D: Crowd-sourced Emotional Multimodal Actors Dataset. IEEE Transactions on "
        "Affective Computing, 5(4), 377-390. https://doi.org/10.1109/TAFFC.2014.2336244"
    ),
    url="https://github.com/CheyneyComputerScience/CREMA-D",
    labels=_LABELS,
    instructions=(
        "with git-lfs installed, git clone https://github.com/CheyneyComputerScience/CREMA-D"
    ),
    parse=_parse,
    faults=(
        Fault("1076_MTI_SAD_XX", "silent", "dropped"),
        *_same_audio_faults(),
        Fault(_CUT_NAME, "cut off for 1040_ITH_SAD_XX: read as such", "corrected"),
    ),
)
