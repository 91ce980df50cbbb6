"""The documentation as a site: `make docs` builds it whole, and it asks nothing of other hosts."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from tests.docs.pages import DOCS, ROOT

#: What a browser loads without being asked, by the tag that names it.
LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built by `make docs` in an environment that is there already."""
    folder = tmp_path_factory.mktemp("docs")
    for name in ("bin/python", "installed", "installed-docs"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    programs = Path(sys.executable).parent
    done = subprocess.run(
        ["make", "docs", f"VENV={folder}", f"BIN={programs}", f"SITE={folder / 'site'}"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr
    return folder / "site"


class _Loaded(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        address = values.get(LOADED.get(tag, ""))
        if address and values.get("rel") not in ("canonical", "next", "prev"):
            self.found.append(address)


def test_every_page_is_there(site: Path) -> None:
    pages = {path.relative_to(DOCS).with_suffix(".html") for path in DOCS.rglob("*.md")}
    assert pages <= {path.relative_to(site) for path in site.rglob("*.html")}
    assert not list(site.rglob("generate*"))


def test_nothing_is_loaded_from_another_host(site: Path) -> None:
    for page in site.rglob("*.html"):
        parser = _Loaded()
        parser.feed(page.read_text("utf-8"))
        assert parser.found
        foreign = [address for address in parser.found if re.match(r"(?:https?:)?//", address)]
        assert not foreign, page
        for address in parser.found:
            path = address.partition("?")[0].partition("#")[0]
            assert (
                address.startswith("data:") or (page.parent / path).exists() or path.startswith("/")
            ), (page, address)
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(?:https?:)?//", sheet.read_text("utf-8")), sheet


def test_pages_hold_what_they_are_made_of(site: Path) -> None:
    """Snippets, tables and the API are in the pages, and not the marks that stand for them."""
    how_to = (site / "development" / "how-to" / "add-an-output-format.html").read_text("utf-8")
    assert "webvtt" in how_to
    api = (site / "reference" / "api.html").read_text("utf-8")
    for name in ("load", "Model", "EmotionStream", "Prediction", "Segment", "Update", "DataError"):
        assert f">{name}</span>" in api or f">{name}</a>" in api, name
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        assert "--8&lt;--" not in text, page
        assert "::: " not in text, page


def test_the_theme_brings_its_own_fonts() -> None:
    class Loader(yaml.SafeLoader):
        """Knows the tag by which mkdocs reads the environment."""

    Loader.add_constructor("!ENV", lambda loader, node: loader.construct_sequence(node))
    settings = yaml.load((ROOT / "mkdocs.yml").read_text("utf-8"), Loader)
    assert settings["theme"]["font"] is False
    assert settings["strict"] is True
