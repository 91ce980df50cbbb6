"""Work spread over threads, whose results come in order and are not made too far ahead."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    jobs: int,
    ahead: int | None = None,
) -> Iterator[Result]:
    """Yield ``function(item)`` for each item in order, computed by `jobs` threads.

    Items are taken as they are needed, so that they may be more than memory holds. What is left
    is not begun once the caller stops or an error comes out of `function`.

    Parameters
    ----------
    ahead
        How many results may be under way or wait while the caller has one; twice `jobs` by
        default.
    """
    most = 2 * jobs if ahead is None else ahead
    pending: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(jobs)
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > most:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
