"""People who see little, use no mouse or a phone can use the page."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.web.conftest import DESKTOP, PHONE

Serious = Callable[[Any], list[str]]
WIDTH = "document.scrollingElement.scrollWidth"


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing_serious_and_all_fits(
    open_page: Callable[..., Any],
    served: str,
    clips: Path,
    serious: Serious,
    viewport: dict[str, int],
    colours: str,
) -> None:
    page = open_page(f"{served}/", viewport=viewport, color_scheme=colours)
    page.wait_for_selector("#card li")
    assert serious(page) == []
    page.set_input_files("#files", [clips / name for name in ("sad.wav", "none.wav", "talk.wav")])
    page.wait_for_selector(".results")
    page.click("button.link:has-text('talk.wav')")
    page.wait_for_selector("#one .timeline")
    page.locator(".segment").first.hover()
    assert serious(page) == []
    assert page.evaluate(WIDTH) <= viewport["width"]
    page.select_option("#model", "voices")
    page.click("#live")
    page.wait_for_selector("#live-answer tr")
    assert serious(page) == []
    assert page.evaluate(WIDTH) <= viewport["width"]
    page.click("#live")
    page.wait_for_selector("#status:has-text('Ended')")


def test_all_can_be_done_by_keys_and_the_focus_is_seen(page: Any, clips: Path) -> None:
    seen = []
    for _ in range(7):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            "(() => { const at = document.activeElement;"
            " return [at.id || at.className, getComputedStyle(at).outlineStyle]; })()"
        )
        seen.append(name)
        assert outline != "none", name
    assert seen[:4] == ["skip", "files", "record", "live"]
    assert "model" in seen
    page.set_input_files("#files", clips / "sad.wav")
    page.wait_for_selector("#one .timeline")
    # Who cannot see it is taken to the answer, and has been told it.
    assert page.evaluate("document.activeElement.id") == "one"
    assert page.locator("[role=status]#status").inner_text() == "sad.wav: sad."
