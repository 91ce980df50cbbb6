"""The memory of the service after many requests and streams dropped mid-way."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.campaigns.wire import BINARY, TEXT, Address, exchange, frame, request, upgrade
from benchmarks.launcher import descendants, resident_bytes

#: Requests after which memory is what others are held against.
FIRST = 1000
_PATIENCE = 60.0
#: Seconds without load before memory is read.
_QUIET = 3.0
_RATE = 16000


async def drop(address: Address, samples: bytes) -> bool:
    """Begin a stream, send samples, and vanish; say whether the stream was begun."""
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        writer.write(upgrade(bytes(16)))
        answer = await reader.readuntil(b"\r\n\r\n")
        writer.write(frame(TEXT, json.dumps({"rate": _RATE, "format": "pcm16"}).encode()))
        writer.write(frame(BINARY, samples))
        # An update, so that the stream is at work.
        return answer.startswith(b"HTTP/1.1 101") and bool(await reader.read(1))
    finally:
        # No closing handshake: as a cable that is pulled.
        writer.transport.abort()


async def memory(
    url: str, pid: int, clips: Sequence[Path], n_requests: int, n_streams: int, connections: int
) -> dict[str, Any]:
    """Send requests, and streams among them; return the memory of all processes of the service.

    Parameters
    ----------
    pid
        Of the service; its workers are below it.
    n_requests
        In all; the streams are spread over those after the first thousand.
    connections
        Requests under way at a time.
    """
    import soundfile

    address, outcomes = Address.of(url), Counter[str]()
    bodies = [request(b"/v1/predict", clip.read_bytes()) for clip in clips]
    samples = soundfile.read(clips[0], dtype="int16", always_2d=True)[0][:, 0].tobytes()
    every = max(1, (n_requests - FIRST) // max(1, n_streams))
    dropped = 0

    async def send_on(numbers: Iterator[int]) -> None:
        nonlocal dropped
        for number in numbers:
            outcomes[
                (await exchange(address, bodies[number % len(bodies)], _PATIENCE)).outcome
            ] += 1
            if number >= FIRST and number % every == 0 and dropped < n_streams:
                dropped += 1
                outcomes["stream" if await drop(address, samples) else "no stream"] += 1

    async def used(start: int, stop: int) -> int:
        numbers = iter(range(start, stop))
        await asyncio.gather(*(send_on(numbers) for _ in range(connections)))
        await asyncio.sleep(_QUIET)
        return resident_bytes(descendants(pid))

    first = await used(0, FIRST)
    half = await used(FIRST, (FIRST + n_requests) // 2)
    last = await used((FIRST + n_requests) // 2, n_requests)
    return {
        "outcomes": dict(outcomes),
        "mib": {
            str(FIRST): _mib(first),
            str((FIRST + n_requests) // 2): _mib(half),
            str(n_requests): _mib(last),
        },
        "growth": round(last / first - 1, 4),
    }


def _mib(n_bytes: int) -> float:
    return round(n_bytes / 2**20, 1)
