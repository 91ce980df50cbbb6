"""The tables by condition: of the models that are measured, and of no others."""

import json
from pathlib import Path

from docs.generate.conditions import conditions

SCORES = {
    "description": "pink noise, 20 dB",
    "ua": 61.26,
    "ua_lost": 2.04,
    "ece": 0.1234,
    "confidence": None,
    "warned": 12.5,
}


def test_a_model_that_is_measured_has_a_table(tmp_path: Path) -> None:
    document = {"clips": 99, "corpus": "emodb", "trained_on_corpus": True}
    text = json.dumps({**document, "conditions": {"pink-20": SCORES}})
    (tmp_path / "conditions-default.json").write_text(text, "utf-8")
    page = conditions("default", "open", results=tmp_path)
    assert "[`default`](../results/conditions-default.json), 99 clips of `emodb`, on" in page
    assert "| pink noise, 20 dB | 61.3 | 2.0 | 0.12 | none | 12 % |" in page
    assert "open" not in page


def test_without_any_it_says_so(tmp_path: Path) -> None:
    assert conditions("default", results=tmp_path) == "No model is measured yet.\n"
