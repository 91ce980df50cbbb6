"""Streams over a WebSocket say what ``predict --live --format jsonl`` says, within their limits."""

import asyncio
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bilstm_hmm.features.audio.wav_stream import SampleFormat, WavStream

from bilstm_hmm.cli.live.display import LiveDisplay
from bilstm_hmm.cli.live.run import run_live
from bilstm_hmm.inference.model import Model
from tests.bilstm_hmm.service.harness import Socket, in_loop, limited, pcm16, serving
from tests.oracle import RATE, talk

SOUND = talk("happy", 0.8, "sad")
FIRST = {"rate": RATE, "format": "pcm16"}
END = {"end": True}


def live(model: Model, data: bytes, dtype: str = "<i2", interval: float = 0.5) -> list[str]:
    """The lines of the command for samples on its standard input."""
    out = io.StringIO()
    source = WavStream(io.BufferedReader(io.BytesIO(data)), SampleFormat(RATE, 1, dtype))
    run_live(model, source, LiveDisplay("jsonl", out, io.StringIO()), interval, 1.0)
    return out.getvalue().splitlines()


async def said(served: Any, *messages: Any, **named: Any) -> tuple[list[str], int | None]:
    """All that comes of a stream of these messages, and the code that it is closed with."""
    socket = Socket(served.app, **named)
    for message in messages:
        socket.send(message)
    return await socket.rest(), socket.code


def refusal(texts: list[str], name: str) -> dict[str, Any]:
    """The problem object that a stream ends with."""
    found: dict[str, Any] = json.loads(texts[-1])
    assert found["type"] == f"urn:bilstm-hmm:problem:{name}", found
    assert set(found) == {"type", "title", "status", "detail", "instance"}
    return found


@pytest.mark.parametrize("size", [999, 32_000, 10**6])
@in_loop
async def test_updates_are_those_of_the_command_however_samples_are_cut(
    size: int, model: Model
) -> None:
    data = pcm16(SOUND)
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    async with serving(model) as served:
        texts, code = await said(served, FIRST, *pieces, END)
        assert await served.counted("bilstm_hmm_streams") == 0
    assert (texts, code) == (live(model, data), 1000)
    assert {s["emotion"] for t in texts for s in json.loads(t)["closed"]} >= {"happy", "sad"}


@in_loop
async def test_floats_and_another_interval(model: Model) -> None:
    data = SOUND.astype("<f4").tobytes()
    async with serving(model) as served:
        first = {"rate": RATE, "format": "float32", "interval": 0.2}
        texts, _ = await said(served, first, data, END)
    assert texts == live(model, data, "<f4", 0.2)


@in_loop
async def test_half_a_sample_at_the_end_is_left_out(model: Model) -> None:
    data = pcm16(SOUND[:RATE])
    async with serving(model) as served:
        texts, code = await said(served, FIRST, data + b"x", END)
        assert await said(served, FIRST, END) == ([], 1000)
    assert (texts, code) == (live(model, data), 1000)


@pytest.mark.parametrize(
    ("messages", "name"),
    [
        ([b"\0\0"], "first-message"),
        (["no json"], "first-message"),
        (["[" * 50_000], "first-message"),
        ([{"format": "pcm16"}], "first-message"),
        ([{"rate": 1}], "first-message"),
        ([{"rate": 1e9}], "first-message"),
        ([{"rate": RATE, "format": "mp3"}], "first-message"),
        ([{"rate": RATE, "colour": "red"}], "first-message"),
        ([{**FIRST, "model": "nix"}], "model"),
        ([{**FIRST, "emotions": "sad,bored"}], "query"),
        ([FIRST, "again"], "message"),
        ([FIRST, {"end": False}], "message"),
        ([FIRST, b"\0" * ((1 << 20) + 2)], "message"),
    ],
)
@in_loop
async def test_a_stream_that_makes_no_sense_is_refused(
    messages: list[Any], name: str, model: Model
) -> None:
    async with serving(model) as served:
        texts, code = await said(served, *messages)
    assert refusal(texts, name)["detail"].endswith((".", "fearful."))
    assert code in (1008, 1009)


@in_loop
async def test_samples_that_are_not_finite_end_it_after_all_before(model: Model) -> None:
    good = SOUND[: 2 * RATE].astype("<f4").tobytes()
    bad = np.array([np.nan], "<f4").tobytes()
    async with serving(model) as served:
        texts, code = await said(served, {**FIRST, "format": "float32"}, good, bad * RATE)
    assert "not a number" in refusal(texts, "samples")["detail"]
    assert texts[:-1] == live(model, good, "<f4")
    assert code == 1008


@in_loop
async def test_nothing_comes(model: Model) -> None:
    async with serving(model, limited(stream_idle=0.2)) as served:
        refusal((await said(served))[0], "stream-idle")
        texts, _ = await said(served, FIRST, pcm16(SOUND[:RATE]))
        refusal(texts, "stream-idle")
        assert json.loads(texts[-2])["heard"] == 1.0


@in_loop
async def test_a_stream_lasts_too_long(model: Model) -> None:
    async with serving(model, limited(stream_seconds=0.2)) as served:
        socket = Socket(served.app)
        socket.send(FIRST)
        socket.send(pcm16(SOUND[: RATE // 2]))
        refusal(await socket.rest(), "stream-time")


@in_loop
async def test_streams_at_a_time_and_one_that_vanishes(model: Model) -> None:
    async with serving(model, limited(streams=1)) as served:
        socket = Socket(served.app)
        socket.send(FIRST)
        socket.send(pcm16(SOUND[:RATE]))
        assert await socket.receive()
        texts, code = await said(served, FIRST, END)
        assert (refusal(texts, "busy")["status"], code) == (503, 1013)
        socket.hang_up()
        await socket.task
        assert (await said(served, FIRST, END))[1] == 1000


@in_loop
async def test_a_token_in_the_header_or_the_first_message(model: Model, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("0123456789abcdef")
    header = (b"authorization", b"Bearer 0123456789abcdef")
    async with serving(model, replace(limited(), token_file=str(file))) as served:
        refusal((await said(served, FIRST, END))[0], "token")
        refusal((await said(served, {**FIRST, "token": "wrong"}, END))[0], "token")
        assert (await said(served, {**FIRST, "token": "0123456789abcdef"}, END))[1] == 1000
        assert (await said(served, FIRST, END, headers=[header]))[1] == 1000


@in_loop
async def test_pages_of_others_open_no_stream(model: Model) -> None:
    evil, own = (b"origin", b"https://evil.example"), (b"origin", b"http://test")
    async with serving(model) as served:
        refusal((await said(served, FIRST, END, headers=[evil]))[0], "origin")
        assert (await said(served, FIRST, END, headers=[own]))[1] == 1000
    async with serving(model, replace(limited(), origins=("https://evil.example",))) as served:
        assert (await said(served, FIRST, END, headers=[evil]))[1] == 1000


@in_loop
async def test_the_service_is_stopped_and_the_stream_gets_its_last_update(model: Model) -> None:
    data = pcm16(SOUND)
    async with serving(model) as served:
        socket = Socket(served.app)
        socket.send(FIRST)
        socket.send(data)
        first = await socket.receive()
        stopping = asyncio.create_task(served.service.stop())
        texts = [first, *await socket.rest()]
        await stopping
        assert socket.code == 1012
        refusal((await said(served, FIRST, END))[0], "stopping")
    assert texts == live(model, data)
