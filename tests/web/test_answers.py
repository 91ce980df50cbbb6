"""The page gives the answers of the command: to what is chosen, dropped and recorded."""

import json
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.voice.profile import VoiceProfile
from bilstm_hmm.output.formats import FORMATS
from tests.bilstm_hmm.service.process import server
from tests.web.conftest import until

Said = Callable[..., str]

DROP = """async ([name, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], name));
  const drop = document.getElementById("drop");
  drop.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
}"""
#: Keep the recording that is sent next: a browser does not show files of a form to its driver.
KEEP = """() => {
  const ask = window.fetch;
  window.fetch = async (url, options) => {
    const file = options?.body?.get?.("file");
    if (file) window.sent ??= new Uint8Array(await file.arrayBuffer());
    return ask(url, options);
  };
}"""


@pytest.fixture
def said(command: Callable[..., Any], oracle: Path) -> Said:
    """What the command says of a recording."""

    def say(path: Path, *arguments: str) -> str:
        given = ("--model", oracle, "--file", path.name, *arguments)
        done = command("predict.py", *given, cwd=path.parent)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    return say


def shown(page: Any) -> dict[str, Any]:
    """The answer as the page has it: the label, and the probabilities in whole per cent."""
    page.wait_for_selector("#one .timeline")
    rows = page.locator("#answer .probabilities tr").all()
    cells = [[row.locator("th").inner_text(), row.locator(".number").inner_text()] for row in rows]
    return {"label": page.inner_text("#answer .label strong"), "probabilities": dict(cells)}


def expected(text: str) -> dict[str, Any]:
    answer = json.loads(text)
    ranked = sorted(answer["probabilities"].items(), key=lambda item: -item[1])

    def share(value: float) -> str:
        digits = Decimal("0.1" if 0 < value < 0.01 else "1")
        # As browsers round what lies in the middle.
        return f"{Decimal(100 * value).quantize(digits, ROUND_HALF_UP)}\u00a0%"

    label = answer["emotion"] or ("unsure" if answer.get("unsure") else "no speech")
    return {"label": label, "probabilities": {name: share(value) for name, value in ranked}}


def segments(page: Any) -> list[str]:
    return [button.inner_text() for button in page.locator("#timeline .segment").all()]


@pytest.mark.parametrize("name", ["sad.wav", "happy.flac", "talk.wav"])
def test_a_recording_that_is_chosen(page: Any, clips: Path, said: Said, name: str) -> None:
    page.set_input_files("#files", clips / name)
    text = said(clips / name, "--format", "json")
    assert shown(page) == expected(text)
    assert segments(page) == [one["emotion"] for one in json.loads(text)["segments"]]
    assert page.inner_text("#status") == f"{name}: {expected(text)['label']}."


def test_a_recording_that_is_dropped(page: Any, clips: Path, said: Said) -> None:
    page.evaluate(DROP, ["sad.wav", list((clips / "sad.wav").read_bytes())])
    assert shown(page) == expected(said(clips / "sad.wav", "--format", "json"))


def test_a_recording_of_the_microphone(page: Any, said: Said, tmp_path: Path) -> None:
    page.click("#record")
    until(page, "parseInt(document.getElementById('seconds').textContent.slice(2)) > 2")
    assert page.locator("#live").is_disabled()
    page.evaluate(KEEP)
    page.click("#record")
    until(page, "window.sent !== undefined")
    recorded = tmp_path / "recording.wav"
    recorded.write_bytes(bytes(page.evaluate("Array.from(window.sent)")))
    assert shown(page) == expected(said(recorded, "--format", "json"))


def test_several_recordings_are_a_table_to_sort_and_to_choose_from(
    page: Any, clips: Path, said: Said
) -> None:
    names = ["talk.wav", "sad.wav", "none.wav", "silence.wav", "happy.flac"]
    page.set_input_files("#files", [clips / name for name in names])
    page.wait_for_selector(".results")

    def column(n: int) -> list[str]:
        return [row.locator("th, td").nth(n).inner_text() for row in page.locator("tbody tr").all()]

    assert column(0) == names
    assert column(1)[2].startswith("no label: none.wav")
    assert page.inner_text("#status") == "4 of 5 recordings are labelled."
    page.click("th button:has-text('file')")
    assert column(0) == sorted(names)
    page.click("th button:has-text('emotion')")
    assert column(1)[:4] == sorted(column(1)[:4])
    page.click("th button:has-text('emotion')")
    assert column(1)[:4] == sorted(column(1)[:4], reverse=True)
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("emotion")
    page.click("button.link:has-text('happy.flac')")
    assert shown(page) == expected(said(clips / "happy.flac", "--format", "json"))
    with page.expect_download() as download:
        page.click("#table-downloads button[aria-label='Download as csv']")
    lines = Path(download.value.path()).read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["file", *names]


