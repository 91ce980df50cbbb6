"""Tables of what the speech detector was measured on."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .markdown import table

STORED = Path(__file__).parents[2] / "docs" / "results" / "vad.json"
_TITLES = {
    "network": "the network",
    "unfamiliar": "a network without this fold",
    "level": "the level alone",
    "silero": "Silero VAD",
}


def false_alarms(part: str) -> str:
    """Return how many recordings of each kind of `noise` or `sounds` are taken for speech."""
    measured = _stored()[part]
    rows = [[_title(kind), *_counts(counts)] for kind, counts in measured.items()]
    total = [
        sum(counts["recordings"] for counts in measured.values()),
        *(sum(counts["found"][name] for counts in measured.values()) for name in _detectors()),
    ]
    head = ("sound", "recordings", *_detectors().values())
    return table(head, [*rows, ["all", *map(str, total)]], numbers=len(head) - 1)


def missed_speech() -> str:
    """Return the share of clips in which no speech is found, the mean over the corpora."""
    corpora = _stored()["speech"]
    rows = []
    for condition in next(iter(corpora.values())):
        shares = (
            [_missed(corpus[condition], name) for corpus in corpora.values()]
            for name in _detectors()
        )
        rows.append([condition, *(f"{sum(each) / len(each):.1f} %" for each in shares)])
    return table(("speech above noise", *_detectors().values()), rows, numbers=len(_detectors()))


def missed_by_corpus() -> str:
    """Return the clips of each corpus in which the network that ships finds no speech."""
    rows, conditions = [], [""]
    for name, corpus in _stored()["speech"].items():
        conditions = list(corpus)
        missed = [counts["recordings"] - counts["found"]["network"] for counts in corpus.values()]
        rows.append([_title(name), str(corpus["clean"]["recordings"]), *map(str, missed)])
    return table(("corpus", "clips", *conditions), rows, numbers=1 + len(conditions))


def detection_time() -> str:
    """Return the processor time that each detector needs for a second of sound."""
    spent = _stored()["time"]
    rows = [[title, f"{1000 * spent[name]:.1f} ms"] for name, title in _detectors().items()]
    return table(("detector", "for a second of sound"), rows, numbers=1)


def _stored() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(STORED.read_text("utf-8"))
    return document


def _detectors() -> dict[str, str]:
    return {name: title for name, title in _TITLES.items() if name in _stored()["time"]}


def _counts(counts: Mapping[str, Any]) -> list[str]:
    found = [counts["found"][name] for name in _detectors()]
    return [str(number) for number in (counts["recordings"], *found)]


def _missed(counts: Mapping[str, Any], name: str) -> float:
    return 100.0 * (1.0 - float(counts["found"][name]) / float(counts["recordings"]))


def _title(name: str) -> str:
    """A kind of sound as people call it, or a corpus by its own name."""
    from bilstm_hmm.data.corpora.registry import CORPORA

    if name in CORPORA:
        return CORPORA[name].title.removesuffix(" (speech)")
    return {"silence": "the last bit", "nemo": "nEMO"}.get(name, name.replace("-", " "))
