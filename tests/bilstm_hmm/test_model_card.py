"""The model card: whose data, under which licence, how well, and for what."""

from dataclasses import fields

import pytest

from bilstm_hmm.bundle import Bundle
from bilstm_hmm.decision import SYSTEMS
from bilstm_hmm.model_card import commercial_use, model_card
from data.registry import CORPORA

METRICS = {
    "protocol": "cross-corpus",
    "speaker_independent": True,
    "clips": 535,
    "systems": {
        system: {"ua": 51.23, "wa": 50.0, "f1": 49.9, "ece": 0.1234}
        for system in (*SYSTEMS, "some floor")
    },
}
# A card needs no weights.
BUNDLE = Bundle(
    **dict.fromkeys((field.name for field in fields(Bundle)), None)
    | {"identity": "tiny-12345678", "classes": ("happy", "sad")}
)


def test_every_corpus_trained_on_is_credited() -> None:
    card = model_card(BUNDLE, ("ravdess", "crema-d"), ("emodb",), METRICS, 1)
    assert card.startswith("# tiny-12345678\n")
    for name in ("ravdess", "crema-d"):
        source = CORPORA[name]
        (line,) = [line for line in card.splitlines() if f"`{name}`" in line]
        for word in (source.title, source.licence, source.citation):
            assert word in line
    assert CORPORA["emodb"].citation not in card
    test = f"535 clips of {CORPORA['emodb'].title}, of speakers not trained on."
    assert test in card
    assert "happy, sad" in card
    assert "protocol cross-corpus, fold 1" in card
    assert "hybrid: UA 51.2, WA 50.0, macro F1 49.9, expected calibration error 0.123." in card
    assert "some floor" not in card
    assert "Commercial use: not allowed by the licences of the data (ravdess)." in card
    assert card.endswith("\n")


def test_a_speaker_dependent_figure_is_marked() -> None:
    metrics = {**METRICS, "speaker_independent": False}
    card = model_card(BUNDLE, ("emodb",), ("emodb",), metrics, 1)
    assert "SPEAKER-DEPENDENT." in card
    assert "not trained on" not in card


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["crema-d", "emodb"], "allowed by the licences of the data"),
        (["tess", "emodb", "savee"], "not allowed by the licences of the data (tess, savee)"),
        (["tess", "folders"], "not allowed by the licences of the data (tess)"),
        (["emodb", "folders"], "as the licence of your own recordings allows"),
    ],
)
def test_commercial_use(names: list[str], said: str) -> None:
    assert commercial_use([CORPORA[name] for name in names]) == said
