"""A service is told of the signal to stop before its server, which then closes connections."""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from bilstm_hmm.service.logs import log

_Handler = Callable[[int, FrameType | None], Any]


@contextmanager
def signals_first(stop: Callable[[], Awaitable[None]]) -> Iterator[None]:
    """Call ``stop()`` at the first signal to stop, and only then what is set for it.

    Within a running event loop; in another thread than the main one signals are not for us.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[int, _Handler] = {}
    loop, ending = asyncio.get_running_loop(), list[asyncio.Task[None]]()

    async def end(number: int, frame: FrameType | None) -> None:
        log("stopping")
        try:
            await stop()
        finally:
            before[number](number, frame)

    def begin(number: int, frame: FrameType | None) -> None:
        if ending:
            # Somebody does not want to wait.
            before[number](number, frame)
        else:
            ending.append(loop.create_task(end(number, frame)))

    for number in (signal.SIGINT, signal.SIGTERM):
        handler = signal.getsignal(number)
        if callable(handler):
            before[number] = handler
            signal.signal(number, lambda n, f: loop.call_soon_threadsafe(begin, n, f))
    try:
        yield
    finally:
        for taken, handler in before.items():
            signal.signal(taken, handler)
