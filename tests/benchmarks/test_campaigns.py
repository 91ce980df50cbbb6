"""What the service is put through: the same in every run, judged rightly, against services by hand.

The services of these tests are a few lines each, so that none of them depends on a network.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from benchmarks.campaigns import fuzz as campaign
from benchmarks.campaigns.mutations import KINDS, Mutations
from benchmarks.campaigns.wire import (
    BINARY,
    CLOSED,
    HUNG,
    Address,
    Answer,
    converse,
    exchange,
    frame,
    request,
)
from benchmarks.service import main

Connection = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
FAULT = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"


@asynccontextmanager
async def listening(connection: Connection) -> AsyncIterator[str]:
    """Serve each connection by a function; give the address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await connection(reader, writer)
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def saying(answer: bytes) -> Connection:
    """A service that says the same to everybody."""

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1 << 16)
        writer.write(answer)

    return connection


async def asked(connection: Connection, patience: float = 30.0) -> Answer:
    async with listening(connection) as url:
        return await exchange(Address.of(url), request(b"/", b"body"), patience)


async def streamed(connection: Connection) -> Answer:
    async with listening(connection) as url:
        return await converse(Address.of(url), b"key", frame(BINARY, b"\0" * 70000), 30.0)


def test_mutations_are_the_same_in_every_run_and_differ_from_each_other() -> None:
    numbers = range(10 * len(KINDS))
    one, other = Mutations(), Mutations()
    assert [one[n] for n in numbers] == [other[n] for n in numbers]
    assert {one[n].kind for n in numbers} == set(KINDS)
    assert len({one[n].data for n in numbers}) == len(numbers)


def test_the_head_of_a_mutated_request_ends_so_that_an_answer_is_due() -> None:
    mutations = Mutations()
    for number in range(0, 500):
        mutation = mutations[number]
        if mutation.kind != "stream":
            assert b"\r\n\r\n" in mutation.data


@pytest.mark.parametrize(
    ("answer", "outcome", "body"),
    [
        (OK, "200", b"{}"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, "200", b"{}"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\nall until the end", "400", b"all until the end"),
        (b"", CLOSED, b""),
        (b"no HTTP", CLOSED, b""),
    ],
)
def test_an_answer_is_read_whole(answer: bytes, outcome: str, body: bytes) -> None:
    assert asyncio.run(asked(saying(answer))) == Answer(outcome, body)


def test_a_service_that_says_nothing_hangs() -> None:
    async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    assert asyncio.run(asked(nothing, patience=0.2)) == Answer(HUNG)


def test_the_code_and_the_last_message_of_a_stream_are_read() -> None:
    came: list[bytes] = []

    async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        came.append(await reader.readexactly(14))
        writer.write(b"\x81\x02{}\x88\x02\x03\xf3")
        await reader.readexactly(70000)

    assert asyncio.run(streamed(stream)) == Answer("1011", b"{}")
    # 64-bit length, masked, and the mask itself over zeros.
    assert came == [b"\x82\xff" + (70000).to_bytes(8, "big") + b"\1\2\3\4"]
    assert asyncio.run(streamed(saying(b"HTTP/1.1 403 Forbidden\r\n\r\n"))) == Answer("403")
    assert asyncio.run(streamed(saying(b""))) == Answer(CLOSED)


@pytest.mark.parametrize(
    ("outcome", "body", "is_fault"),
    [
        ("200", b"", False),
        ("422", b'{"status": 422}', False),
        ("503", b'{"status": 503}', False),
        (CLOSED, b"", False),
        ("1008", b'{"status": 422}', False),
        ("1000", b"[]", False),
        ("500", b"", True),
        ("504", b"", True),
        (HUNG, b"", True),
        ("1011", b"", True),
        ("1008", b'{"status": 500}', True),
    ],
)
def test_what_counts_as_a_fault(outcome: str, body: bytes, is_fault: bool) -> None:
    assert campaign.is_fault(Answer(outcome, body)) is is_fault


def fuzzed(answer: bytes) -> dict[str, Any]:
    async def run() -> dict[str, Any]:
        async with listening(saying(answer)) as url:
            return await campaign.fuzz(url, os.getpid(), 20, 4)

    return asyncio.run(run())


def test_fuzz_finds_the_faults_of_a_service() -> None:
    figures = fuzzed(OK)
    assert (figures["faults"], figures["processes_lost"]) == ([], 0)
    assert figures["right_requests"] == {"200": 1}
    assert figures["outcomes"] == {kind: {"200": 4} for kind in KINDS}
    assert fuzzed(FAULT)["faults"] == list(range(20))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--fuzz", "5"), "--pid has to name the process"),
        (("--fuzz", "5", "--pid", "999999999"), "--pid 999999999: there is no such process"),
        ((), "--clips has to name a folder"),
    ],
)
def test_what_is_missing_is_one_sentence(
    options: tuple[str, ...],
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("benchmarks.service._answers", lambda url: True)
    assert main(options) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert words in err
