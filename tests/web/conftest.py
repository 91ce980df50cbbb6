"""The page in a real browser: Chromium, driven by Playwright; skipped where either is missing.

The browser has a microphone that gives a file. Whatever a test does, no message of an error may
stand in the console, and nothing may be asked of another host.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
import soundfile

from tests.bilstm_hmm.service.process import REPOSITORY, server
from tests.oracle import RATE, say, talk

playwright = pytest.importorskip("playwright.sync_api")

#: What `make test-web` takes from npm.
AXE = REPOSITORY / "build" / "web-test" / "package" / "axe.min.js"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    *("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"),
)
#: Milliseconds: a machine may be busy.
PATIENCE = 120_000
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 375, "height": 812}


def until(page: Any, holds: str) -> None:
    """Wait until an expression of JavaScript is true; Playwright's own way is an `eval`."""
    patient_until = time.monotonic() + PATIENCE / 1000
    while not page.evaluate(holds):
        assert time.monotonic() < patient_until, f"never: {holds}"
        page.wait_for_timeout(50)


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings: of one emotion, of several, without speech, and one that is none."""
    folder = tmp_path_factory.mktemp("clips")
    soundfile.write(folder / "sad.wav", say("sad"), RATE)
    soundfile.write(folder / "happy.flac", say("happy", 2), RATE)
    parts = ("happy", 0.8, "sad", 0.8, "angry", 0.8, "happy", 0.7, "sad", "neutral")
    soundfile.write(folder / "talk.wav", talk(*parts), RATE)
    soundfile.write(folder / "silence.wav", talk(1.0), RATE)
    (folder / "none.wav").write_bytes(b"no audio")
    return folder


@pytest.fixture(scope="session")
def served(oracle: Path, oracle_voices: Path) -> Iterator[str]:
    """The address of a service that runs, with a model that knows voices besides the first."""
    with server(oracle, "--model", str(oracle_voices)) as (url, process):
        assert process.stderr is not None
        # A pipe that nobody reads would hold it up once its log has filled it.
        Thread(target=process.stderr.read, daemon=True).start()
        yield url


@pytest.fixture(scope="module")
def browser(clips: Path) -> Iterator[Any]:
    """Chromium; not for longer than a module: its loop would be in the way of others."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.skip("there is no Chromium")
    microphone = f"--use-file-for-fake-audio-capture={clips / 'talk.wav'}"
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=path, args=[*FLAGS, microphone])
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open an address in a window of its own; in the end, nothing may have gone wrong there."""
    faults: list[str] = []
    contexts = []

    def open_at(url: str, expected: str | None = None, **options: Any) -> Any:
        """Open it; a line of the console with `expected` in it is no fault."""
        context = browser.new_context(**{"viewport": DESKTOP, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        host = urlsplit(url).netloc

        def note_console(message: Any) -> None:
            if message.type in ("error", "warning") and not (expected and expected in message.text):
                faults.append(f"console: {message.text}")

        def note_request(request: Any) -> None:
            address = urlsplit(request.url)
            if address.scheme not in ("blob", "data") and address.netloc != host:
                faults.append(f"another host: {request.url}")

        page.on("console", note_console)
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        page.on("request", note_request)
        page.on("websocket", note_request)
        page.goto(url)
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert not faults


@pytest.fixture
def page(open_page: Callable[..., Any], served: str) -> Any:
    """The page of the service, once it knows the models."""
    opened = open_page(f"{served}/")
    opened.wait_for_selector("#card li")
    return opened


@pytest.fixture(scope="session")
def serious() -> Callable[[Any], list[str]]:
    """What axe-core finds that people with a disability cannot do on a page."""
    if not AXE.exists():
        pytest.skip("there is no axe-core; make test-web fetches it")
    source = AXE.read_text("utf-8")

    def find(opened: Any) -> list[str]:
        opened.evaluate(f"() => {{ {source} }}")
        found = opened.evaluate("() => axe.run(document)")
        return [
            f"{one['id']}: {node['html']} {node['failureSummary']}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]

    return find
