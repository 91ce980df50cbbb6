"""One thread for products of matrices while recordings are labelled.

The matrices of one recording are small. OpenBLAS splits them among all cores all the same, which
saves nothing, and its threads then wait by spinning: 0.1 s of a core for a label of 6 ms.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

_lock = Lock()
# The limit in force, one entry a caller inside: the number of threads belongs to the process.
_inside: list[Any] = []


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep BLAS to one thread, in the whole process, until the last caller is out again.

    Also a decorator. Threads may enter and leave in any order; what was set before then holds
    again.
    """
    with _lock:
        limit = _inside[0] if _inside else _controller().limit(limits=1, user_api="blas")
        _inside.append(limit)
    try:
        yield
    finally:
        with _lock:
            _inside.pop()
            if not _inside:
                limit.restore_original_limits()


@cache
def _controller() -> "ThreadpoolController":
    # It looks for libraries when it is made, so numpy's has to be there.
    import numpy as np  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
