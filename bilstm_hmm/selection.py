"""Which clips a recipe trains and tests on: the corpus, its classes, its folds."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bilstm_hmm.config import DataSettings
from bilstm_hmm.errors import ToolkitError
from data.clip import EMOTIONS, Clip
from data.corpus import Scan
from data.folds import Fold, folds
from data.protocols import Protocol, protocol, protocol_for
from data.registry import load


@dataclass(frozen=True, slots=True)
class Selection:
    """The clips of a recipe, in a fixed order, and the classes they have.

    `notes` say what of the corpus was left out.
    """

    clips: tuple[Clip, ...]
    classes: tuple[str, ...]
    protocol: Protocol
    notes: tuple[str, ...]


def select_clips(settings: DataSettings) -> Selection:
    """Scan the corpus and apply ``label_map`` and ``classes``.

    Raises
    ------
    ToolkitError, DataError
        No root, an empty or wrong one, or classes that no clip has.
    """
    if settings.root is None:
        raise ToolkitError(
            f"data.root is not set; say where {settings.corpus} lies, for instance "
            "--set data.root=/path/to/corpus."
        )
    scan = load(settings.corpus, settings.root)
    known = {clip.emotion for clip in scan.clips}
    unknown = sorted(set(settings.label_map) - known)
    if unknown:
        raise ToolkitError(
            f"data.label_map: {settings.corpus} has no {', '.join(unknown)}; it has "
            f"{', '.join(in_order(known))}."
        )
    clips = [replace(c, emotion=settings.label_map.get(c.emotion, c.emotion)) for c in scan.clips]
    classes = in_order({clip.emotion for clip in clips})
    if settings.classes is not None:
        missing = sorted(set(settings.classes) - set(classes))
        if missing:
            raise ToolkitError(
                f"data.classes: no clip is {', '.join(missing)}; there are {', '.join(classes)}."
            )
        classes = in_order(set(settings.classes))
        clips = [clip for clip in clips if clip.emotion in classes]
    if len(classes) < 2:
        raise ToolkitError(
            f"data.classes: {len(classes)} class left, but two are needed to tell apart; keep more."
        )
    return Selection(tuple(clips), classes, chosen_protocol(settings), tuple(_notes(scan)))


def chosen_protocol(settings: DataSettings) -> Protocol:
    """Return the protocol of a recipe: as named, else the corpus's own."""
    if settings.speaker_dependent:
        return protocol("random")
    if settings.protocol is not None:
        return protocol(settings.protocol)
    return protocol_for(settings.corpus)


def chosen_folds(selection: Selection, seed: int) -> tuple[Fold, ...]:
    """Split the clips by the selection's protocol; raises what `data.folds.folds` raises."""
    return folds(selection.protocol.name, selection.clips, seed=seed)


def pick_fold(found: Sequence[Fold], number: int, key: str = "data.fold") -> Fold:
    """Return the fold of that number, or raise a `ToolkitError` that names `key` and the folds."""
    for fold in found:
        if fold.number == number:
            return fold
    numbers = ", ".join(str(fold.number) for fold in found)
    raise ToolkitError(f"{key}: there is no fold {number}; choose from {numbers}.")


def in_order(emotions: set[str]) -> tuple[str, ...]:
    """Canonical emotions in their usual order, then the corpus's own words by alphabet."""
    own = sorted(emotions - set(EMOTIONS))
    return (*(emotion for emotion in EMOTIONS if emotion in emotions), *own)


def _notes(scan: Scan) -> list[str]:
    notes = []
    dropped = scan.dropped
    for reason, count in Counter(item.reason for item in dropped).items():
        notes.append(f"{count} dropped: {reason}")
    ignored = scan.ignored
    if ignored:
        notes.append(f"{ignored} audio files ignored: their names are not this corpus's")
    return notes
