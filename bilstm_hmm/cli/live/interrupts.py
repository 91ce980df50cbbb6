"""Ctrl-C, and SIGTERM, as the way to end what has no end of its own."""

import signal
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from types import FrameType
from typing import Protocol, TypeVar

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")

#: What ends a stream, and what it does otherwise.
_DEFAULTS: Mapping[int, Callable[[int, FrameType | None], object] | signal.Handlers] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}


class ClosingIterable(Protocol[T_co]):
    """What iterates by a generator, which can be closed early."""

    def __iter__(self) -> Generator[T_co, None, None]: ...


class InterruptGuard:
    """Ctrl-C ends the waiting for the next item, and never breaks off the work on the last one.

    So does SIGTERM. A second one does what it always does. Made by `interrupt_guard`.
    """

    def __init__(self) -> None:
        self._interrupted = self._waiting = False

    def iterate(self, items: ClosingIterable[T]) -> Iterator[T]:
        """Yield the items up to an interruption."""
        with closing(iter(items)) as iterator:
            while True:
                try:
                    try:
                        self._waiting = True
                        if self._interrupted:
                            return
                        item = next(iterator)
                    finally:
                        self._waiting = False
                except (StopIteration, KeyboardInterrupt):
                    return
                yield item

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        """Handle the first SIGINT or SIGTERM."""
        signal.signal(number, _DEFAULTS[number])
        self._interrupted = True
        if self._waiting:
            raise KeyboardInterrupt


@contextmanager
def interrupt_guard(*, endless: bool = False) -> Iterator[InterruptGuard]:
    """Guard a block against Ctrl-C and SIGTERM; afterwards they do again what they did before.

    Parameters
    ----------
    endless
        What is waited for has no end of its own: Ctrl-C counts even where it is ignored, as it is
        in a background job of a shell. Otherwise it stays ignored there.
    """
    guard = InterruptGuard()
    before = {number: signal.getsignal(number) for number in _DEFAULTS}
    taken = [
        number
        for number, handler in before.items()
        if handler == _DEFAULTS[number] or (endless and handler == signal.SIG_IGN)
    ]
    for number in taken:
        signal.signal(number, guard.on_signal)
    try:
        yield guard
    finally:
        for number in taken:
            signal.signal(number, before[number])
