"""The evaluation protocols: which corpora, which classes, and how they are split."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from ..clip import EMOTIONS
from ..corpora.corpus import Corpus
from ..corpora.crema_d import CREMA_D
from ..corpora.emodb import EMODB
from ..corpora.emovo import EMOVO
from ..corpora.nemo import NEMO
from ..corpora.ravdess import RAVDESS
from ..corpora.savee import SAVEE
from ..corpora.tess import TESS
from ..errors import DataError

Scheme = Literal[
    "actors",
    "leave-one-speaker-out",
    "leave-one-corpus-out",
    "speaker-folds",
    "clips",
    "corpora",
    "none",
]


@dataclass(frozen=True, slots=True)
class Protocol:
    """A way to split clips into training and test parts.

    Attributes
    ----------
    corpora
        The corpora that it is defined for, None for any.
    classes
        The canonical emotions that it is defined over, None for those that the clips have.
    speaker_independent
        Whether no test speaker is ever in the training part.
    scheme
        How the folds come about.
    test_actors
        For the scheme ``"actors"``: the actors that each fold tests on.
    clip_protocol
        Where not clips are tested but recordings concatenated of each test speaker's clips
        (`data.synthesis.concatenated`): the protocol of clips whose folds these are.
    """

    name: str
    corpora: tuple[str, ...] | None
    classes: tuple[str, ...] | None
    speaker_independent: bool
    description: str
    scheme: Scheme
    test_actors: tuple[tuple[int, ...], ...] = ()
    clip_protocol: str | None = None


def _classes(corpus: Corpus) -> tuple[str, ...]:
    return tuple(emotion for emotion in EMOTIONS if emotion in corpus.labels.values())


_CLIP_PROTOCOLS = (
    Protocol(
        "ravdess-emobox",
        ("ravdess",),
        _classes(RAVDESS),
        True,
        "RAVDESS speech, 6 speaker-independent folds of 4 actors (EmoBox)",
        "actors",
        # Source: the EmoBox benchmark.
        (
            (1, 11, 20, 21),
            (4, 10, 12, 14),
            (8, 9, 19, 23),
            (3, 5, 7, 24),
            (2, 15, 16, 18),
            (6, 13, 17, 22),
        ),
    ),
    Protocol(
        "ravdess-5fold",
        ("ravdess",),
        _classes(RAVDESS),
        True,
        "RAVDESS speech, 5 speaker-independent folds of 4 or 5 actors",
        "actors",
        (
            (2, 5, 14, 15, 16),
            (3, 6, 7, 13, 18),
            (10, 11, 12, 19, 20),
            (8, 17, 21, 23, 24),
            (1, 4, 9, 22),
        ),
    ),
    Protocol(
        "emodb-loso",
        ("emodb",),
        _classes(EMODB),
        True,
        "Emo-DB, leave one speaker out",
        "leave-one-speaker-out",
    ),
    Protocol(
        "savee-loso",
        ("savee",),
        _classes(SAVEE),
        True,
        "SAVEE, leave one speaker out",
        "leave-one-speaker-out",
    ),
    Protocol(
        "crema-d-si",
        ("crema-d",),
        _classes(CREMA_D),
        True,
        "CREMA-D, 5 speaker-disjoint folds over the speakers that are present",
        "speaker-folds",
    ),
    Protocol(
        "tess-cross",
        ("tess",),
        _classes(TESS),
        True,
        "TESS, train on one speaker and test on the other, both ways",
        "leave-one-speaker-out",
    ),
    Protocol(
        "nemo-loso",
        ("nemo",),
        _classes(NEMO),
        True,
        "nEMO, leave one speaker out",
        "leave-one-speaker-out",
    ),
    Protocol(
        "emovo-loso",
        ("emovo",),
        _classes(EMOVO),
        True,
        "EMOVO, leave one speaker out",
        "leave-one-speaker-out",
    ),
    Protocol(
        "cross-corpus",
        None,
        None,
        True,
        "train on some corpora, test on another, on the classes that all of them have",
        "corpora",
    ),
    Protocol(
        "unheard",
        None,
        None,
        True,
        "leave one corpus out, each in turn, its voices unknown and known by unlabelled clips",
        "leave-one-corpus-out",
    ),
    Protocol(
        "random",
        None,
        None,
        False,
        "stratified 80/20 split of clips, speakers mixed (speaker-dependent)",
        "clips",
    ),
    Protocol(
        "speakers",
        None,
        None,
        True,
        "up to 5 speaker-disjoint folds, of several corpora each dealt evenly",
        "speaker-folds",
    ),
    Protocol(
        "out-of-fold",
        None,
        None,
        True,
        "train on every clip; each is judged by a network of an inner fold without its speaker",
        "none",
    ),
)

_DEFAULTS = {
    "ravdess": "ravdess-emobox",
    "emodb": "emodb-loso",
    "savee": "savee-loso",
    "crema-d": "crema-d-si",
    "tess": "tess-cross",
    "nemo": "nemo-loso",
    "emovo": "emovo-loso",
}

_TIMELINE_PROTOCOLS = tuple(
    replace(
        protocol,
        name=f"timeline-{corpus}",
        description=f"timelines of recordings joined of a test speaker's clips, folds of {name}",
        clip_protocol=name,
    )
    for corpus, name in _DEFAULTS.items()
    for protocol in _CLIP_PROTOCOLS
    if protocol.name == name and corpus in ("ravdess", "crema-d", "emodb")
)

PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {protocol.name: protocol for protocol in (*_CLIP_PROTOCOLS, *_TIMELINE_PROTOCOLS)}
)


def get_protocol(name: str) -> Protocol:
    """Return the protocol called `name`; raises `DataError` naming those there are."""
    if name not in PROTOCOLS:
        raise DataError(f"there is no protocol {name!r}: use one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]


def default_protocol(corpus: str) -> Protocol:
    """Return the default protocol of a corpus: its own, or ``speakers`` where it has none."""
    return PROTOCOLS[_DEFAULTS.get(corpus, "speakers")]
