"""nEMO: emotional speech in Polish."""

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ..clip import Clip, Sex
from ..errors import DataError
from .corpus import ClipLabels, Corpus

_LABELS = {
    "anger": "angry",
    "fear": "fearful",
    "happiness": "happy",
    "neutral": "neutral",
    "sadness": "sad",
    "surprised": "surprised",
}
_NAME = re.compile(rf"([A-Z]{{2}}\d)_({'|'.join(_LABELS)})_(\d{{1,2}})", re.IGNORECASE)
_TABLE = "data.tsv"
_SEXES: dict[str, Sex] = {"female": "female", "male": "male"}


def _parse(path: PurePosixPath) -> ClipLabels | None:
    """Read ``SPEAKER_emotion_SENTENCE``."""
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    speaker, emotion, sentence = match[1].upper(), match[2].lower(), match[3]
    return ClipLabels(
        key=f"{speaker}_{emotion}_{sentence}",
        emotion=_LABELS[emotion],
        speaker=speaker,
        sentence=sentence,
    )


def _with_sexes(root: Path, clips: Sequence[Clip]) -> tuple[Clip, ...]:
    """Return the clips with what the nearest table above each says of its speaker."""
    sexes: dict[Path, dict[str, Sex]] = {}

    def sexes_at(folder: Path) -> dict[str, Sex]:
        if folder not in sexes:
            table = folder / _TABLE
            if table.is_file():
                sexes[folder] = _read_table(table)
            else:
                is_top = folder in (root, folder.parent)
                sexes[folder] = {} if is_top else sexes_at(folder.parent)
        return sexes[folder]

    return tuple(
        replace(clip, sex=sexes_at(clip.path.parent).get(clip.speaker.removeprefix("nemo-")))
        for clip in clips
    )


def _read_table(table: Path) -> dict[str, Sex]:
    """Return the sex of every speaker in the table; their names have blanks around them there."""
    sexes: dict[str, Sex] = {}
    try:
        with table.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                sex = _SEXES.get((row.get("gender") or "").strip().casefold())
                if sex is not None:
                    sexes[(row.get("speaker_id") or "").strip().upper()] = sex
    except OSError as error:
        raise DataError(f"{table} cannot be read ({error.strerror}): check it") from error
    return sexes


NEMO = Corpus(
    name="nemo",
    title="nEMO",
    language="pl",
    licence="CC BY-NC-SA 4.0",
    commercial=False,
    citation=(
        "Christop, I. (2024). nEMO: Dataset of Emotional Speech in Polish. LREC-COLING 2024. "
        "https://aclanthology.org/2024.lrec-main.1059/"
    ),
    url="https://github.com/amu-cai/nEMO",
    labels=_LABELS,
    instructions="git clone https://github.com/amu-cai/nEMO",
    parse=_parse,
    complete=_with_sexes,
)
