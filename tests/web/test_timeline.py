"""The timeline can be looked into, played and gone through by keys; live, it grows with speech."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.stream import EmotionStream
from bilstm_hmm.output.formats import json_line
from tests.web.conftest import until

BUTTON = "document.querySelector('.controls button').textContent"
NOW = "parseFloat(document.querySelector('.time').textContent.split(':')[1])"


@pytest.fixture
def timeline(page: Any, clips: Path) -> Any:
    """The page with the timeline of a recording of several emotions."""
    page.set_input_files("#files", clips / "talk.wav")
    page.wait_for_selector("#one .timeline")
    return page


def left(page: Any) -> float:
    return float(page.evaluate("parseFloat(document.querySelector('.playhead').style.left)"))


def test_a_segment_that_is_clicked_is_played_to_its_end(
    timeline: Any, model: Model, clips: Path
) -> None:
    segment = model.predict(str(clips / "talk.wav")).segments[1]
    timeline.locator(".segment").nth(1).click()
    until(timeline, f"{BUTTON} === 'Stop'")
    until(timeline, f"{NOW} > {segment.start + 0.5}")
    until(timeline, f"{BUTTON} === 'Play'")
    assert timeline.evaluate(NOW) == pytest.approx(segment.end, abs=0.11)


def test_the_playhead_moves_along_and_stops(timeline: Any) -> None:
    assert left(timeline) == 0.0
    timeline.locator(".controls button").first.click()
    until(timeline, f"{NOW} > 0.4")
    timeline.locator(".controls button").first.click()
    stopped = left(timeline)
    assert stopped > 0.0
    timeline.wait_for_timeout(300)
    assert left(timeline) == stopped


def test_a_click_on_the_waveform_goes_there(timeline: Any) -> None:
    box = timeline.locator("canvas").first.bounding_box()
    timeline.mouse.click(box["x"] + box["width"] / 2, box["y"] + 20)
    assert left(timeline) == pytest.approx(50.0, abs=0.5)


def test_zoom_by_wheel_buttons_and_keys(timeline: Any) -> None:
    def zoom() -> float:
        return float(
            timeline.evaluate(
                "document.querySelector('.track').clientWidth"
                " / document.querySelector('.scroll').clientWidth"
            )
        )

    assert zoom() == pytest.approx(1.0)
    timeline.click("[aria-label='Zoom in']")
    by_button = zoom()
    assert by_button > 1.5
    timeline.locator(".segment").first.focus()
    timeline.keyboard.press("+")
    by_key = zoom()
    assert by_key > by_button
    box = timeline.locator(".scroll").bounding_box()
    timeline.mouse.move(box["x"] + box["width"] / 2, box["y"] + 30)
    timeline.mouse.wheel(0, -100)
    until(timeline, f"document.querySelector('.track').clientWidth > {1.1 * by_key * box['width']}")
    timeline.keyboard.press("0")
    assert zoom() == pytest.approx(1.0)


def test_the_probabilities_of_a_moment_are_shown_under_the_pointer(timeline: Any) -> None:
    assert timeline.locator(".tip").is_hidden()
    timeline.locator(".segment").nth(2).hover()
    label = timeline.locator(".segment").nth(2).inner_text()
    assert f": {label} from " in timeline.inner_text(".tip caption")
    # Of the model's five emotions, the segment's is the likeliest.
    assert timeline.locator(".tip th").all_inner_texts()[0] == label
    assert timeline.locator(".tip th").count() == 5
    timeline.locator("h1").hover()
    assert timeline.locator(".tip").is_hidden()


def test_keys_go_from_segment_to_segment(timeline: Any) -> None:
    timeline.locator(".controls button").last.focus()
    timeline.keyboard.press("Tab")
    focused = "document.activeElement.getAttribute('aria-label')"
    first = timeline.evaluate(focused)
    timeline.keyboard.press("ArrowRight")
    second = timeline.evaluate(focused)
    assert (first[:5], second[:3]) == ("happy", "sad")
    assert second.endswith("; plays it")
    timeline.keyboard.press("End")
    assert timeline.evaluate(focused).startswith("neutral")
    timeline.keyboard.press("Enter")
    until(timeline, f"{BUTTON} === 'Stop'")
    timeline.keyboard.press("Home")
    assert timeline.evaluate(focused) == first


def test_live_is_what_a_stream_of_the_same_samples_gives(page: Any, model: Model) -> None:
    sent: list[Any] = []
    came: list[str] = []

    def watch(socket: Any) -> None:
        socket.on("framesent", lambda frame: sent.append(frame))  # noqa: PLW0108
        socket.on("framereceived", lambda frame: came.append(frame))  # noqa: PLW0108

    page.on("websocket", watch)
    page.click("#live")
    page.wait_for_selector("#live-view .closed li")
    assert page.locator("#record").is_disabled()
    page.click("#live")
    page.wait_for_selector("#one .timeline")
    first, *samples, last = sent
    assert json.loads(last) == {"end": True}
    rate = json.loads(first)["rate"]
    stream = EmotionStream(model, rate)
    whole = np.frombuffer(b"".join(samples), "<i2").astype(np.float32) / 32768
    updates = [*stream.push(whole), stream.close()]
    assert [f"{text}\n" for text in came] == [json_line(one.to_dict()) for one in updates]
    closed = [one["emotion"] for update in updates for one in update.to_dict()["closed"]]
    texts = page.locator("#live-view .closed li").all_text_contents()
    assert [text.rpartition(": ")[2] for text in texts] == closed
    assert page.locator("#timeline .segment").all_inner_texts() == closed
    assert page.locator("#live-view").is_hidden()
    page.click("text=Label the whole recording")
    page.wait_for_selector("#answer .label")
