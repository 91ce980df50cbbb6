"""The service within a test's own event loop: no port, no process, and clients that may vanish."""

import asyncio
import functools
import io
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import numpy as np
import soundfile
from fastapi import FastAPI

from bilstm_hmm.inference.model import Model
from bilstm_hmm.prediction import Result
from bilstm_hmm.service.app import create_app
from bilstm_hmm.service.batching import label_together
from bilstm_hmm.service.intake.recordings import SentRecording
from bilstm_hmm.service.models import LoadedModels
from bilstm_hmm.service.settings import Limits, ServiceSettings
from tests.oracle import RATE

#: Long enough for a machine that is busy, so that nothing hangs for ever.
PATIENCE = 300.0
CARD = {"model": "oracle-0123abcd", "emotions": ["sad"], "ua": 50.0, "ece": 0.1}
Message = dict[str, Any]


def in_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run a test that is a coroutine."""

    @functools.wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        async def within() -> None:
            async with asyncio.timeout(PATIENCE):
                await test(*arguments, **named)

        asyncio.run(within())

    return run


def limited(**limits: Any) -> ServiceSettings:
    """Settings with some limits, and no rate or wait that tests would run into."""
    free = Limits(rate=0.0, wait=0.0, timeout=PATIENCE / 2)
    return ServiceSettings(limits=replace(free, **limits))


@asynccontextmanager
async def serving(
    model: Model, settings: ServiceSettings | None = None, label: Any = None, **named: Model
) -> AsyncIterator["Served"]:
    """Run the service with the model ``oracle`` and others that are named."""
    models = {"oracle": model, **named}
    loaded = LoadedModels(models, {name: {**CARD, "name": name} for name in models})
    app = create_app(settings or limited(), loaded, label)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test", timeout=None) as client,
    ):
        yield Served(app, client)


class Served:
    """A service that runs."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        self.app, self.client = app, client
        self.service = app.state.service
        self.post, self.get = client.post, client.get

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds."""
        while not holds():
            await asyncio.sleep(0.005)

    async def counted(self, name: str) -> float:
        """The value of a counter, labels and all."""
        text = (await self.get("/metrics")).text
        values = [line.split()[-1] for line in text.splitlines() if line.startswith(f"{name} ")]
        return float(values[0]) if values else 0.0


class Gated:
    """Labels only once it is let, so that recordings wait."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.batches: list[int] = []

    def __call__(
        self, model: Model, recordings: Sequence[SentRecording], curves: bool
    ) -> Sequence[Result]:
        self.batches.append(len(recordings))
        assert self.open.wait(PATIENCE)
        return label_together(model, recordings, curves)


class Request:
    """A request by hand, whose client may hang up."""

    def __init__(self, app: FastAPI, body: bytes, path: str = "/v1/predict") -> None:
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self.sent: list[Message] = []
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [],
            "client": ("127.0.0.1", 1),
            "server": ("test", 80),
        }
        self._inbox.put_nowait({"type": "http.request", "body": body, "more_body": False})
        self.task = asyncio.create_task(app(scope, self._inbox.get, self._send))

    async def _send(self, message: Message) -> None:
        self.sent.append(message)

    def hang_up(self) -> None:
        self._inbox.put_nowait({"type": "http.disconnect"})


class Socket:
    """A WebSocket by hand."""

    def __init__(
        self, app: FastAPI, headers: Sequence[tuple[bytes, bytes]] = (), **scope: Any
    ) -> None:
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._outbox: asyncio.Queue[Message] = asyncio.Queue()
        whole = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": "/v1/stream",
            "raw_path": b"/v1/stream",
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"test"), *headers],
            "client": ("127.0.0.1", 1),
            "server": ("test", 80),
            "subprotocols": [],
            **scope,
        }
        self._inbox.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(app(whole, self._inbox.get, self._outbox.put))
        self.code: int | None = None

    def send(self, message: Any) -> None:
        """Send bytes, text, or an object as JSON."""
        if isinstance(message, bytes):
            content: Message = {"bytes": message}
        else:
            content = {"text": message if isinstance(message, str) else json.dumps(message)}
        self._inbox.put_nowait({"type": "websocket.receive", **content})

    def hang_up(self) -> None:
        self._inbox.put_nowait({"type": "websocket.disconnect", "code": 1006})

    async def receive(self) -> str | None:
        """The next text, None once the stream is closed."""
        while True:
            message = await self._outbox.get()
            if message["type"] == "websocket.close":
                self.code = message.get("code", 1000)
                await self.task
                return None
            if message["type"] == "websocket.send":
                return str(message["text"])

    async def rest(self) -> list[str]:
        """All texts until the stream is closed."""
        texts = []
        while (text := await self.receive()) is not None:
            texts.append(text)
        return texts


def wav(samples: Any, rate: int = RATE, format: str = "WAV", **named: Any) -> bytes:
    """Samples as an audio file."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=format, **named)
    return file.getvalue()


def pcm16(samples: Any) -> bytes:
    return (np.clip(samples, -1.0, 1.0) * 32767).astype("<i2").tobytes()


def problem(response: httpx.Response, status: int, name: str) -> dict[str, Any]:
    """The problem object of a response, which is whole."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    assert set(found) == {"type", "title", "status", "detail", "instance"}
    assert found["type"] == f"urn:bilstm-hmm:problem:{name}"
    assert found["status"] == status
    assert found["instance"] == f"urn:uuid:{response.headers['x-request-id']}"
    assert found["detail"].endswith((".", "png"))
    return found
