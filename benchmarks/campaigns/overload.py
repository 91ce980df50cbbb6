"""More requests than can be answered: who is accepted is answered soon, and it passes at once."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from benchmarks.campaigns.wire import Address, exchange, request

T = TypeVar("T")
_PATIENCE = 60.0
#: Seconds of the load of which the normal is measured, and of that after the overload.
_NORMAL_SECONDS, _AFTER_SECONDS = 10.0, 10.0
#: Seconds of requests that are sent once others are answered, which is the capacity.
_CAPACITY_SECONDS = 8.0
#: Requests under way at a time then.
_CAPACITY_CONNECTIONS = 8
#: What is refused on purpose.
REFUSED = ("503", "429")
#: Seconds after which one that is refused then tries again, as `Retry-After` asks for at least.
_TRY_AGAIN = 1.0


@dataclass(frozen=True, slots=True)
class Sent:
    """A request: seconds since the load began at which it was sent, and took; its outcome."""

    at: float
    took: float
    outcome: str


def late(sent: Sequence[Sent]) -> float:
    """Return the 99th percentile of the seconds of those that were answered with 200."""
    seconds = [one.took for one in sent if one.outcome == "200"]
    return float(np.percentile(seconds, 99)) if seconds else float("nan")


def normal_again(sent: Sequence[Sent], most: float) -> float:
    """Return seconds after which all are answered within `most` seconds, none refused.

    One of a hundred may be late, as it may before.
    """
    wrong = sorted(one.at for one in sent if one.outcome != "200" or one.took > most)
    allowed = len(sent) // 100
    return wrong[-1 - allowed] if len(wrong) > allowed else 0.0


async def _send(address: Address, data: bytes, started: float) -> Sent:
    before = time.perf_counter()
    answer = await exchange(address, data, _PATIENCE)
    return Sent(before - started, time.perf_counter() - before, answer.outcome)


async def at_rate(
    address: Address, bodies: Sequence[bytes], rate: float, seconds: float
) -> list[Sent]:
    """Send requests at a rate, whether or not others are answered."""
    started = time.perf_counter()
    return await evenly(
        rate, seconds, lambda number: _send(address, bodies[number % len(bodies)], started)
    )


async def evenly(
    rate: float, seconds: float, ask: Callable[[int], Coroutine[Any, Any, T]]
) -> list[T]:
    """Ask for each number in turn, so many a second, and return all answers."""
    started, asked = time.perf_counter(), []
    for number in range(round(rate * seconds)):
        await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()))
        asked.append(asyncio.create_task(ask(number)))
    return await asyncio.gather(*asked)


async def capacity(address: Address, bodies: Sequence[bytes]) -> float:
    """Return requests a second that are answered where each follows on the answer to another."""
    started, count = time.perf_counter(), 0

    async def send_on() -> None:
        nonlocal count
        while time.perf_counter() - started < _CAPACITY_SECONDS:
            sent = await _send(address, bodies[count % len(bodies)], started)
            count += sent.outcome == "200"
            if sent.outcome in REFUSED:
                await asyncio.sleep(_TRY_AGAIN)

    await asyncio.gather(*(send_on() for _ in range(_CAPACITY_CONNECTIONS)))
    return count / (time.perf_counter() - started)


async def overload(url: str, clips: Sequence[Path], times: float, seconds: float) -> dict[str, Any]:
    """Send so many times what can be answered, for so many seconds; return figures.

    Normal is the load of half of the capacity, before and after.
    """
    address = Address.of(url)
    bodies = [request(b"/v1/predict", clip.read_bytes()) for clip in clips]
    most = await capacity(address, bodies)
    before = await at_rate(address, bodies, most / 2, _NORMAL_SECONDS)
    began = time.perf_counter()
    over = await at_rate(address, bodies, most * times, seconds)
    took = time.perf_counter() - began
    after = await at_rate(address, bodies, most / 2, _AFTER_SECONDS)
    return figures(most, before, over, after, took)


def figures(
    most: float, before: Sequence[Sent], over: Sequence[Sent], after: Sequence[Sent], took: float
) -> dict[str, Any]:
    """Return what is said of a campaign; `took` is seconds until the overload was answered."""
    outcomes = Counter(one.outcome for one in over)
    normal = late(before)
    return {
        "capacity_per_second": round(most, 1),
        "sent_per_second": round(len(over) / max(one.at for one in over), 1),
        "answered_per_second": round(outcomes["200"] / took, 1),
        "outcomes": dict(sorted(outcomes.items())),
        "neither_answered_nor_refused": sum(
            count for outcome, count in outcomes.items() if outcome not in ("200", *REFUSED)
        ),
        "normal_p99_ms": round(1e3 * normal, 1),
        "accepted_p99_ms": round(1e3 * late(over), 1),
        "after_p99_ms": round(1e3 * late(after), 1),
        "normal_again_seconds": round(normal_again(after, 2 * normal), 1),
    }