@pytest.mark.parametrize("format", FORMATS)
def test_every_download_is_what_the_command_writes(
    page: Any, clips: Path, said: Said, format: str
) -> None:
    page.set_input_files("#files", clips / "talk.wav")
    page.wait_for_selector("#downloads button")
    with page.expect_download() as download:
        page.click(f"#downloads button[aria-label='Download as {format}']")
    assert download.value.suggested_filename.startswith("talk")
    assert download.value.suggested_filename.endswith(FORMATS[format].suffix)
    content = Path(download.value.path()).read_bytes()
    if format == "png":
        assert content.startswith(b"\x89PNG")
    else:
        assert content.decode() == said(clips / "talk.wav", "--format", format, "--timeline")


def test_what_no_speech_and_unsure_mean(page: Any, clips: Path) -> None:
    page.set_input_files("#files", clips / "silence.wav")
    assert shown(page)["label"] == "no speech"
    assert "Nobody was found speaking" in page.inner_text("#answer .meaning")
    page.fill("#abstain", "100")
    page.set_input_files("#files", clips / "sad.wav")
    page.wait_for_selector("#answer .label strong:has-text('unsure')")
    assert "less likely than you asked for" in page.inner_text("#answer .meaning")


def test_a_refusal_is_the_sentence_of_the_command(
    open_page: Callable[..., Any], served: str, clips: Path
) -> None:
    page = open_page(f"{served}/", expected="422")
    page.wait_for_selector("#card li")
    page.set_input_files("#files", clips / "none.wav")
    page.wait_for_selector("#fault:has-text('none.wav')")
    assert page.locator("#one").is_hidden()
    page.set_input_files("#files", clips / "sad.wav")
    assert shown(page)["label"] == "sad"
    assert page.inner_text("#fault") == ""


def test_another_model_or_threshold_labels_anew(page: Any, clips: Path) -> None:
    page.set_input_files("#files", clips / "sad.wav")
    assert shown(page)["label"] == "sad"
    page.focus("#abstain")
    page.keyboard.type("100")
    page.keyboard.press("Enter")
    page.wait_for_selector("#answer .label strong:has-text('unsure')")
    # Who is setting something stays there.
    assert page.evaluate("document.activeElement.id") == "abstain"
    page.select_option("#model", "voices")
    page.wait_for_selector("#card li:has-text('neutral')")


def test_a_voice_is_learned_kept_and_used(
    page: Any, clips: Path, voice_model: Model, tmp_path: Path
) -> None:
    assert page.locator("#voice").is_hidden()
    assert "choose voices" in page.inner_text("#voiceless")
    page.select_option("#model", "voices")
    learned = [clips / "sad.wav", clips / "happy.flac"]
    page.set_input_files("#clips", learned)
    page.wait_for_selector("#voice-save")
    with page.expect_download() as download:
        page.click("#voice-save")
    assert download.value.suggested_filename == "my.voice"
    profile = tmp_path / "my.voice"
    profile.write_bytes(Path(download.value.path()).read_bytes())
    assert profile.read_text() == voice_model.voice(*map(str, learned)).text
    answer = voice_model.predict(str(clips / "talk.wav"), voice=VoiceProfile.load(profile))
    page.set_input_files("#files", clips / "talk.wav")
    assert shown(page) == expected(json.dumps(answer.to_dict()))
    page.click("#voice-forget")
    page.set_input_files("#profile", profile)
    page.wait_for_selector("#voice-status:has-text('A voice is in use')")


def test_a_token_is_asked_for_where_one_is_needed(
    open_page: Callable[..., Any], oracle: Path, clips: Path, tmp_path: Path
) -> None:
    (tmp_path / "tokens").write_text("0123456789abcdef\n")
    with server(oracle, "--token-file", str(tmp_path / "tokens")) as (url, _):
        page = open_page(f"{url}/", expected="401")
        page.wait_for_selector("#access")
        page.fill("#token", "0123456789abcdef")
        page.press("#token", "Enter")
        page.wait_for_selector("#card li")
        assert page.locator("#access").is_hidden()
        page.set_input_files("#files", clips / "sad.wav")
        assert shown(page)["label"] == "sad"
