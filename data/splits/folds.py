"""Training and test parts: every protocol's folds."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..clip import Clip
from ..corpora.corpus import has_known_speaker
from ..errors import DataError
from .groups import assign_speakers, speaker_names, stratified_sample
from .protocols import Protocol, default_protocol, get_protocol

_N_SPEAKER_FOLDS = 5
_TEST_FRACTION = 0.2
_SPEAKER_DEPENDENT = (
    "add recordings of other speakers, or split by clip with --set data.speaker_dependent=true"
)
_CLASS_CURE = "add clips, leave the class out, or merge it into another with data.label_map"


@dataclass(frozen=True, slots=True)
class Fold:
    """A training and a test part, as indices into a sequence of clips; numbers count from 1."""

    number: int
    train: tuple[int, ...]
    test: tuple[int, ...]

    def is_speaker_dependent(self, clips: Sequence[Clip]) -> bool:
        """Return whether a test speaker is in the training part as well."""
        return not {clips[i].speaker for i in self.train}.isdisjoint(
            clips[i].speaker for i in self.test
        )


def protocol_folds(protocol_name: str, clips: Sequence[Clip], *, seed: int) -> tuple[Fold, ...]:
    """Split `clips` by a protocol.

    Parameters
    ----------
    protocol_name
        A name in `PROTOCOLS`; ``cross-corpus`` needs `cross_corpus_fold` instead.
    clips
        All clips, in an order that the indices refer to.
    seed
        Used by ``random`` alone: the speaker-independent folds are the same at every seed.

    Raises
    ------
    DataError
        If the clips are of a corpus that the protocol is not for, have too few speakers or
        classes, or a class too rare to be split.
    """
    protocol = get_protocol(protocol_name)
    _check_corpora(protocol, clips)
    _check_classes(clips)
    if protocol.speaker_independent:
        _check_speakers(protocol, clips)
    match protocol.scheme:
        case "clips":
            rng = np.random.default_rng(seed)
            tests = [stratified_sample([clip.emotion for clip in clips], _TEST_FRACTION, rng)]
        case "actors":
            tests = _actor_tests(protocol, clips)
        case "leave-one-speaker-out":
            tests = _speaker_tests(clips, len(speaker_names(clips)))
        case "leave-one-corpus-out":
            return _corpus_folds(protocol, clips)
        case "speaker-folds":
            tests = _speaker_tests(clips, min(_N_SPEAKER_FOLDS, len(speaker_names(clips))))
        case "none":
            tests = [[]]
        case "corpora":
            raise DataError(f"the protocol {protocol.name} needs a test corpus: name one")
    return tuple(_fold(number, clips, test) for number, test in enumerate(tests, start=1))


def cross_corpus_fold(clips: Sequence[Clip], test_corpus: str) -> Fold:
    """Train on every corpus but one and test on that one, on the classes that all of them have.

    Clips of other classes are in neither part, nor are training clips of a test speaker (two
    corpora may be recorded with the same people).

    Raises
    ------
    DataError
        If there is nothing to train or test on, or fewer than two classes are shared.
    """
    corpora = sorted({clip.corpus for clip in clips})
    if test_corpus not in corpora or len(corpora) < 2:
        raise DataError(
            f"the protocol cross-corpus needs clips of the test corpus {test_corpus} and of "
            f"another, but they are of {', '.join(corpora) or 'none'}: name both"
        )
    shared = shared_classes(clips)
    usable = [i for i, clip in enumerate(clips) if clip.emotion in shared]
    test = [i for i in usable if clips[i].corpus == test_corpus]
    test_speakers = {clips[i].speaker for i in test}
    train = [
        i
        for i in usable
        if clips[i].corpus != test_corpus and clips[i].speaker not in test_speakers
    ]
    if not train:
        raise DataError(
            f"every speaker of the training corpora is also in {test_corpus}: "
            f"train on a corpus of other people"
        )
    _check_training_classes(clips, train, test)
    return Fold(1, tuple(train), tuple(test))


def _corpus_folds(protocol: Protocol, clips: Sequence[Clip]) -> tuple[Fold, ...]:
    """Test on each corpus in turn, on the classes that the others have.

    Training clips of a test speaker are in neither part, as in `cross_corpus_fold`.
    """
    corpora = list(dict.fromkeys(clip.corpus for clip in clips))
    if len(corpora) < 2:
        raise DataError(
            f"the protocol {protocol.name} leaves one corpus out and trains on the others, but "
            f"{corpora[0]} is the only one: name others in data.also"
        )
    folds = []
    for number, corpus in enumerate(corpora, start=1):
        speakers = {clip.speaker for clip in clips if clip.corpus == corpus}
        train = [i for i, clip in enumerate(clips) if clip.speaker not in speakers]
        trained = {clips[i].emotion for i in train}
        test = [i for i, c in enumerate(clips) if c.corpus == corpus and c.emotion in trained]
        if len({clips[i].emotion for i in test}) < 2:
            raise DataError(
                f"{corpus} shares fewer than two classes with the corpora of other people: "
                f"merge classes with data.label_map, or leave it out"
            )
        folds.append(Fold(number, tuple(train), tuple(test)))
    return tuple(folds)


def shared_classes(clips: Sequence[Clip]) -> set[str]:
    """Return the classes that every corpus among `clips` has.

    Raises
    ------
    DataError
        If there are fewer than two.
    """
    emotions: dict[str, set[str]] = {}
    for clip in clips:
        emotions.setdefault(clip.corpus, set()).add(clip.emotion)
    shared = set.intersection(*emotions.values()) if emotions else set()
    if len(shared) < 2:
        raise DataError(
            f"{', '.join(sorted(emotions)) or 'no corpora'} share fewer than two classes: "
            f"merge classes with data.label_map, or choose other corpora"
        )
    return shared


def check_fold(fold: Fold, clips: Sequence[Clip], speaker_independent: bool) -> None:
    """Make sure that nothing a fold tests on is trained on.

    Raises
    ------
    DataError
        If a clip or an audio file is in both parts or, with `speaker_independent`, a speaker.
    """
    train, test = ([clips[i] for i in part] for part in (fold.train, fold.test))
    # One file may be two clips, where two corpora were given one folder.
    leaked = [
        *(clips[i].name for i in sorted(set(fold.train) & set(fold.test))),
        *(str(path) for path in sorted({c.path for c in train} & {c.path for c in test})),
    ]
    if leaked:
        raise DataError(
            f"{leaked[0]} is in both the training and the test part of fold {fold.number}: "
            f"name the corpus that it belongs to once"
        )
    speakers = {c.speaker for c in train} & {c.speaker for c in test}
    if speaker_independent and speakers:
        raise DataError(
            f"the speaker {min(speakers)} is in both the training and the test part of fold "
            f"{fold.number}: use a protocol that keeps speakers apart, or split by clip with "
            f"--set data.speaker_dependent=true"
        )


def _fold(number: int, clips: Sequence[Clip], test: Iterable[int]) -> Fold:
    held_out = set(test)
    train = [i for i in range(len(clips)) if i not in held_out]
    _check_training_classes(clips, train, sorted(held_out))
    return Fold(number, tuple(train), tuple(sorted(held_out)))


def _actor_tests(protocol: Protocol, clips: Sequence[Clip]) -> list[list[int]]:
    """Return the clips of each fold's test actors, some of whom may be absent."""
    actor_of = [int(clip.speaker.rpartition("-")[2]) for clip in clips]
    tests: list[list[int]] = []
    for number, actors in enumerate(protocol.test_actors, start=1):
        tests.append([i for i, actor in enumerate(actor_of) if actor in actors])
        if not tests[-1]:
            raise DataError(
                f"fold {number} of {protocol.name} tests on the actors "
                f"{', '.join(map(str, actors))}, and no clip of theirs is here: "
                f"get the whole corpus, or use the protocol speakers"
            )
    return tests


