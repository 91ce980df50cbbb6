"""Processes that work for this one, and end with it, however it ends."""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any


def process_pool(
    jobs: int, initializer: Callable[..., object] | None = None, arguments: tuple[Any, ...] = ()
) -> ProcessPoolExecutor:
    """Return a pool of `jobs` processes, each a fresh interpreter.

    They are spawned, not forked: forks of a process with threads, such as TensorFlow's, can hang.
    A process that is killed lets nobody know; its workers look out for its end themselves.

    Parameters
    ----------
    initializer, arguments
        What each process calls first, and with what.
    """
    context = get_context("spawn")
    return ProcessPoolExecutor(jobs, context, _begin, (initializer, arguments))


def _begin(initializer: Callable[..., object] | None, arguments: tuple[Any, ...]) -> None:
    Thread(target=_end_with_parent, daemon=True).start()
    if initializer is not None:
        initializer(*arguments)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is None:
        return
    parent.join()
    # At once: the pool's own end would wait for work that nobody sends any more.
    os._exit(1)
