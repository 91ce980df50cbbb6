"""The check of a collection: what it holds, and all that was found in it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..corpora.emotion_names import canonical_emotion
from .audio import Limits, audio_findings
from .collection import Collection
from .duplicates import duplicate_findings
from .finding import KINDS, Finding
from .labels import class_findings, label_findings
from .sound import Sound, Unreadable
from .speakers import (
    folder_findings,
    leak_findings,
    name_findings,
    speaker_labels,
    unknown_findings,
)


@dataclass(frozen=True, slots=True)
class Report:
    """What a collection holds and what was found, in the order of `KINDS`.

    Attributes
    ----------
    emotions, speakers
        Clips of each, those of known speakers.
    hours
        Of all that could be read.
    durations
        The shortest, the median and the longest in seconds; empty where none could be read.
    rates, channels
        Clips of each.
    """

    corpus: str
    title: str
    root: Path
    n_clips: int
    emotions: Mapping[str, int]
    speakers: Mapping[str, int]
    hours: float
    durations: tuple[float, ...]
    rates: Mapping[int, int]
    channels: Mapping[int, int]
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> tuple[Finding, ...]:
        """What has to be mended."""
        return tuple(finding for finding in self.findings if finding.is_fault)

    @property
    def faulty_clips(self) -> frozenset[str]:
        """The names of the clips that some fault concerns."""
        return frozenset(name for fault in self.faults for name in fault.clips)


def check(
    collection: Collection, sounds: Sequence[Sound | Unreadable], limits: Limits | None = None
) -> Report:
    """Return what a collection holds, and what is wrong with it.

    Parameters
    ----------
    sounds
        What was measured of each entry, in their order.
    """
    limits, entries = limits or Limits(), collection.entries
    findings = [
        *collection.findings,
        *audio_findings(entries, sounds, limits),
        *duplicate_findings(entries, sounds),
        *leak_findings(entries),
        *unknown_findings(entries),
    ]
    if collection.is_own:
        findings += folder_findings(entries)
        findings += label_findings(entries, set(speaker_labels(entries)))
        findings += name_findings(entries)
    # Of a label that means another, or a speaker, nobody minds how many clips it has.
    odd = {one.subject for one in findings if one.kind in ("label", "speaker-folder")}
    odd = {label for label in odd if canonical_emotion(label) is None}
    findings += class_findings([entry for entry in entries if entry.label not in odd], limits)
    order = list(KINDS)
    findings.sort(key=lambda finding: order.index(finding.kind))
    heard = [sound for sound in sounds if isinstance(sound, Sound)]
    seconds = [sound.seconds for sound in heard]
    return Report(
        corpus=collection.corpus.name,
        title=collection.corpus.title,
        root=collection.root,
        n_clips=len(entries),
        emotions=_sorted(Counter(entry.clip.emotion for entry in entries)),
        speakers=_sorted(Counter(entry.speaker for entry in entries if entry.speaker)),
        hours=sum(seconds) / 3600,
        durations=(min(seconds), float(np.median(seconds)), max(seconds)) if seconds else (),
        rates=dict(sorted(Counter(sound.rate for sound in heard).items())),
        channels=dict(sorted(Counter(sound.n_channels for sound in heard).items())),
        findings=tuple(findings),
    )


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))
