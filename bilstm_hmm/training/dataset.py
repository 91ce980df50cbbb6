"""Which clips a recipe trains and tests on: the corpora, their classes, their folds."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bilstm_hmm.config.schema import DataSettings
from bilstm_hmm.data.clip import EMOTIONS, Clip
from bilstm_hmm.data.corpora.corpus import Scan
from bilstm_hmm.data.corpora.registry import get_corpus, scan_corpus
from bilstm_hmm.data.splits.folds import (
    Fold,
    check_fold,
    cross_corpus_fold,
    protocol_folds,
    shared_classes,
)
from bilstm_hmm.data.splits.protocols import Protocol, default_protocol, get_protocol
from bilstm_hmm.errors import ToolkitError


@dataclass(frozen=True, slots=True)
class Dataset:
    """The clips of a recipe, in a fixed order, and the classes they have.

    Where several corpora are pooled, the name of a clip starts with that of its corpus. `notes`
    say what of the corpora was left out; `test_corpus` is what the protocol ``cross-corpus``
    tests on, and None with any other.
    """

    clips: tuple[Clip, ...]
    classes: tuple[str, ...]
    protocol: Protocol
    notes: tuple[str, ...]
    test_corpus: str | None = None


def load_dataset(settings: DataSettings) -> Dataset:
    """Scan the corpora and apply ``label_map`` and ``classes``.

    Raises
    ------
    ToolkitError, DataError
        No root, an empty or wrong one, or classes that no clip has.
    """
    protocol = dataset_protocol(settings)
    scans = {
        name: scan_corpus(name, corpus_root(settings, name)) for name in dataset_corpora(settings)
    }
    notes = [f"{name}: {note}" for name, scan in scans.items() for note in _notes(scan)]
    clips = _keep_classes(_map_labels(_pool(scans), settings), settings)
    classes = target_classes(clips, protocol)
    unshared = sort_emotions({clip.emotion for clip in clips} - set(classes))
    if unshared:
        notes.append(f"{', '.join(unshared)} left out: not all of {', '.join(scans)} have clips")
    return Dataset(
        tuple(clip for clip in clips if clip.emotion in classes),
        classes,
        protocol,
        tuple(notes),
        settings.test_corpus,
    )


def dataset_corpora(settings: DataSettings) -> tuple[str, ...]:
    """Return the names of the corpora that a recipe needs, each once, `data.corpus` first.

    Raises
    ------
    ToolkitError, DataError
        A corpus that there is not, or none to train on beside the one tested on.
    """
    test_corpora = [settings.test_corpus] if settings.test_corpus is not None else []
    names = tuple(dict.fromkeys((settings.corpus, *settings.also, *test_corpora)))
    for name in (*names, *settings.roots):
        get_corpus(name)
    if test_corpora and len(names) == 1:
        raise ToolkitError(
            f"data.test_corpus: {names[0]} is the only corpus, so that there is none to train on; "
            "name others in data.also, for instance --set data.also=[crema-d]."
        )
    return names


def corpus_root(settings: DataSettings, name: str) -> Path:
    """Return where the corpus `name` lies.

    ``data.root`` says it of ``data.corpus``, ``data.roots`` of any; else it is the folder of that
    name in ``data.home``.

    Raises
    ------
    ToolkitError
        None of these keys says it.
    """
    if name == settings.corpus and settings.root is not None:
        return settings.root
    if name in settings.roots:
        return settings.roots[name]
    if settings.home is not None:
        return settings.home / name
    key = "data.root" if name == settings.corpus else f"data.roots.{name}"
    raise ToolkitError(
        f"{key} is not set; say where {name} lies, for instance --set {key}=/path/to/{name}, or "
        "set data.home to the folder that holds a folder for each corpus."
    )


def dataset_protocol(settings: DataSettings) -> Protocol:
    """Return the protocol of a recipe: as named, else the corpus's own.

    Several corpora have no protocol of their own but ``speakers``.

    Raises
    ------
    ToolkitError, DataError
        An unknown protocol, or one that does not go with `data.test_corpus`.
    """
    if settings.speaker_dependent:
        protocol = get_protocol("random")
    elif settings.protocol is not None:
        protocol = get_protocol(settings.protocol)
    elif {*settings.also} - {settings.corpus}:
        protocol = get_protocol("speakers")
    else:
        protocol = default_protocol(settings.corpus)
    if protocol.scheme == "corpora" and settings.test_corpus is None:
        raise ToolkitError(
            f"data.test_corpus is not set; the protocol {protocol.name} needs the corpus to "
            "test on, for instance --set data.test_corpus=emodb."
        )
    if protocol.scheme != "corpora" and settings.test_corpus is not None:
        raise ToolkitError(
            f"data.test_corpus: the protocol {protocol.name} does not test on another corpus; "
            "add --set data.protocol=cross-corpus, or leave data.test_corpus out."
        )
    return protocol


def target_classes(clips: Sequence[Clip], protocol: Protocol) -> tuple[str, ...]:
    """Return the classes that a network has to tell apart, in order.

    They are all that the clips have; with the protocol ``cross-corpus``, those that every corpus
    has.

    Raises
    ------
    DataError
        The corpora share fewer than two classes.
    """
    if protocol.scheme == "corpora":
        return sort_emotions(shared_classes(clips))
    return sort_emotions({clip.emotion for clip in clips})


def dataset_folds(dataset: Dataset, seed: int) -> tuple[Fold, ...]:
    """Split the clips by the dataset's protocol, and make sure that the parts share nothing.

    Raises what `protocol_folds`, `cross_corpus_fold` and `check_fold` raise.
    """
    if dataset.test_corpus is not None:
        folds: tuple[Fold, ...] = (cross_corpus_fold(dataset.clips, dataset.test_corpus),)
    else:
        folds = protocol_folds(dataset.protocol.name, dataset.clips, seed=seed)
    for fold in folds:
        check_fold(fold, dataset.clips, dataset.protocol.speaker_independent)
    return folds


def find_fold(folds: Sequence[Fold], number: int, key: str = "data.fold") -> Fold:
    """Return the fold of that number, or raise a `ToolkitError` that names `key` and the folds."""
    for fold in folds:
        if fold.number == number:
            return fold
    numbers = ", ".join(str(fold.number) for fold in folds)
    raise ToolkitError(f"{key}: there is no fold {number}; choose from {numbers}.")


def corpora_of(clips: Sequence[Clip], indices: Sequence[int]) -> tuple[str, ...]:
    """Return the corpora that the clips at `indices` are of, each once, in their order."""
    return tuple(dict.fromkeys(clips[i].corpus for i in indices))


def sort_emotions(emotions: set[str]) -> tuple[str, ...]:
    """Canonical emotions in their usual order, then the corpus's own words by alphabet."""
    others = sorted(emotions - set(EMOTIONS))
    return (*(emotion for emotion in EMOTIONS if emotion in emotions), *others)


