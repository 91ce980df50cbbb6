"""Each limit refuses clearly what is over it, and leaves nothing behind."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference.model import Model
from bilstm_hmm.service.guards.rates import RateLimiter
from bilstm_hmm.service.guards.tokens import read_tokens
from bilstm_hmm.service.problems import Problem
from bilstm_hmm.service.settings import (
    Limits,
    ServiceSettings,
    from_environment,
    to_environment,
    validate_settings,
)
from tests.bilstm_hmm.service.harness import (
    Gated,
    Request,
    Served,
    in_loop,
    limited,
    problem,
    serving,
    wav,
)
from tests.oracle import RATE, say, talk

CLIP = wav(say("sad"))


def left_files(served: Served) -> list[str]:
    return [path.name for path in served.service.labelling.uploads._folder.iterdir()]


async def pieces(*parts: bytes, pause: float = 0.0) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
        await asyncio.sleep(pause)


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("form", [True, False])
@in_loop
async def test_a_body_that_is_too_large(declared: bool, form: bool, model: Model) -> None:
    async with serving(model, limited(max_bytes=10_000)) as served:
        request = served.client.build_request(
            "POST",
            "/v1/predict",
            files={"file": ("a.wav", CLIP)} if form else None,
            content=None if form else CLIP,
        )
        body = await request.aread() if not form else request.read()
        headers = {"content-type": request.headers.get("content-type", "audio/wav")}
        content = body if declared else pieces(body[:9000], body[9000:18000], body[18000:])
        response = await served.post("/v1/predict", content=content, headers=headers)
        assert "10000 bytes" in problem(response, 413, "body-too-large")["detail"]
        assert response.headers["connection"] == "close"
        assert left_files(served) == []
        small = await served.post("/v1/predict", content=wav(np.zeros(4000, np.float32)))
        assert small.status_code == 200


@pytest.mark.parametrize("format", ["WAV", "FLAC", "OGG", "MP3"])
@in_loop
async def test_a_recording_that_is_too_long(format: str, model: Model) -> None:
    async with serving(model, limited(max_seconds=1.0)) as served:
        content = wav(talk(2.0, "sad"), format=format)
        response = await served.post("/v1/predict", files={"file": ("a.x", content)})
        assert problem(response, 413, "recording-too-long")["detail"].startswith("a.x is longer")
        fits = wav(np.zeros(RATE, np.float32), format=format)
        assert (await served.post("/v1/predict", content=fits)).status_code == 200
        several = [("file", ("a.x", content)), ("file", ("b.x", fits))]
        both = (await served.post("/v1/predict/batch", files=several)).json()
    assert both[0] == {"file": "a.x", "error": "a.x is longer than 1 s."}
    assert both[1]["emotion"] is None


@in_loop
async def test_many_channels_at_a_high_rate_count_as_long(model: Model) -> None:
    content = wav(np.zeros((48_000, 60), np.float32), 48_000, format="WAV", subtype="PCM_16")
    async with serving(model, limited(max_seconds=10.0)) as served:
        response = await served.post("/v1/predict", content=content)
    problem(response, 413, "recording-too-long")


@pytest.mark.parametrize(("path", "most"), [("/v1/predict", 1), ("/v1/predict/batch", 3)])
@in_loop
async def test_more_files_than_may_be(path: str, most: int, model: Model) -> None:
    files = [("file", (f"{n}.wav", CLIP)) for n in range(most + 1)]
    async with serving(model, limited(max_files=3)) as served:
        response = await served.post(path, files=files)
        problem(response, 413, "too-many-files")
        assert left_files(served) == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/form-data; boundary=x"),
        (b"--x--\r\n", "multipart/form-data; boundary=x"),
        (b"no form", "multipart/form-data; boundary=x"),
        (b"--x\r\n\r\n", "multipart/form-data"),
        (b"--x\r\nContent-Disposition: form-data; name=a; filename=a\r\n\r\nabc",
         "multipart/form-data; boundary=x"),
        (b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nabc\r\n--x--\r\n",
         "multipart/form-data; boundary=x"),
        (b"--x\r\nA: " + b"b" * 20_000 + b"\r\n\r\nabc\r\n--x--\r\n",
         "multipart/form-data; boundary=x"),
        (b"--x\r\n" + b"a: b\r\n" * 400 + b"\r\nabc\r\n--x--\r\n",
         "multipart/form-data; boundary=x"),
        ((b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n" * 40) + b"--x--\r\n",
         "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data; boundary=" + "x" * 5000),
    ],
)  # fmt: skip
@in_loop
async def test_a_form_that_is_none(body: bytes, kind: str, model: Model) -> None:
    async with serving(model) as served:
        response = await served.post("/v1/predict", content=body, headers={"content-type": kind})
        problem(response, 400, "form")
        assert left_files(served) == []


@in_loop
async def test_a_full_queue_says_when_to_try_again(model: Model) -> None:
    gated = Gated()
    settings = limited(concurrency=1, queue=2)
    async with serving(model, settings, gated) as served:
        first = asyncio.create_task(served.post("/v1/predict", content=CLIP))
        await served.until(lambda: gated.batches == [1])
        waiting = []
        for n in range(2):
            waiting.append(asyncio.create_task(served.post("/v1/predict", content=CLIP)))
            await served.until(lambda n=n: served.service.batcher.n_waiting == n + 1)
        assert await served.counted("bilstm_hmm_queue_length") == 2
        response = await served.post("/v1/predict", content=CLIP)
        assert "2 recordings are waiting" in problem(response, 503, "busy")["detail"]
        assert int(response.headers["retry-after"]) >= 1
        # Refusing many costs little: not even the query is read.
        unread = await served.post("/v1/predict/batch", content=CLIP, params={"top": "x"})
        problem(unread, 503, "busy")
        gated.open.set()
        answers = [(await task).status_code for task in (first, *waiting)]
        assert answers == [200] * 3
        assert (await served.post("/v1/predict", content=CLIP)).status_code == 200
        assert await served.counted('bilstm_hmm_refused_total{reason="busy"}') == 2


@in_loop
async def test_uploads_at_a_time(model: Model) -> None:
    async with serving(model, limited(uploads=1)) as served:
        slow = asyncio.create_task(
            served.post("/v1/predict", content=pieces(CLIP[:99], CLIP[99:], pause=0.3))
        )
        await served.until(lambda: served.service.labelling.uploads._n_reading == 1)
        problem(await served.post("/v1/predict", content=CLIP), 503, "busy")
        assert (await slow).status_code == 200


@in_loop
async def test_a_body_that_does_not_come(model: Model) -> None:
    async with serving(model, limited(timeout=0.2)) as served:
        response = await served.post("/v1/predict", content=pieces(CLIP[:99], b"", pause=5.0))
        problem(response, 408, "body-timeout")
        assert left_files(served) == []


@in_loop
async def test_what_takes_too_long_is_given_up(model: Model) -> None:
    gated = Gated()
    async with serving(model, limited(timeout=0.3, concurrency=1), gated) as served:
        response = await served.post("/v1/predict", content=CLIP)
        problem(response, 504, "timeout")
        assert left_files(served) == []
        gated.open.set()


@in_loop
async def test_a_client_that_vanishes_frees_its_place(model: Model) -> None:
    gated = Gated()
    async with serving(model, limited(concurrency=1, queue=1), gated) as served:
        running = Request(served.app, CLIP)
        await served.until(lambda: gated.batches == [1])
        waiting = Request(served.app, CLIP)
        await served.until(lambda: served.service.batcher.n_waiting == 1)
        for request in (waiting, running):
            request.hang_up()
            await request.task
            assert request.sent == []
        assert served.service.batcher.n_waiting == 0
        assert left_files(served) == []
        gated.open.set()
        assert (await served.post("/v1/predict", content=CLIP)).status_code == 200
        assert sum(gated.batches) == 2


@in_loop
async def test_a_client_asks_too_often(model: Model) -> None:
    settings = replace(limited(rate=0.01))
    async with serving(model, settings) as served:
        statuses = [(await served.get("/v1/models")).status_code for _ in range(4)]
        response = await served.get("/v1/models")
        health = await served.get("/healthz")
    assert statuses == [200, 429, 429, 429]
    problem(response, 429, "rate")
    assert response.headers["retry-after"] == "100"
    assert health.status_code == 200


def test_a_bucket_fills_again_and_clients_are_apart() -> None:
    now = [0.0]
    limiter = RateLimiter(2.0, lambda: now[0])

    def allowed(address: str | None) -> int:
        count = 0
        try:
            while True:
                limiter.check(address)
                count += 1
        except Problem:
            return count

    assert allowed("10.0.0.1") == 4
    assert allowed("10.0.0.2") == 4
    now[0] = 0.5
    assert allowed("10.0.0.1") == 1
    assert allowed("2001:db8::1") == 4
    assert allowed("2001:db8::2") == 0
    assert allowed(None) == 4
    for n in range(20_000):
        limiter.check(f"host{n}")
    assert len(limiter._clients) <= 10_000


@in_loop
async def test_a_token_is_asked_for(model: Model, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("0123456789abcdef\nfedcba9876543210\n")
    settings = replace(limited(), token_file=str(file))
    async with serving(model, settings) as served:
        for headers in (
            {},
            {"authorization": "Bearer wrong-wrong-wrong"},
            {"authorization": "Basic 0123456789abcdef"},
            {"authorization": "Bearer"},
            {"authorization": "Bearer 0123456789abcdef0"},
        ):
            response = await served.post("/v1/predict", content=CLIP, headers=headers)
            problem(response, 401, "token")
            assert response.headers["www-authenticate"].startswith("Bearer")
        assert (await served.get("/metrics")).status_code == 401
        assert (await served.get("/healthz")).status_code == 200
        for token in ("0123456789abcdef", "fedcba9876543210"):
            headers = {"authorization": f"Bearer {token}"}
            response = await served.post("/v1/predict", content=CLIP, headers=headers)
            assert response.status_code == 200


@pytest.mark.parametrize("content", [b"", b"short\n", b"\xff\xfe\x00long enough to be one", None])
def test_a_file_of_tokens_that_is_none(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "tokens").write_bytes(content)
    with pytest.raises(ToolkitError, match=r"--token-file .*tokens"):
        read_tokens(str(tmp_path / "tokens"))


@in_loop
async def test_pages_of_others_are_not_answered_unless_named(model: Model) -> None:
    page = "https://example.org"
    async with serving(model) as served:
        closed = await served.get("/v1/models", headers={"origin": page})
    assert "access-control-allow-origin" not in closed.headers
    async with serving(model, replace(limited(), origins=(page,))) as served:
        named = await served.get("/v1/models", headers={"origin": page})
        other = await served.get("/v1/models", headers={"origin": "https://evil.example"})
        asked = await served.client.options(
            "/v1/predict", headers={"origin": page, "access-control-request-method": "POST"}
        )
    assert named.headers["access-control-allow-origin"] == page
    assert "access-control-allow-origin" not in other.headers
    assert asked.status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"limits": Limits(queue=-1)},
        {"limits": Limits(max_seconds=float("inf"))},
        {"limits": Limits(streams=0)},
        {"threads": 0},
        {"models": ()},
        {"origins": ("example.org",)},
        {"origins": ("https://example.org/page",)},
    ],
)
def test_settings_that_make_no_sense(changes: dict[str, object]) -> None:
    with pytest.raises(ToolkitError, match=r"^--"):
        validate_settings(ServiceSettings(**changes))  # type: ignore[arg-type]


def test_settings_come_through_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILSTM_HMM_SERVICE", "")
    settings = ServiceSettings(("a", "b"), Limits(queue=3), 2, "tokens", ("*",))
    to_environment(settings)
    assert from_environment() == settings
    monkeypatch.setenv("BILSTM_HMM_SERVICE", '{"limits": {"bottles": 3}}')
    with pytest.raises(ToolkitError, match="BILSTM_HMM_SERVICE"):
        from_environment()
