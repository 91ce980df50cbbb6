"""Ctrl-C as the way to end what has no end of its own."""

import signal
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from types import FrameType
from typing import Protocol, TypeVar

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class ClosingIterable(Protocol[T_co]):
    """What iterates by a generator, which can be closed early."""

    def __iter__(self) -> Generator[T_co, None, None]: ...


class InterruptGuard:
    """Ctrl-C ends the waiting for the next item, and never breaks off the work on the last one.

    A second one does what it always does. Made by `interrupt_guard`.
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

    def on_interrupt(self, _number: int, _frame: FrameType | None) -> None:
        """Handle the first SIGINT."""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._interrupted = True
        if self._waiting:
            raise KeyboardInterrupt


@contextmanager
def interrupt_guard() -> Iterator[InterruptGuard]:
    """Guard a block against Ctrl-C; afterwards it does again what it did before."""
    guard = InterruptGuard()
    # Where it is ignored, as in a background job of a shell, it stays so.
    is_default = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_default:
        signal.signal(signal.SIGINT, guard.on_interrupt)
    try:
        yield guard
    finally:
        if is_default:
            signal.signal(signal.SIGINT, signal.default_int_handler)
