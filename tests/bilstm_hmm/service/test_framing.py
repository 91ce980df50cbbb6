"""What is no HTTP, or never ends, is answered with 400 and nothing is logged as a fault."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.server import ServerState

from bilstm_hmm.service.guards.framing import MAX_AHEAD, MAX_HEAD, LimitedProtocol
from tests.bilstm_hmm.service.harness import in_loop

POST = b"POST / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n"
GET = b"GET / HTTP/1.1\r\nHost: t\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
#: Longer than what may stand anywhere but in a body.
LONG = [b"a" * 20_000] * (MAX_HEAD // 20_000 + 2)
OK, BAD = b"HTTP/1.1 200 OK", b"HTTP/1.1 400 Bad Request"


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer the bytes of the body."""
    with suppress(ClientDisconnect):
        body = await Request(scope, receive).body()
        await PlainTextResponse(str(len(body)))(scope, receive, send)


@asynccontextmanager
async def listening() -> AsyncIterator[int]:
    config = Config(app, http=LimitedProtocol, log_config=None)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: LimitedProtocol(config, state, {}), "127.0.0.1", 0
    )
    async with server:
        yield server.sockets[0].getsockname()[1]


async def talk(port: int, parts: Sequence[bytes]) -> bytes:
    """Send parts, apart from each other; return all that comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    came = asyncio.create_task(reader.read(-1))
    try:
        with suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0.01)
        return await came
    finally:
        writer.close()


@pytest.mark.parametrize(
    "parts",
    [
        [CHUNKED + b"zz\r\nabc\r\n"],
        [CHUNKED + b"5\r\nabcde\r\n", b"5\r\nabcdefgh\r\n"],
        [POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
        [GET + b"X: ", *LONG],
        [b"GET /", *LONG],
        [CHUNKED + b"5\r\nabcde\r\n0\r\nX: ", *LONG],
        [CHUNKED + b"5;x=", *LONG],
        [(GET + b"\r\n") * (MAX_AHEAD + 2)],
    ],
    ids=["chunk", "later", "two lengths", "head", "target", "trailer", "extension", "ahead"],
)
@in_loop
async def test_what_is_none_or_has_no_end(
    parts: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        async with listening() as port:
            # What is sent after the refusal may take the answer with it.
            with suppress(ConnectionError):
                assert (await talk(port, parts)).startswith(BAD)
            assert (await talk(port, [POST + b"Content-Length: 1\r\n\r\na"])).startswith(OK)
    assert [record for record in caplog.records if record.levelno > logging.WARNING] == []


@pytest.mark.parametrize(
    ("parts", "answers"),
    [
        ([POST + b"Content-Length: 300000\r\n\r\n" + b"a" * 300_000], [b"300000"]),
        ([CHUNKED, *[b"4e20\r\n" + part + b"\r\n" for part in LONG], b"0\r\n\r\n"],
         [b"%d" % (20_000 * len(LONG))]),
        ([GET + b"X: " + b"a" * 30_000 + b"\r\n\r\n" + GET + b"Connection: close\r\n\r\n"],
         [b"0", b"0"]),
    ],
    ids=["length", "chunks", "ahead"],
)  # fmt: skip
@in_loop
async def test_what_is_in_order_is_answered(parts: list[bytes], answers: list[bytes]) -> None:
    async with listening() as port:
        came = await talk(port, parts)
    assert came.count(OK) == len(answers)
    assert came.split(b"\r\n\r\n")[-1] == answers[-1]
