"""Load for a service that runs: requests a second, how late answers are, streams in real time.

``python -m benchmarks.service --url http://127.0.0.1:8000 --clips FOLDER``; `--fuzz` and the like
put it through what it has to stand instead.
"""

import argparse
import asyncio
import json
import socket
import sys
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from benchmarks.campaigns.answers import compare
from benchmarks.campaigns.fuzz import fuzz
from benchmarks.campaigns.memory import memory
from benchmarks.campaigns.overload import evenly, overload
from benchmarks.campaigns.wire import Address, exchange, request

#: Seconds of a chunk of a stream, as a microphone gives them.
CHUNK = 0.1
#: Numbers of answers that may differ in their last digit, since batches differ.
_TOLERANCE = 1.01e-4
_RATE = 16000
#: Seconds after which an answer is given up.
_PATIENCE = 60.0


@dataclass
class Outcome:
    """What became of requests: seconds of each answer, statuses, and answers that are wrong."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    n_wrong: int = 0

    def summary(self, wall: float) -> dict[str, Any]:
        """Return figures: requests a second that were answered, latencies in ms."""
        latencies = 1e3 * np.array(self.seconds or [float("nan")])
        median, late, latest = np.percentile(latencies, [50, 99, 100]).round(1).tolist()
        return {
            "requests_per_second": round(len(self.seconds) / wall, 1),
            "p50_ms": median,
            "p99_ms": late,
            "max_ms": latest,
            "statuses": dict(sorted(self.statuses.items())),
            "wrong": self.n_wrong,
        }


def is_same(one: Any, other: Any) -> bool:
    """Say whether two answers are alike, but for the last digit of numbers."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= _TOLERANCE
    return bool(one == other)


async def load_requests(
    url: str, clips: Sequence[Path], seconds: float, rate: float | None, connections: int
) -> dict[str, Any]:
    """Send clips in turn for so many seconds.

    Parameters
    ----------
    rate
        Requests a second, at even distances; None sends the next once one is answered.
    connections
        Requests under way at a time.
    """
    address = Address.of(url)
    bodies = [request(b"/v1/predict", clip.read_bytes()) for clip in clips]
    expected: list[Any] = []
    outcome = Outcome()
    for body in bodies:
        first = await exchange(address, body, _PATIENCE)
        if first.outcome != "200":
            raise SystemExit(f"The first request was answered with {first.outcome}, not with 200.")
        expected.append(json.loads(first.body))
    started = time.perf_counter()

    async def ask(number: int) -> None:
        place = number % len(bodies)
        before = time.perf_counter()
        answer = await exchange(address, bodies[place], _PATIENCE)
        outcome.statuses[answer.outcome] += 1
        if answer.outcome == "200":
            outcome.seconds.append(time.perf_counter() - before)
            outcome.n_wrong += not is_same(json.loads(answer.body), expected[place])

    numbers = count()

    async def ask_on() -> None:
        while time.perf_counter() - started < seconds:
            await ask(next(numbers))

    if rate is None:
        await asyncio.gather(*(ask_on() for _ in range(connections)))
    else:
        await evenly(rate, seconds, ask)
    return outcome.summary(time.perf_counter() - started)