def _pool(scans: Mapping[str, Scan]) -> list[Clip]:
    if len(scans) == 1:
        return [clip for scan in scans.values() for clip in scan.clips]
    return [
        replace(clip, name=f"{name}/{clip.name}")
        for name, scan in scans.items()
        for clip in scan.clips
    ]


def _map_labels(clips: Sequence[Clip], settings: DataSettings) -> list[Clip]:
    """Apply ``label_map``; one map may serve every corpus, whichever emotions it has."""
    known = {clip.emotion for clip in clips}
    unknown = sorted(set(settings.label_map) - known - set(EMOTIONS))
    if unknown:
        raise ToolkitError(
            f"data.label_map: no clip is {', '.join(unknown)}; there are "
            f"{', '.join(sort_emotions(known))}."
        )
    return [replace(c, emotion=settings.label_map.get(c.emotion, c.emotion)) for c in clips]


def _keep_classes(clips: Sequence[Clip], settings: DataSettings) -> list[Clip]:
    """Keep the clips of ``classes``, where these are named."""
    classes = sort_emotions({clip.emotion for clip in clips})
    if settings.classes is not None:
        missing = sorted(set(settings.classes) - set(classes))
        if missing:
            raise ToolkitError(
                f"data.classes: no clip is {', '.join(missing)}; there are {', '.join(classes)}."
            )
        classes = sort_emotions(set(settings.classes))
    if len(classes) < 2:
        raise ToolkitError(
            f"data.classes: {len(classes)} class left, but two are needed to tell apart; keep more."
        )
    return [clip for clip in clips if clip.emotion in classes]


def _notes(scan: Scan) -> list[str]:
    notes = []
    dropped = scan.dropped
    for reason, count in Counter(item.reason for item in dropped).items():
        notes.append(f"{count} dropped: {reason}")
    ignored = scan.ignored
    if ignored:
        notes.append(f"{ignored} audio files ignored: their names are not this corpus's")
    return notes
