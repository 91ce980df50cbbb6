"""What is made of answers, of an overload and of memory: judged rightly, by hand-made ones."""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from benchmarks.campaigns import memory as remembered
from benchmarks.campaigns.answers import CONTAINERS, FORMATS, compared, of_each, write_copies
from benchmarks.campaigns.overload import Sent, capacity, figures, normal_again
from benchmarks.campaigns.overload import overload as overloaded
from benchmarks.campaigns.wire import Address
from bilstm_hmm.output.formats import render
from bilstm_hmm.prediction import Prediction, Segment
from tests.benchmarks.test_campaigns import OK, listening, saying

NAMES = ("0000.wav", "0001.flac")


def prediction(name: str, emotion: str) -> Prediction:
    return Prediction(
        file=name,
        emotion=emotion,
        confidence=0.75,
        probabilities={"sad": 0.75, "happy": 0.25},
        duration=1.5,
        segments=(Segment(0.0, 1.0, emotion, 0.5), Segment(1.0, 1.5, "happy", 0.75)),
        warnings=("too, quiet",),
        model="oracle",
    )


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_written_for_several_is_split_into_what_one_alone_gets(format: str) -> None:
    results = [
        prediction(name, emotion) for name, emotion in zip(NAMES, ("sad", "happy"), strict=True)
    ]
    text = render(results, format, many=True, timeline=False)
    assert isinstance(text, str)
    alone = {
        result.file: render([result], format, many=False, timeline=False) for result in results
    }
    assert of_each(text, format, NAMES) == alone


def test_answers_that_differ_or_were_refused_are_named() -> None:
    expected = {"a": "1", "b": "2", "c": "3"}
    assert compared(expected, {"a": "1", "b": "2.0", "c": "503", "d": "4"}) == ["b", "c", "d"]


def test_recordings_are_sent_in_every_container(tmp_path: Path) -> None:
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, np.zeros(4800), 16000)
    copies = tmp_path / "copies"
    copies.mkdir()
    names = write_copies([clip] * (len(CONTAINERS) + 1), copies)
    assert [Path(name).suffix for name in names] == [c[0] for c in (*CONTAINERS, CONTAINERS[0])]
    assert {soundfile.info(copies / name).format for name in names} == {c[1] for c in CONTAINERS}


def test_it_is_normal_again_after_the_last_that_is_late_or_refused() -> None:
    right = [Sent(at / 10, 0.1, "200") for at in range(100)]
    wrong = [Sent(1.0, 0.3, "200"), Sent(2.0, 0.0, "503"), Sent(9.0, 0.3, "200")]
    assert normal_again(right, 0.2) == 0.0
    # One of a hundred may be late.
    assert normal_again([*right, wrong[2]], 0.2) == 0.0
    assert normal_again([*right, *wrong], 0.2) == 2.0


def test_the_figures_of_an_overload_are_of_those_accepted() -> None:
    before = [Sent(0.0, 0.1, "200")] * 100
    over = [Sent(1.0, 0.3, "200")] * 30 + [Sent(2.0, 9.0, "503")] * 9 + [Sent(2.0, 0.0, "500")]
    found = figures(10.0, before, over, before, 3.0)
    assert found["sent_per_second"] == 20.0
    assert found["answered_per_second"] == 10.0
    assert found["outcomes"] == {"200": 30, "500": 1, "503": 9}
    assert found["neither_answered_nor_refused"] == 1
    assert (found["normal_p99_ms"], found["accepted_p99_ms"]) == (100.0, 300.0)


def test_the_capacity_counts_every_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.campaigns.overload._CAPACITY_SECONDS", 0.3)
    count = 0

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        await reader.read(1 << 16)
        await asyncio.sleep(0.01)
        count += 1
        writer.write(OK)

    async def run() -> tuple[float, float]:
        async with listening(connection) as url:
            started = time.perf_counter()
            found = await capacity(Address.of(url), [b"GET / HTTP/1.1\r\n\r\n"])
            return found, time.perf_counter() - started

    found, seconds = asyncio.run(run())
    # Seconds are a machine's; half of the answers would be missed by more.
    assert found * seconds == pytest.approx(count, rel=0.4)


def test_an_overload_is_measured_before_while_and_after(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("_NORMAL_SECONDS", "_AFTER_SECONDS", "_CAPACITY_SECONDS"):
        monkeypatch.setattr(f"benchmarks.campaigns.overload.{name}", 0.2)
    clip = tmp_path / "clip"
    clip.write_bytes(b"sound")

    async def run() -> dict[str, Any]:
        async with listening(saying(OK)) as url:
            return await overloaded(url, [clip], 1.5, 0.2)

    found = asyncio.run(run())
    assert set(found["outcomes"]) == {"200"}
    # Who sends and who answers share a processor here, so that no rate is promised.
    assert 0.0 < found["answered_per_second"] <= found["sent_per_second"]
    assert found["neither_answered_nor_refused"] == 0


def test_memory_is_read_after_requests_and_streams_that_vanish(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(remembered, "_QUIET", 0.0)
    monkeypatch.setattr(remembered, "FIRST", 10)
    used = iter((100 << 20, 101 << 20, 103 << 20))
    monkeypatch.setattr(remembered, "resident_bytes", lambda pids: next(used))
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, np.zeros(160), 16000)
    streams = 0

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal streams
        if (await reader.readuntil(b"\r\n\r\n")).startswith(b"POST"):
            writer.write(OK)
            return
        streams += 1
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        await reader.readexactly(2)
        writer.write(b"\x81\x02{}")
        await reader.read()

    async def run() -> dict[str, Any]:
        async with listening(connection) as url:
            return await remembered.memory(url, os.getpid(), [clip], 40, 5, 2)

    found = asyncio.run(run())
    assert found["outcomes"] == {"200": 40, "stream": 5}
    assert streams == 5
    assert found["mib"] == {"10": 100.0, "25": 101.0, "40": 103.0}
    assert found["growth"] == 0.03