def _speaker_tests(clips: Sequence[Clip], n_folds: int) -> list[list[int]]:
    part_of = assign_speakers(clips, n_folds)
    if n_folds == len(part_of):  # a speaker a fold: in order of name
        part_of = {speaker: number for number, speaker in enumerate(sorted(part_of))}
    tests: list[list[int]] = [[] for _ in range(n_folds)]
    for i, clip in enumerate(clips):
        tests[part_of[clip.speaker]].append(i)
    return tests


def _check_corpora(protocol: Protocol, clips: Sequence[Clip]) -> None:
    if protocol.corpora is None:
        return
    corpora = {clip.corpus for clip in clips}
    wrong = sorted(corpora - set(protocol.corpora))
    if wrong:
        cure = default_protocol(wrong[0]) if len(corpora) == 1 else get_protocol("speakers")
        raise DataError(
            f"the protocol {protocol.name} is for {', '.join(protocol.corpora)}, but there are "
            f"clips of {', '.join(wrong)}: use the protocol {cure.name}"
        )


def _check_classes(clips: Sequence[Clip]) -> None:
    counts = Counter(clip.emotion for clip in clips)
    if len(counts) < 2:
        raise DataError(
            f"the clips have only {len(counts)} emotion{'' if len(counts) == 1 else 's'} "
            f"({', '.join(counts) or 'none'}): at least two are needed, add clips of another"
        )
    for emotion, count in sorted(counts.items()):
        if count < 2:
            raise DataError(
                f"the class {emotion} has a single clip, too few to be split: {_CLASS_CURE}"
            )


def _check_speakers(protocol: Protocol, clips: Sequence[Clip]) -> None:
    n_unknown = sum(not has_known_speaker(clip) for clip in clips)
    if n_unknown:
        raise DataError(
            f"the speaker of {n_unknown} of {len(clips)} clips is not known, so that the protocol "
            f"{protocol.name} cannot keep test speakers out of the training: make a folder for "
            "each speaker within each emotion's (or fill the column speaker of a manifest), or "
            "split by clip with --set data.speaker_dependent=true"
        )
    speakers = speaker_names(clips)
    if len(speakers) < 2:
        raise DataError(
            f"the protocol {protocol.name} needs at least two speakers and there is one "
            f"({speakers[0]}): {_SPEAKER_DEPENDENT}"
        )


def _check_training_classes(
    clips: Sequence[Clip], train: Sequence[int], test: Sequence[int]
) -> None:
    missing = sorted({clips[i].emotion for i in test} - {clips[i].emotion for i in train})
    if missing:
        speakers = speaker_names([clips[i] for i in test])
        raise DataError(
            f"the class {missing[0]} is absent from the training part when "
            f"{', '.join(speakers[:5])}{' and others' if len(speakers) > 5 else ''} "
            f"{'is' if len(speakers) == 1 else 'are'} tested: {_CLASS_CURE}"
        )
