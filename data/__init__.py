"""Corpora of emotional speech, their clips, and the splits that they are evaluated with."""

from data.clip import EMOTIONS, Clip
from data.corpus import Corpus, Scan
from data.errors import DataError
from data.protocols import PROTOCOLS, Protocol, protocol_for
from data.registry import CORPORA, load

__all__ = [
    "CORPORA",
    "EMOTIONS",
    "PROTOCOLS",
    "Clip",
    "Corpus",
    "DataError",
    "Protocol",
    "Scan",
    "load",
    "protocol_for",
]
