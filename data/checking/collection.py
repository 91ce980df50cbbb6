"""Reading a collection for a check: as it is written, and past what is wrong with it."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..audio_files import audio_files, recordings
from ..clip import Clip
from ..corpora.corpus import Corpus, Scan, has_known_speaker
from ..corpora.own.folders import FOLDERS, FolderNames, folder_names
from ..corpora.own.manifest import MANIFEST, manifest_path, manifest_rows, row_clip
from ..corpora.registry import corpus_at, get_corpus, scan_corpus
from ..errors import DataError
from .finding import Finding

#: Columns of a manifest that may give a split; the toolkit itself goes by its protocols.
SPLIT_COLUMNS = ("split", "fold", "partition", "subset", "set")


@dataclass(frozen=True, slots=True)
class Entry:
    """A clip, and how its label and speaker are written.

    Attributes
    ----------
    label
        As the folder or the cell has it.
    speaker
        As it is written, None where unknown.
    split
        The part of a given split that it is in, None where none is given.
    folders
        Of a clip in folders named by emotion.
    """

    clip: Clip
    label: str
    speaker: str | None
    split: str | None = None
    folders: FolderNames | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """The clips of a folder or manifest, and what was found while they were read.

    `is_own` says that the labels and speakers are words of the user, no codes of a corpus.
    """

    corpus: Corpus
    root: Path
    entries: tuple[Entry, ...]
    findings: tuple[Finding, ...]

    @property
    def is_own(self) -> bool:
        """Whether labels and speakers are the user's words."""
        return self.corpus.name in (FOLDERS.name, MANIFEST.name)


def read_collection(root: Path, corpus: str | None = None) -> Collection:
    """Find the clips of a folder or a manifest; no audio is opened.

    Parameters
    ----------
    corpus
        The name of the corpus that it is; found out where None.

    Raises
    ------
    DataError
        There is nothing to be read at `root`, or no such corpus.
    """
    kind = get_corpus(corpus) if corpus is not None else corpus_at(root)
    if kind.name == MANIFEST.name:
        return _read_manifest(root)
    if kind.name == FOLDERS.name:
        return _read_folders(root)
    scan = scan_corpus(kind.name, root)
    entries = tuple(_entry(clip, kind) for clip in scan.clips)
    return Collection(kind, root, entries, tuple(_release_findings(scan)))


def _entry(clip: Clip, corpus: Corpus) -> Entry:
    return Entry(clip, clip.emotion, _speaker(clip, corpus))


def _speaker(clip: Clip, corpus: Corpus) -> str | None:
    if not has_known_speaker(clip):
        return None
    return clip.speaker.removeprefix(f"{corpus.speaker_prefix or corpus.name}-")


def _release_findings(scan: Scan) -> Iterable[Finding]:
    for dropped in scan.dropped:
        yield Finding("release", dropped.name, f"left out: {dropped.reason}", (dropped.name,))


def _read_folders(root: Path) -> Collection:
    files = audio_files(root)
    found = recordings(root).files
    names = {file.name for file in files}
    findings = [
        Finding("format", file.name, "no format that a training reads", (file.name,))
        for file in found
        if file.name not in names
    ]
    if not files:
        raise DataError(
            f"{root} has no audio files: give the folder that holds your recordings, or a manifest"
        )
    entries = []
    for file in files:
        folders = folder_names(PurePosixPath(file.name))
        labels = FOLDERS.parse(PurePosixPath(file.name))
        if folders is None or labels is None:
            findings.append(Finding("unlabelled", file.name, "lies in no folder", (file.name,)))
            continue
        speaker = FOLDERS.speaker_id(labels.speaker)
        clip = Clip(file.path, file.name, labels.emotion, speaker, FOLDERS.name)
        entries.append(Entry(clip, folders.label, labels.speaker, folders.split, folders))
    return Collection(FOLDERS, root, tuple(entries), tuple(findings))


def _read_manifest(root: Path) -> Collection:
    manifest = manifest_path(root)
    entries: list[Entry] = []
    findings: list[Finding] = []
    line_of: dict[str, int] = {}
    for row in manifest_rows(manifest):
        name = row.cells.get("path", "")
        try:
            clip = row_clip(MANIFEST, manifest.parent, row)
        except DataError as error:
            reason = str(error).removeprefix(f"{row.where}: ")
            findings.append(Finding("manifest", f"line {row.line}", reason, (name,)))
            continue
        real_path = os.path.realpath(clip.path)
        if real_path in line_of:
            again = f"{name} is listed before, in line {line_of[real_path]}"
            findings.append(Finding("manifest", f"line {row.line}", again, (name,)))
            continue
        line_of[real_path] = row.line
        entries.append(_listed(clip, row.cells))
    if not entries and not findings:
        raise DataError(f"{manifest} lists no recordings: add a line for each")
    entries.sort(key=lambda entry: entry.clip.name)
    return Collection(MANIFEST, root, tuple(entries), tuple(findings))


def _listed(clip: Clip, cells: Mapping[str, str]) -> Entry:
    split = next((cells[column].strip() for column in SPLIT_COLUMNS if cells.get(column)), None)
    # The blanks around a speaker's name are taken away by the reader, as around a label.
    speaker = cells.get("speaker", "").strip() or None
    return Entry(clip, cells["emotion"].strip(), speaker, split or None)
