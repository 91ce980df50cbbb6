"""The page: all of it comes from the service, under a policy that lets it ask nobody else."""

import re
from pathlib import Path

import pytest

import bilstm_hmm.service.page.serving as page
from bilstm_hmm.inference.model import Model
from bilstm_hmm.output.formats import FORMATS
from bilstm_hmm.output.plot_style import emotion_colours
from bilstm_hmm.service.settings import ServiceSettings
from tests.bilstm_hmm.service.harness import in_loop, limited, problem, serving
from tests.oracle import EMOTIONS

FOLDER = Path(page.__file__).parent
MODULES = sorted(FOLDER.rglob("*.js"))
#: Words of a person's own, more than there are colours for them.
OWN_WORDS = ("tired", "amused", "zealous", "eager", "weary", "proud", "envious")


@in_loop
async def test_the_page_comes_whole_from_the_service_and_asks_nobody_else(model: Model) -> None:
    async with serving(model) as served:
        index = await served.get("/")
        assert index.headers["content-type"] == "text/html; charset=utf-8"
        wanted = re.findall(r'(?:src|href)="(page/[^"]+)"', index.text)
        assert len(wanted) == 3
        for name in (*wanted, *(f"page/{path.relative_to(FOLDER)}" for path in MODULES)):
            response = await served.get(f"/{name}")
            assert response.status_code == 200, name
            policy = response.headers["content-security-policy"]
            assert "default-src 'self'" in policy
            assert "unsafe" not in policy
            assert "http" not in policy
        assert (await served.get("/page/none.js")).status_code == 404
        assert (await served.get("/page/serving.py")).status_code == 404


def test_nothing_in_it_names_another_host_or_is_markup_made_of_text() -> None:
    for path in (*MODULES, FOLDER / "index.html", FOLDER / "style.css"):
        text = path.read_text("utf-8")
        assert not re.search(r"https?://(?!www\.w3\.org/)\w", text), path
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)
    index = (FOLDER / "index.html").read_text("utf-8")
    # The policy forbids both.
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! type=\"module\" src=)", index)


def test_modules_are_short_and_only_one_asks_the_service() -> None:
    for path in MODULES:
        text = path.read_text("utf-8")
        assert text.startswith("// "), f"{path.name} does not say what it is"
        assert len(text.splitlines()) <= 300, path.name
        asks = bool(re.search(r"\bfetch\(|new WebSocket\(|XMLHttpRequest|sendBeacon", text))
        assert asks == (path.name == "service.js"), path.name
        if path.parent == FOLDER:
            # web/ has them too, where there is no service.
            assert "/service/" not in text, path.name


def test_its_colours_are_those_of_the_pictures() -> None:
    text = (FOLDER / "colours.js").read_text("utf-8")
    known = dict(re.findall(r'^  (\w+): "(#\w{6})",$', text, re.MULTILINE))
    (others,) = re.findall(r"OTHER_COLOURS = \[(.*?)\];", text)
    (silence,) = re.findall(r'SILENCE_COLOUR = "(#\w{6})"', text)
    assert emotion_colours(tuple(known)) == {**known, "no speech": silence}
    assert set(EMOTIONS) <= set(known)
    in_order = emotion_colours(sorted(OWN_WORDS)[:6])
    assert re.findall(r"#\w{6}", others) == list(in_order.values())[:6]


@in_loop
async def test_it_knows_what_the_service_can_do(model: Model) -> None:
    async with serving(model, limited(max_seconds=12.0, max_files=3)) as served:
        known = (await served.get("/page/settings.json")).json()
    assert (known["max_seconds"], known["max_files"]) == (12.0, 3)
    assert {one["name"] for one in known["formats"]} == set(FORMATS)
    assert {one["name"] for one in known["formats"] if one["per_file"]} == {
        name for name, format in FORMATS.items() if format.per_file
    }


def test_a_picture_is_not_offered_where_there_is_no_matplotlib(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(page, "find_spec", lambda _: None)
    names = [one["name"] for one in page.page_settings(ServiceSettings())["formats"]]
    assert names == [name for name in FORMATS if name != "png"]


@in_loop
async def test_anybody_gets_the_page_and_only_who_has_a_token_an_answer(
    model: Model, tmp_path: Path
) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("0123456789abcdef\n")
    settings = ServiceSettings(token_file=str(tokens))
    async with serving(model, settings) as served:
        for path in page.PATHS:
            assert (await served.get(path)).status_code == 200
        problem(await served.get("/v1/models"), 401, "token")
        problem(await served.post("/v1/voice"), 401, "token")


def test_pages_that_may_call_it_may_frame_it_and_no_other() -> None:
    assert page.content_policy(()).endswith("frame-ancestors 'self'")
    named = page.content_policy(("https://example.org",))
    assert named.endswith("frame-ancestors 'self' https://example.org")
