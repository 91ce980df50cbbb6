"""What the pages have from the code and from the stored results is up to date and whole."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import AliasChoices, BaseModel, Field

from bilstm_hmm.cli.main import CACHE, COMMANDS, CORPORA, ENCODERS, VOICE
from bilstm_hmm.cli.runs import ENCODER_HINT
from bilstm_hmm.config.schema import Recipe
from docs.generate.__main__ import main
from docs.generate.configuration import sections
from docs.generate.pages import up_to_date, with_blocks
from docs.generate.unheard import unheard
from tests.docs.pages import DOCS, README, ROOT

CONFIGURATION = (DOCS / "reference" / "configuration.md").read_text("utf-8")
RESULTS = "".join(
    (DOCS / page).read_text("utf-8")
    for page in (
        *("explanation/results.md", "explanation/speech-detection.md"),
        "guide/rooms-and-lines.md",
    )
)


def test_the_pages_are_as_the_code_has_them() -> None:
    pages = dict(up_to_date())
    assert {
        README,
        DOCS / "reference" / "configuration.md",
        DOCS / "reference" / "commands.md",
    } <= {*pages}
    stale = [
        path.relative_to(ROOT).as_posix()
        for path, text in pages.items()
        if path.read_text("utf-8") != text
    ]
    assert not stale, f"run python -m docs.generate: {stale}"


def _keys(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _keys(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


@pytest.mark.parametrize(("key", "field"), [*_keys(Recipe)])
def test_every_key_says_what_it_means(key: str, field: Any) -> None:
    assert field.description, key
    (row,) = re.findall(rf"^\| `{re.escape(key)}` \|.*$", CONFIGURATION, re.MULTILINE)
    assert row.count(" | ") == 3
    assert "None" not in row


def test_every_command_has_a_section() -> None:
    text = (DOCS / "reference" / "commands.md").read_text("utf-8")
    groups = {"corpora": CORPORA, "encoders": ENCODERS, "voice": VOICE, "cache": CACHE}
    names = [*COMMANDS, *(f"{group} {name}" for group, inner in groups.items() for name in inner)]
    assert re.findall(r"^## `bilstm-hmm (.*)`$", text, re.MULTILINE) == names


def test_every_stored_result_is_in_a_page() -> None:
    stored = {path.relative_to(DOCS).as_posix() for path in (DOCS / "results").rglob("*.json")}
    assert stored == set(re.findall(r"\]\(\.\./(results/\S+\.json)\)", RESULTS))


def test_results_on_corpora_left_out_are_tables_of_whatever_is_stored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("docs.generate.unheard.RESULTS", tmp_path)
    assert unheard() == "No results by this protocol are stored yet.\n"
    for name, amounts in (("one", ("0", "10-neutral")), ("two", ("0",))):
        scores = {"hybrid": {"ua": 51.24, "wa": 60.0, "ece": 0.0512, "log_loss": 1.25}}
        corpus = {"known": {known: {"systems": scores} for known in amounts}}
        found = {
            "system": "hybrid",
            "corpora": {"emodb": corpus},
            "mean": dict.fromkeys(amounts, scores),
        }
        (tmp_path / f"unheard-{name}.json").write_text(json.dumps(found), encoding="utf-8")
    written = unheard()
    for row in (
        "| recipe | 0 | 10, all neutral | ECE, 0 | log loss, 0 |",
        "| [`one`](../results/unheard-one.json) | 51.2 | 51.2 | 0.051 | 1.250 |",
        "| [`two`](../results/unheard-two.json) | 51.2 |  | 0.051 | 1.250 |",
        "UA of `hybrid` of `one` by corpus:",
        "| known clips | emodb | mean | ECE | log loss |",
        "| 10, all neutral | 51.2 | 51.2 | 0.051 | 1.250 |",
    ):
        assert row in written


def test_the_better_recipe_is_named_with_its_figures() -> None:
    better, best_on_mfcc = (
        json.loads(_stored(name))["systems"]["hybrid"]["ua"]
        for name in ("encoder/emodb-loso", "emodb-loso")
    )
    for text in (ENCODER_HINT, README.read_text("utf-8")):
        assert "encoder_bilstm_hmm.yaml" in text
        assert re.search(rf"UA (is )?{better:.1f}; .*\b{best_on_mfcc:.1f}\b", text)


def test_the_figures_of_the_readme_are_those_stored() -> None:
    text = " ".join(README.read_text("utf-8").split())
    systems = json.loads(_stored("timelines/open-accurate"))["systems"]
    eder = [
        f"{systems[name]['eder']:.1f} %" for name in ("composite-hmm", "windows", "frame-argmax")
    ]
    assert (
        "(EDER) is {}, against {} for windows of 3 s and {} for single frames".format(*eder) in text
    )
    names = re.search(r"generated: summary (.*?) -->", text)
    assert names is not None
    gains = [
        json.loads(_stored(name))["comparison"]["hybrid-bilstm"]["ua"] for name in names[1].split()
    ]
    assert f"{min(gains):.1f} to {max(gains):.1f} points" in text


def _stored(name: str) -> str:
    return (DOCS / "results" / f"{name}.json").read_text("utf-8")


class _Inner(BaseModel):
    """An inner ``section``."""

    odd: int = 3


class _Model(BaseModel):
    """A model."""

    several: tuple[_Inner, ...] = Field((_Inner(), _Inner(odd=5)), description="Some | any.")
    maybe: float | None = Field(None, gt=0.0, description="May be none.")
    new: str = Field("x", validation_alias=AliasChoices("new", "old"), description="A word.")


def test_types_defaults_and_older_names_are_written_out() -> None:
    text = "".join(sections(_Model))
    for row in (
        "| `several` | list of keys below | `[{}, {odd: 5}]` | Some \\| any. |",
        "| `maybe` | number > 0 or `null` | `null` | May be none. |",
        "| `new` | text | `x` | A word. Older recipes call it `old`. |",
        "| `several[].odd` | integer | `3` |  |",
        "## `several[]`\n\nAn inner `section`.\n",
    ):
        assert row in text


def test_a_page_that_is_not_up_to_date_is_named_and_mended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("A\n<!-- generated: folds ravdess-emobox -->\nold\n<!-- end -->\nZ\n")
    monkeypatch.setattr("docs.generate.__main__.ROOT", tmp_path)
    monkeypatch.setattr(
        "docs.generate.__main__.up_to_date", lambda: [(page, with_blocks(page.read_text()))]
    )
    assert (main("--check"), capsys.readouterr().out) == (1, "page.md\n")
    assert "old" in page.read_text()
    assert (main(), capsys.readouterr().out) == (0, "page.md\n")
    assert re.fullmatch(
        r"A\n<!-- .* -->\n\n- `ravdess-emobox`: 63\.3, .*\n\n<!-- end -->\nZ\n", page.read_text()
    )
    assert (main("--check"), capsys.readouterr().out) == (0, "")
