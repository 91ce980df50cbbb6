"""What a person goes through: the clips in doubt, and the list of all clips to be corrected."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bilstm_hmm.delimited_text import escape_formula, table_text
from bilstm_hmm.evaluation.label_issues.confident_learning import LabelIssue

#: The first three are what a manifest is read by; the others are for the eye.
MANIFEST_COLUMNS = (
    "path",
    "emotion",
    "speaker",
    "in_doubt",
    "suggestion",
    "p_label",
    "p_suggestion",
)


@dataclass(frozen=True, slots=True)
class ReviewClip:
    """A clip of the list, and what is in doubt about it; `issue` is None where nothing is.

    `speaker` is empty where unknown.
    """

    path: Path
    name: str
    label: str
    speaker: str
    issue: LabelIssue | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """All clips of a collection, those in doubt first, and the classes.

    Attributes
    ----------
    title
        What was judged.
    judge
        What judged it: the system and where its posteriors are from.
    n_judged
        Clips that were judged; the others only stand in the list.
    """

    title: str
    judge: str
    classes: tuple[str, ...]
    clips: tuple[ReviewClip, ...]
    n_judged: int

    @property
    def issues(self) -> tuple[ReviewClip, ...]:
        """The clips in doubt, the surest first."""
        return tuple(clip for clip in self.clips if clip.issue is not None)


def ordered(clips: Iterable[ReviewClip]) -> tuple[ReviewClip, ...]:
    """Return clips in the order of a review: those in doubt first, by their odds."""

    def key(clip: ReviewClip) -> tuple[float, str]:
        return (-clip.issue.odds if clip.issue is not None else 0.0, clip.name)

    return tuple(sorted(clips, key=key))


def manifest_rows(review: Review, folder: Path) -> list[list[str]]:
    """Return the header and a row a clip, for a manifest in `folder`."""
    rows = [list(MANIFEST_COLUMNS)]
    for clip in review.clips:
        cells = ["", "", "", ""]
        if clip.issue is not None:
            suggested = review.classes[clip.issue.suggested]
            shares = (clip.issue.given_probability, clip.issue.suggested_probability)
            cells = ["yes", suggested, *(f"{share:.4f}" for share in shares)]
        rows.append([relative_path(clip.path, folder), clip.label, clip.speaker, *cells])
    return rows


def manifest_text(review: Review, folder: Path) -> str:
    """Return the manifest of all clips: with labels corrected it can be trained on."""
    return table_text(manifest_rows(review, folder))


def relative_path(path: Path, folder: Path) -> str:
    """Return a path from `folder`, with forward slashes; absolute where there is no way.

    It never starts as a formula would, so that a spreadsheet leaves it as it is.
    """
    try:
        relative = os.path.relpath(path.resolve(), folder.resolve())
    except ValueError:  # another drive
        return path.resolve().as_posix()
    posix = Path(relative).as_posix()
    return f"./{posix}" if escape_formula(posix) != posix else posix


#: Share of labels in doubt from which on it is rather the judge that is wrong.
_TOO_MANY = 0.25


def summary_lines(review: Review, limit: int = 10) -> Sequence[str]:
    """Return what is in doubt, in a few lines for the terminal."""
    issues = review.issues
    lines = [f"{review.title}: {review.n_judged} clips judged, {len(issues)} labels in doubt"]
    if review.n_judged < len(review.clips):
        rest = len(review.clips) - review.n_judged
        lines[0] += f" ({rest} more were not judged, and stand in the list as they are)"
    for clip in issues[:limit]:
        if clip.issue is not None:
            suggested = review.classes[clip.issue.suggested]
            lines.append(
                f"    {clip.name}: {clip.label} {100 * clip.issue.given_probability:.1f} %, "
                f"{suggested} {100 * clip.issue.suggested_probability:.1f} %"
            )
    if len(issues) > limit:
        lines.append(f"    and {len(issues) - limit} more")
    if len(issues) > _TOO_MANY * max(1, review.n_judged):
        lines.append(
            "More than a quarter of the labels is in doubt: what judges them is too weak to rely "
            "on, or the labels are of another kind."
        )
    return lines
