"""HTTP and WebSockets by hand, so that what is sent may be wrong in any way."""

import asyncio
import base64
import json
import struct
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

#: Of frames of a WebSocket (RFC 6455).
TEXT, BINARY, CLOSE = 1, 2, 8
#: No answer, and no end of the connection either.
HUNG = "hung"
#: The connection was ended without an answer.
CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status or the code of a WebSocket, or why there is none, and content."""

    outcome: str
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the service listens."""

    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> "Address":
        """Return that of an URL."""
        parts = urlsplit(url)
        return cls(parts.hostname or "127.0.0.1", parts.port or 80)


def request(
    target: bytes, body: bytes, kind: bytes = b"audio/wav", method: bytes = b"POST"
) -> bytes:
    """Return a request, after which the connection is closed."""
    lines = [
        method + b" " + target + b" HTTP/1.1",
        b"Host: test",
        b"Connection: close",
        b"Content-Type: " + kind,
        b"Content-Length: " + str(len(body)).encode(),
    ]
    return head(lines) + body


def head(lines: list[bytes]) -> bytes:
    """Return lines as the head of a request."""
    return b"\r\n".join(lines) + b"\r\n\r\n"


def form(name: str, content: bytes, boundary: bytes = b"x") -> bytes:
    """Return a form with a file."""
    disposition = f'Content-Disposition: form-data; name="file"; filename="{name}"'.encode()
    opening = b"--" + boundary + b"\r\n" + disposition + b"\r\nContent-Type: audio/wav\r\n\r\n"
    return opening + content + b"\r\n--" + boundary + b"--\r\n"


def frame(kind: int, payload: bytes, mask: bytes = b"\1\2\3\4") -> bytes:
    """Return a whole message of a client as a frame."""
    size = len(payload)
    if size < 126:
        length = struct.pack("!B", 0x80 | size)
    elif size < 1 << 16:
        length = struct.pack("!BH", 0x80 | 126, size)
    else:
        length = struct.pack("!BQ", 0x80 | 127, size)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    masked = (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")
    return bytes([0x80 | kind]) + length + mask + masked


def upgrade(key: bytes) -> bytes:
    """Return the request that opens a stream."""
    lines = [
        b"GET /v1/stream HTTP/1.1",
        b"Host: test",
        b"Connection: Upgrade",
        b"Upgrade: websocket",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: " + base64.b64encode(key[:16].ljust(16)),
    ]
    return head(lines)


async def exchange(address: Address, data: bytes, patience: float) -> Answer:
    """Send bytes on a connection of their own; return the answer to them."""
    try:
        async with asyncio.timeout(patience):
            came = await _all(address, data)
    except TimeoutError:
        return Answer(HUNG)
    lines, _, body = _final(came).partition(b"\r\n\r\n")
    if not lines.startswith(b"HTTP/1.1 "):
        return Answer(CLOSED)
    return Answer(lines.split()[1].decode(), body)


async def _all(address: Address, data: bytes) -> bytes:
    """Send bytes and return what comes until the connection is closed, or as long as is said."""
    came = b""
    with suppress(ConnectionError):
        reader, writer = await asyncio.open_connection(address.host, address.port)
        try:
            with suppress(ConnectionError):
                writer.write(data)
                await writer.drain()
            while not _is_whole(came) and (chunk := await reader.read(1 << 16)):
                came += chunk
        finally:
            writer.close()
    return came


def _final(came: bytes) -> bytes:
    """Return what came without answers that announce another."""
    while came.startswith(b"HTTP/1.1 1") and b"\r\n\r\n" in came:
        came = came.partition(b"\r\n\r\n")[2]
    return came


def _is_whole(came: bytes) -> bool:
    """Say whether an answer has all the bytes that it announces."""
    came = _final(came)
    lines, ended, body = came.partition(b"\r\n\r\n")
    if not ended:
        return False
    for line in lines.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    return False


async def converse(address: Address, key: bytes, frames: bytes, patience: float) -> Answer:
    """Open a stream, send frames; return the code that it is closed with, and the last message."""
    try:
        async with asyncio.timeout(patience):
            return await _converse(address, upgrade(key), frames)
    except TimeoutError:
        return Answer(HUNG)
    except (ConnectionError, asyncio.IncompleteReadError):
        return Answer(CLOSED)


async def _converse(address: Address, opening: bytes, frames: bytes) -> Answer:
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        writer.write(opening)
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 101"):
            return Answer(answer.split()[1].decode())
        writer.write(frames)
        last = b""
        while True:
            kind, payload = await _frame(reader)
            if kind == CLOSE:
                code = struct.unpack("!H", payload[:2])[0] if payload else 1005
                return Answer(str(code), last)
            last = payload
    finally:
        writer.close()


async def _frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read a frame of the service, which are whole messages and not masked."""
    first, size = await reader.readexactly(2)
    if size == 126:
        (size,) = struct.unpack("!H", await reader.readexactly(2))
    elif size == 127:
        (size,) = struct.unpack("!Q", await reader.readexactly(8))
    return first & 15, await reader.readexactly(size)


def problem_status(body: bytes) -> int | None:
    """Return the status of a problem object, None where it is none."""
    try:
        found = json.loads(body)
    except ValueError:
        return None
    status = found.get("status") if isinstance(found, dict) else None
    return status if isinstance(status, int) else None
