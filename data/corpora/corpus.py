"""What a corpus is, and how its folder is read: one contract for every corpus."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from ..audio_files import AudioFile, audio_files
from ..clip import EMOTIONS, Clip, Sex
from ..errors import DataError

UNKNOWN_SPEAKER = "unknown"


@dataclass(frozen=True, slots=True)
class Archive:
    """A file that a corpus is downloaded as.

    `known_hash` is ``"md5:..."`` or ``"sha256:..."``, None where the publisher gives none.
    """

    url: str
    file: str
    known_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A known fault of the official release: the clip's `key`, what is wrong, what is done."""

    key: str
    problem: str
    treatment: Literal["dropped", "corrected", "kept"]


@dataclass(frozen=True, slots=True)
class ClipLabels:
    """What a path says of a clip.

    `key` names the recording within its corpus, whatever the folder or extension: a second file
    with the same key is a copy. None where every path is a recording of its own. A `speaker` of
    None is unknown.
    """

    emotion: str
    speaker: str | None
    key: str | None = None
    sex: Sex | None = None
    intensity: str | None = None
    sentence: str | None = None


@dataclass(frozen=True, slots=True)
class DroppedFile:
    """A file that belongs to the corpus but is left out, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Scan:
    """The clips of a corpus folder, sorted by name, and what was left out.

    `ignored` is the number of audio files whose names do not follow the corpus's convention.
    """

    clips: tuple[Clip, ...]
    dropped: tuple[DroppedFile, ...] = ()
    ignored: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """Everything the toolkit knows of a corpus.

    Attributes
    ----------
    name
        The name in the registry, in recipes and in `Clip.corpus`.
    language
        ISO 639-1, or None where it depends on the user's own files.
    commercial
        Whether the licence allows commercial use; False where that is not known.
    labels
        The corpus's own emotion codes, each with its canonical emotion.
    parse
        Returns what a path below the root says of the clip, None where the name is not of this
        corpus.
    archives
        Where the corpus may be downloaded freely; empty where it may not.
    instructions
        How to get the corpus by hand: one sentence.
    speaker_prefix
        What speakers are prefixed with, where that is not `name`: corpora recorded with the same
        people share it, so that a split by speaker holds over both.
    reader
        Reads the root instead of `scan`, for corpora whose clips are listed in a file.
    complete
        Adds to the clips below a root what files beside them say, wherever those files are there.
    """

    name: str
    title: str
    language: str | None
    licence: str
    commercial: bool
    citation: str
    url: str
    labels: Mapping[str, str]
    instructions: str
    parse: Callable[[PurePosixPath], ClipLabels | None]
    faults: tuple[Fault, ...] = ()
    archives: tuple[Archive, ...] = ()
    speaker_prefix: str | None = None
    reader: Callable[["Corpus", Path], Scan] | None = None
    complete: Callable[[Path, Sequence[Clip]], tuple[Clip, ...]] | None = None

    def clips(self, root: Path) -> tuple[Clip, ...]:
        """Return the clips below `root`, sorted by name; raises what `scan` raises."""
        return scan(self, root).clips

    def speaker_id(self, speaker: str | None) -> str:
        """Return a speaker's name over all corpora, as in ``ravdess-07``."""
        return f"{self.speaker_prefix or self.name}-{speaker or UNKNOWN_SPEAKER}"


def own_corpus(
    name: str,
    title: str,
    instructions: str,
    parse: Callable[[PurePosixPath], ClipLabels | None],
    reader: Callable[[Corpus, Path], Scan] | None = None,
) -> Corpus:
    """Return a corpus of the user's own recordings, whose labels are the canonical emotions."""
    return Corpus(
        name=name,
        title=title,
        language=None,
        licence="that of your recordings",
        commercial=False,
        citation="",
        url="",
        labels={emotion: emotion for emotion in EMOTIONS},
        instructions=instructions,
        parse=parse,
        reader=reader,
    )


def has_known_speaker(clip: Clip) -> bool:
    """Return whether it is known who speaks in `clip`."""
    return not clip.speaker.endswith(f"-{UNKNOWN_SPEAKER}")


def scan(corpus: Corpus, root: Path, *, others: Iterable[Corpus] = ()) -> Scan:
    """Find the clips of `corpus` at any depth below `root`; no audio is opened.

    Parameters
    ----------
    corpus
        The corpus that `root` is said to hold.
    root
        The folder with the official files, in the official layout or below any other folders.
    others
        Corpora to compare with where nothing fits, for a better message.

    Raises
    ------
    DataError
        If the folder is missing, unreadable, without audio, or of another corpus.
    """
    root = Path(root)
    if corpus.reader is not None:
        return corpus.reader(corpus, root)
    files = audio_files(root)
    if not files:
        raise DataError(
            f"{root} has no audio files: give the folder that holds {corpus.title}, "
            f"or get it first ({corpus.instructions})"
        )
    parsed = [(file, corpus.parse(PurePosixPath(file.name))) for file in files]
    labelled = [(file, labels) for file, labels in parsed if labels is not None]
    if not any(labels.emotion in EMOTIONS for _, labels in labelled):
        _refuse_other_corpus(corpus, root, files, others)
        if not labelled:
            raise DataError(
                f"{root} has audio files ({len(files)}), but none as in {corpus.title}: "
                f"check the folder and the corpus name ({corpus.name})"
            )
    clips, dropped = _separate_faulty(corpus, labelled)
    if not clips:
        raise DataError(
            f"{root} has only files of {corpus.title} that are known to be faulty: "
            f"give the folder of the whole corpus"
        )
    found = tuple(clips) if corpus.complete is None else corpus.complete(root, clips)
    return Scan(found, tuple(dropped), len(files) - len(labelled))


def _separate_faulty(
    corpus: Corpus, labelled: list[tuple[AudioFile, ClipLabels]]
) -> tuple[list[Clip], list[DroppedFile]]:
    """Separate clips from faulty files and copies."""
    faulty = {f.key: f.problem for f in corpus.faults if f.treatment == "dropped"}
    first: dict[str, str] = {}
    clips: list[Clip] = []
    dropped: list[DroppedFile] = []
    for file, labels in labelled:
        key = labels.key or file.name
        if key in faulty:
            dropped.append(DroppedFile(file.name, faulty[key]))
        elif key in first:
            # Repackaged releases hold every file twice; a copy in training and test is a leak.
            dropped.append(DroppedFile(file.name, f"a copy of {first[key]}"))
        else:
            first[key] = file.name
            clips.append(_clip(corpus, file, labels))
    return clips, dropped


def _clip(corpus: Corpus, file: AudioFile, labels: ClipLabels) -> Clip:
    return Clip(
        path=file.path,
        name=file.name,
        emotion=labels.emotion,
        speaker=corpus.speaker_id(labels.speaker),
        corpus=corpus.name,
        language=corpus.language,
        sex=labels.sex,
        intensity=labels.intensity,
        sentence=labels.sentence,
    )


def _refuse_other_corpus(
    corpus: Corpus, root: Path, files: list[AudioFile], others: Iterable[Corpus]
) -> None:
    """Raise `DataError` if at least half of the files look like those of another corpus."""
    for other in others:
        if other.name == corpus.name or other.reader is not None:
            continue
        parsed = [other.parse(PurePosixPath(file.name)) for file in files]
        n_alike = sum(labels is not None and labels.emotion in EMOTIONS for labels in parsed)
        if 2 * n_alike >= len(files):
            raise DataError(
                f"{root} does not hold {corpus.title}; its files look like {other.title}: "
                f"use the corpus name {other.name}, or give another folder"
            )