async def load_streams(
    url: str, clips: Sequence[Path], seconds: float, n_streams: int
) -> dict[str, Any]:
    """Follow streams in real time; return how late their updates are."""
    import soundfile
    from websockets.asyncio.client import connect

    blocks = [soundfile.read(clip, dtype="int16", always_2d=True)[0][:, 0] for clip in clips]
    sound = np.concatenate(blocks)
    sound = np.tile(sound, -(-round(seconds * _RATE) // len(sound)))[: round(seconds * _RATE)]
    late: list[float] = []

    async def follow(number: int) -> None:
        size = round(CHUNK * _RATE)
        # Not all at the same moment.
        await asyncio.sleep(0.5 * number / n_streams)
        async with connect(f"{url.replace('http', 'ws', 1)}/v1/stream") as stream:
            await stream.send(json.dumps({"rate": _RATE, "format": "pcm16"}))
            started = time.perf_counter()

            async def send() -> None:
                for place in range(0, len(sound), size):
                    due = started + (place + size) / _RATE
                    await asyncio.sleep(max(0.0, due - time.perf_counter()))
                    await stream.send(sound[place : place + size].tobytes())
                await stream.send(json.dumps({"end": True}))

            sending = asyncio.create_task(send())
            async for message in stream:
                update = json.loads(message)
                if "heard" not in update:
                    raise SystemExit(update["detail"])
                late.append(time.perf_counter() - started - update["heard"])
            await sending

    await asyncio.gather(*(follow(number) for number in range(n_streams)))
    median, p99, latest = (1e3 * np.percentile(late, [50, 99, 100])).round(1).tolist()
    return {"streams": n_streams, "updates": len(late), "p50_ms": median, "p99_ms": p99,
            "max_ms": latest}  # fmt: skip


def _answers(url: str) -> bool:
    """Say whether something at this address takes connections."""
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname or "", port), timeout=5.0).close()
    except (OSError, ValueError):
        return False
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Put load on a service, and print figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.service", description=__doc__)
    add = parser.add_argument
    add("--url", default="http://127.0.0.1:8000", help="of the service [%(default)s]")
    add("--clips", type=Path, help="folder of recordings, 16 kHz for streams")
    add("--n-clips", type=int, default=50, help="how many of them [50]")
    add("--seconds", type=float, default=10.0, help="of load [10]")
    add("--rate", type=float, help="requests a second [as fast as they are answered]")
    add("--connections", type=int, default=16, help="requests under way at a time [16]")
    add("--streams", type=int, help="follow so many streams instead")
    add("--fuzz", type=int, metavar="N", help="send so many wrong requests and streams instead")
    add("--answers", action="store_true", help="compare answers to what predict writes instead")
    add("--model", default="default", help="that predict takes for it [%(default)s]")
    add("--overload", type=float, metavar="TIMES", help="send so many times what it can instead")
    add("--memory", type=int, metavar="N", help="see what memory grows by in N requests instead")
    add("--dropped", type=int, default=300, help="streams that are dropped meanwhile [300]")
    add("--pid", type=int, help="of the service, for what needs its processes")
    options = parser.parse_args(arguments)
    try:
        work = _chosen(options)
    except _Unusable as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(asyncio.run(work)))
    return 0


class _Unusable(Exception):  # noqa: N818
    """The options cannot be used: a sentence says why."""


def _chosen(options: argparse.Namespace) -> Coroutine[Any, Any, dict[str, Any]]:
    """Return what the options ask for."""
    clips = _clips(options) if options.fuzz is None else []
    if options.streams is not None and find_spec("websockets") is None:
        raise _Unusable("This load needs websockets; install it with pip install websockets.")
    if not _answers(options.url):
        raise _Unusable(
            f"--url {options.url}: no service answers there; start one with "
            "bilstm-hmm serve --rate 0."
        )
    url, at_a_time = options.url, options.connections
    if options.fuzz is not None:
        return fuzz(url, _pid(options), options.fuzz, at_a_time)
    if options.answers:
        return compare(url, clips, options.model, at_a_time)
    if options.overload is not None:
        return overload(url, clips, options.overload, options.seconds)
    if options.memory is not None:
        pid = _pid(options)
        return memory(url, pid, clips, options.memory, options.dropped, at_a_time)
    if options.streams is not None:
        return load_streams(url, clips, options.seconds, options.streams)
    return load_requests(url, clips, options.seconds, options.rate, at_a_time)


def _clips(options: argparse.Namespace) -> list[Path]:
    if options.clips is None:
        raise _Unusable("--clips has to name a folder of recordings.")
    known = (".wav", ".flac", ".ogg", ".opus", ".mp3")
    clips = [path for path in sorted(options.clips.rglob("*")) if path.suffix.lower() in known]
    if not clips:
        raise _Unusable(f"--clips {options.clips}: holds no recordings.")
    return clips[:: max(1, len(clips) // options.n_clips)][: options.n_clips]


def _pid(options: argparse.Namespace) -> int:
    pid: int | None = options.pid
    if pid is None:
        raise _Unusable("--pid has to name the process of the service, whose workers are counted.")
    if not Path(f"/proc/{pid}").exists():
        raise _Unusable(f"--pid {pid}: there is no such process here; this needs Linux.")
    return pid


if __name__ == "__main__":
    sys.exit(main())
