"""The README tells the truth about what can be checked without a corpus."""

import json
import re
from pathlib import Path

import pytest
import yaml
from bilstm_hmm.data.corpora.registry import CORPORA
from pydantic import BaseModel

from bilstm_hmm.config.loading import load_recipe
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.output.formats import FORMATS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([a-z_]+\.[a-z_.]+)` \| `([^`]*)` \|", README, re.MULTILINE)


def _default(key: str) -> object:
    node: object = Recipe()
    for part in key.split("."):
        node = getattr(node, part)
    return node.model_dump(mode="json") if isinstance(node, BaseModel) else node


@pytest.mark.parametrize(("key", "text"), ROWS)
def test_the_configuration_table_has_the_defaults(key: str, text: str) -> None:
    told = yaml.safe_load(text)
    default = _default(key)
    assert told == (list(default) if isinstance(default, tuple) else default)


def test_the_configuration_table_is_there() -> None:
    assert len(ROWS) >= 20


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "configs").glob("*.yaml")))
def test_every_shipped_recipe_is_valid(name: str) -> None:
    assert load_recipe(name).name


RESULTS = re.findall(r"^\| \[`[^`]+`\]\((docs/results/[^)]+\.json)\)(.*)\|$", README, re.MULTILINE)


@pytest.mark.parametrize(("path", "row"), RESULTS)
def test_results_are_those_of_the_evaluation(path: str, row: str) -> None:
    document = json.loads((ROOT / path).read_text("utf-8"))
    systems, difference = document["systems"], document["comparison"]["hybrid-bilstm"]
    hybrid = systems["hybrid"]
    low, high = hybrid["ua_interval"]
    worse, better = difference["ua_interval"]
    cells = [cell.strip() for cell in row.split("|")]
    assert document["speaker_independent"] or "speaker-dependent" in cells[0]
    assert cells[1:] == [
        *(f"{systems[name]['ua']:.1f}" for name in ("posterior-mean", "hmm-raw", "bilstm", "hmm")),
        f"{hybrid['ua']:.1f} [{low:.1f}, {high:.1f}]",
        f"{difference['ua']:+.1f} [{worse:+.1f}, {better:+.1f}]",
        f"{hybrid['wa']:.1f}",
        f"{hybrid['ece']:.3f}",
    ]


def test_every_result_is_in_a_table() -> None:
    told = {ROOT / path for path, _ in RESULTS}
    results = ROOT / "docs" / "results"
    assert told == {*results.rglob("*.json")} - {*(results / "timelines").glob("*.json")}
    assert told


TIMELINES = re.findall(
    r"\[`timeline-[^`]+`\]\((docs/results/timelines/[^)]+\.json)\).*?\n\n((?:\|[^\n]*\n)+)",
    README,
    re.DOTALL,
)


@pytest.mark.parametrize(("path", "table"), TIMELINES)
def test_timelines_are_those_of_the_evaluation(path: str, table: str) -> None:
    document = json.loads((ROOT / path).read_text("utf-8"))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    assert [row[0] for row in rows] == [f"`{name}`" for name in document["systems"]]
    for (*_, told), (name, own) in zip(rows, document["systems"].items(), strict=True):
        difference = document["comparison"].get(f"composite-hmm-{name}")
        if difference is None:
            assert told == ""
            continue
        low, high = difference["eder_interval"]
        assert told == f"{difference['eder']:+.1f} [{low:+.1f}, {high:+.1f}]"
        assert own["eder"] > 0.0
    for row, own in zip(rows, document["systems"].values(), strict=True):
        assert row[1:6] == [
            f"{own['frame_accuracy']:.1f}",
            f"{own['frame_ua']:.1f}",
            f"{own['eder']:.1f}",
            f"{own['boundary_f1']:.2f}",
            f"{own['segment_ratio']:.2f}",
        ]


def test_every_timeline_result_is_told() -> None:
    told = {Path(path).name for path, _ in TIMELINES}
    assert told == {path.name for path in (ROOT / "docs" / "results" / "timelines").glob("*.json")}


def test_every_format_and_corpus_is_named() -> None:
    for name in (*FORMATS, *CORPORA):
        assert f"`{name}`" in README


def test_no_placeholder_is_left() -> None:
    assert "@@" not in README


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)\)", README))
def test_links_into_the_repository_lead_somewhere(target: str) -> None:
    assert target.startswith("http") or (ROOT / target).exists()


@pytest.mark.parametrize("script", ["train.py", "evaluate.py", "predict.py"])
def test_every_option_in_a_command_exists(script: str) -> None:
    import importlib

    from typer.main import get_command

    from bilstm_hmm.cli.main import command

    function = getattr(importlib.import_module("bilstm_hmm.cli.main"), script.removesuffix(".py"))
    known = {option for param in get_command(command(function)).params for option in param.opts}
    lines = re.findall(rf"python {re.escape(script)} (.*)", README)
    assert lines
    for line in lines:
        assert set(re.findall(r"--[a-z]+", line)) <= known
