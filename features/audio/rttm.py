"""Who speaks when, as diarisation tools write it: NIST's rich transcription time marks (RTTM)."""

import math
from collections import defaultdict
from pathlib import Path

from ..errors import AudioError
from .voices import Turns, Voice, joined_turns

_FIELDS = "SPEAKER FILE CHANNEL START DURATION <NA> <NA> NAME <NA> <NA>"

# Of each file, the turns of each speaker.
_TurnsByFile = dict[str, dict[str, list[tuple[float, float]]]]


def speakers_of(path: Path, recording: str, channel: int | None = None) -> tuple[Voice, ...]:
    """Return the voices of a recording by an RTTM file, sorted by the names of the speakers.

    Parameters
    ----------
    path
        The RTTM file. Where it tells of several recordings, those lines count that name this one.
    recording
        The recording's path or name; its stem is what RTTM calls it.
    channel
        In which of its channels they speak, from 1; None mixes them.

    Raises
    ------
    AudioError
        The file cannot be read, a line is none of RTTM's, or nobody speaks in the recording.
    """
    by_file = _read(path)
    stem = Path(recording).stem
    turns = by_file.get(stem)
    if turns is None and len(by_file) == 1:
        (turns,) = by_file.values()
    if turns is None:
        what = f"tells of {len(by_file)} recordings, but not of {stem}" if by_file else "is empty"
        raise AudioError(f"{path} {what}; give the RTTM file of {recording}.")
    joined: dict[str, Turns] = {name: joined_turns(turns[name]) for name in sorted(turns)}
    return tuple(Voice(channel, name, spans) for name, spans in joined.items())


def _read(path: Path) -> _TurnsByFile:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
        raise AudioError(f"{path} cannot be read as RTTM ({reason}); check the path.") from None
    by_file: _TurnsByFile = defaultdict(lambda: defaultdict(list))
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split()
        # Comments, and what is no turn of a speaker: SPKR-INFO, NOSCORE and others.
        if not fields or fields[0].startswith(";;"):
            continue
        if fields[0] != "SPEAKER" and fields[0].isupper() and len(fields) >= 3:
            continue
        start, end = _turn(fields, f"{path}, line {number}")
        by_file[fields[1]][fields[7]].append((start, end))
    return by_file


def _turn(fields: list[str], where: str) -> tuple[float, float]:
    if fields[0] != "SPEAKER" or len(fields) < 8:
        raise AudioError(f"{where}: it is no line of RTTM; write {_FIELDS}.")
    try:
        start, duration = float(fields[3]), float(fields[4])
    except ValueError:
        start = duration = math.nan
    if not (start >= 0.0 and 0.0 <= duration < math.inf and start < math.inf):
        raise AudioError(
            f"{where}: {fields[3]} and {fields[4]} are no start and duration; give seconds."
        )
    return start, start + duration
