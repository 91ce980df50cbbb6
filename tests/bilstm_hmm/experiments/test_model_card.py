"""The model card: whose data, under which licence, how well, and for what."""

from dataclasses import fields, replace

import pytest
from bilstm_hmm.data.corpora.registry import CORPORA

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.experiments.model_card import commercial_use, model_card
from bilstm_hmm.hmm.fusion import SYSTEMS
from bilstm_hmm.inference.bundle import Bundle

METRICS = {
    "protocol": "cross-corpus",
    "speaker_independent": True,
    "clips": 535,
    "systems": {
        system: {
            "ua": 51.23,
            "ua_interval": [48.0, 54.5],
            "wa": 50.0,
            "f1": 49.9,
            "ece": 0.1234,
            "recalls": {"happy": 61.5, "sad": None},
            "ua_by_sex": {"female": 55.55, "male": 47.0},
        }
        for system in (*SYSTEMS, "some floor")
    },
}
# A card needs no weights.
BUNDLE = Bundle(
    **dict.fromkeys((field.name for field in fields(Bundle)), None)
    | {"model_id": "tiny-12345678", "classes": ("happy", "sad"), "recipe": Recipe()}
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
    assert "Protocol `cross-corpus`, fold 1" in card
    assert "| hybrid | 51.2 | 48.0 to 54.5 | 50.0 | 49.9 | 0.123 |" in card
    assert "| happy | 61.5 | 61.5 | 61.5 |" in card
    assert "| sad | none | none | none |" in card
    assert "| female | 55.5 | 55.5 | 55.5 |" in card
    assert "Labels by the system `hybrid`" in card
    assert "some floor" not in card
    assert "Commercial use: not allowed by the licences of the data (ravdess)." in card
    assert card.endswith("\n")


def test_a_speaker_dependent_figure_is_marked() -> None:
    metrics = {**METRICS, "speaker_independent": False}
    card = model_card(BUNDLE, ("emodb",), ("emodb",), metrics, 1)
    assert "SPEAKER-DEPENDENT: of speakers also trained on" in card
    assert "not trained on" not in card


def test_out_of_fold_figures_are_said_to_be_that() -> None:
    metrics = {**METRICS, "protocol": "out-of-fold"}
    card = model_card(BUNDLE, ("emodb",), ("emodb",), metrics, 1)
    assert "Protocol `out-of-fold`: 535 clips" in card
    assert "fitted without its speaker" in card


def test_an_int8_network_is_told_of_where_there_is_one() -> None:
    plain = model_card(BUNDLE, ("emodb",), ("emodb",), METRICS, 1)
    assert "int8" not in plain
    quantised = {**METRICS["systems"]["hybrid"], "ua": 50.98, "recalls": {"happy": 61.0, "sad": 1}}
    systems = {**METRICS["systems"], "hybrid-int8": quantised}
    card = model_card(BUNDLE, ("emodb",), ("emodb",), {**METRICS, "systems": systems}, 1)
    assert "| hybrid-int8 | 51.0 | 48.0 to 54.5 | 50.0 | 49.9 | 0.123 |" in card
    assert "| happy | 61.5 | 61.5 | 61.5 | 61.0 |" in card
    assert "`hybrid-int8` is `hybrid` with the model's int8 network (`--precision int8`)." in card


def test_few_speakers_give_no_interval() -> None:
    systems = {name: {**f, "ua_interval": None} for name, f in METRICS["systems"].items()}
    card = model_card(BUNDLE, ("emodb",), ("emodb",), {**METRICS, "systems": systems}, 1)
    assert "| hybrid | 51.2 | none |" in card
    assert "; fewer than 6 speakers allow no interval." in card
    whole = model_card(BUNDLE, ("emodb",), ("emodb",), METRICS, 1)
    assert "; the interval resamples whole speakers." in whole


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


def test_a_label_cannot_break_the_tables() -> None:
    systems = {n: {**f, "recalls": {"a|b": 50.0}} for n, f in METRICS["systems"].items()}
    card = model_card(BUNDLE, ("emodb",), ("emodb",), {**METRICS, "systems": systems}, 1)
    assert "| a\\|b | 50.0 | 50.0 | 50.0 |" in card


@pytest.mark.parametrize(
    ("encoder", "said"),
    [
        ({}, ["pipecat-ai==1.14.0", "BSD-2-Clause", "encoders fetch whisper-tiny`"]),
        (
            {"model": "mine.onnx", "sha256": "0" * 64},
            ["`mine.onnx`", "0" * 64, "encoders fetch mine.onnx --from FILE`"],
        ),
    ],
)
def test_an_encoder_is_credited_and_its_absence_said(
    encoder: dict[str, str], said: list[str]
) -> None:
    features = {"streams": ["encoder"], "encoder": encoder}
    tree = {"features": features, "augmentation": {"vocal_tract": {"probability": 0.0}}}
    with_encoder = replace(BUNDLE, recipe=Recipe.model_validate(tree))
    card = model_card(with_encoder, ["emodb"], ["emodb"], METRICS, 1)
    assert "not a part of this bundle" in card
    for words in said:
        assert words in card
    assert "## Encoder" not in model_card(BUNDLE, ["emodb"], ["emodb"], METRICS, 1)


def test_a_temperature_that_was_chosen_is_said_beside_the_calibration_error() -> None:
    recipe = Recipe.model_validate({"decision": {"temperature": 1.5}})
    card = model_card(replace(BUNDLE, recipe=recipe), ("emodb",), ("emodb",), METRICS, 1)
    assert "by a temperature of 1.5" in card
    assert "temperature" not in model_card(BUNDLE, ("emodb",), ("emodb",), METRICS, 1)
