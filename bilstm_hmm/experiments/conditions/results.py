"""What a model says of clips in one condition, kept so that an interrupted run goes on after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bilstm_hmm.atomic_files import atomic_write
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.data.corpora.corpus import has_known_speaker
from bilstm_hmm.delimited_text import table_rows, table_text
from bilstm_hmm.evaluation.model_scores import ScoredClip
from bilstm_hmm.prediction import NO_SPEECH, Failure, Result

_COLUMNS = ("name", "truth", "said", "confidence", "warnings", "error")
#: What parts two warnings; it stands in none.
_BETWEEN = " | "


@dataclass(frozen=True, slots=True)
class Said:
    """What a model says of one clip.

    Attributes
    ----------
    clip
        With the label and its probabilities; None where the clip could not be read.
    confidence
        None where nobody speaks.
    error
        Why it could not be read.
    """

    name: str
    clip: ScoredClip | None
    confidence: float | None
    warnings: tuple[str, ...]
    error: str | None = None


def said_of(clip: Clip, result: Result) -> Said:
    """Return what a result says of a clip."""
    if isinstance(result, Failure):
        return Said(clip.name, None, None, (), result.error)
    scored = _scored(clip, result.emotion, tuple((result.probabilities or {}).values()))
    return Said(clip.name, scored, result.confidence, result.warnings)


def _scored(clip: Clip, emotion: str | None, probabilities: Sequence[float]) -> ScoredClip:
    speaker = clip.speaker if has_known_speaker(clip) else None
    return ScoredClip(clip.name, speaker, clip.sex, clip.emotion, emotion, probabilities)


def write_said(path: Path, said: Sequence[Said], classes: Sequence[str]) -> None:
    """Write a row a clip, as CSV."""
    rows = [[*_COLUMNS, *classes]]
    for one in said:
        clip = one.clip
        emotion = "" if clip is None else clip.emotion or NO_SPEECH
        shares = [] if clip is None else [repr(float(share)) for share in clip.probabilities]
        rows.append(
            [
                one.name,
                "" if clip is None else clip.truth,
                emotion,
                "" if one.confidence is None else repr(float(one.confidence)),
                _BETWEEN.join(one.warnings),
                one.error or "",
                *(shares or [""] * len(classes)),
            ]
        )
    atomic_write(path, table_text(rows))


def read_said(path: Path, clips: Mapping[str, Clip]) -> list[Said]:
    """Return what `write_said` wrote of these clips, by name."""
    _, *rows = table_rows(path.read_text(encoding="utf-8"))
    said = []
    for name, _truth, emotion, confidence, warnings, error, *shares in rows:
        probabilities = tuple(float(share) for share in shares if share)
        label = None if emotion == NO_SPEECH else emotion
        said.append(
            Said(
                name,
                None if error else _scored(clips[name], label, probabilities),
                float(confidence) if confidence else None,
                tuple(filter(None, warnings.split(_BETWEEN))),
                error or None,
            )
        )
    return said
