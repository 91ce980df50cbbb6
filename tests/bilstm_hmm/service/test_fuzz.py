"""Whatever is sent, there is an answer, and it is never that the service has a fault."""

import json
from typing import Any

import numpy as np
import pytest

from bilstm_hmm.inference.model import Model
from tests.bilstm_hmm.service.harness import Socket, in_loop, limited, pcm16, serving, wav
from tests.oracle import RATE, say

#: Of each kind.
ROUNDS = 60
CLIP = say("sad")[: RATE // 2]
FILES = [wav(CLIP), wav(CLIP, format="FLAC"), wav(CLIP, format="OGG"), wav(CLIP, format="MP3")]
FORM = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n'
    b"Content-Type: audio/wav\r\n\r\n" + FILES[0] + b"\r\n--x--\r\n"
)


def mutated(rng: np.random.Generator, data: bytes, head: int) -> bytes:
    """Return bytes with some changed, mostly near the head, cut, doubled or put in."""
    content = bytearray(data)
    for _ in range(int(rng.integers(1, 8))):
        most = min(len(content), head if rng.random() < 0.8 else 1 << 30)
        place = int(rng.integers(0, max(1, most)))
        kind = rng.integers(0, 5)
        if kind == 0:
            content[place] = int(rng.integers(0, 256))
        elif kind == 1:
            content[place : place + 4] = rng.choice([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"])
        elif kind == 2:
            del content[place : place + int(rng.integers(1, 64))]
        elif kind == 3:
            content[place:place] = rng.bytes(int(rng.integers(1, 64)))
        else:
            content = content[: max(1, place)]
    return bytes(content) or b"\0"


@pytest.mark.parametrize("seed", range(2))
@in_loop
async def test_bodies(seed: int, model: Model) -> None:
    rng = np.random.default_rng(seed)
    async with serving(model, limited(max_seconds=5.0)) as served:
        for number in range(ROUNDS):
            if number % 2:
                body, kind = mutated(rng, FORM, 160), "multipart/form-data; boundary=x"
            else:
                body, kind = mutated(rng, FILES[number // 2 % 4], 64), "audio/wav"
            response = await served.post(
                "/v1/predict", content=body, headers={"content-type": kind}
            )
            assert response.status_code in (200, 400, 413, 422), body[:400]


@in_loop
async def test_headers_and_queries(model: Model) -> None:
    rng = np.random.default_rng(1)
    names = ["content-type", "content-length", "authorization", "origin", "range", "expect"]
    async with serving(model, limited()) as served:
        for _ in range(ROUNDS):
            value = bytes(b for b in rng.bytes(int(rng.integers(0, 80))) if b > 31 and b != 127)
            if rng.random() < 0.3:
                value = b"multipart/form-data; boundary=" + value
            query = "".join(chr(c) for c in rng.integers(32, 0x2FF, int(rng.integers(0, 40))))
            key = str(rng.choice(["format", "model", "emotions", "top", "abstain", "timeline"]))
            response = await served.post(
                "/v1/predict",
                content=FILES[0],
                params={key: query} if rng.random() < 0.5 else None,
                headers={str(rng.choice(names)): value},
            )
            assert response.status_code in (200, 400, 404, 413, 422), (value, query)


@in_loop
async def test_messages_of_streams(model: Model) -> None:
    rng = np.random.default_rng(2)
    first = json.dumps({"rate": RATE, "format": "float32", "channels": 2}).encode()
    async with serving(model, limited(stream_idle=5.0)) as served:
        for _ in range(ROUNDS):
            messages: list[Any] = [first.decode()]
            if rng.random() < 0.5:
                messages = [mutated(rng, first, 80).decode("utf-8", "replace")]
            for _ in range(int(rng.integers(0, 4))):
                noise = rng.bytes(int(rng.integers(0, 3000)))
                messages.append(noise if rng.random() < 0.5 else pcm16(CLIP))
            messages.append(rng.choice(["", "{}", '{"end": true}', "null", '{"end": 1}']))
            socket = Socket(served.app)
            for message in messages:
                socket.send(message if isinstance(message, bytes) else str(message))
            await socket.rest()
            assert socket.code in (1000, 1008, 1009), messages
        assert (await served.get("/healthz")).status_code == 200
        assert await served.counted("bilstm_hmm_streams") == 0
