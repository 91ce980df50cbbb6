"""Following sound while it comes, and ending properly when the user has heard enough."""

import signal
from collections.abc import Generator, Iterator
from contextlib import closing
from types import FrameType, TracebackType
from typing import Any, Protocol

from numpy.typing import NDArray

from bilstm_hmm.cli.live_display import LiveDisplay
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.stream import EmotionStream


class AudioSource(Protocol):
    """What gives chunks as they come, in Hz of `rate`; its `notes` grow meanwhile."""

    @property
    def rate(self) -> float: ...

    @property
    def notes(self) -> list[str]: ...

    def __iter__(self) -> Generator[NDArray[Any], None, None]: ...


def run_live(
    model: Model, sound: AudioSource, display: LiveDisplay, interval: float, lookahead: float
) -> int:
    """Show what is known of the sound until it ends, or until Ctrl-C; return 1 where it is faulty.

    In every case all that was heard is told, to the last segment.

    Parameters
    ----------
    interval, lookahead
        As for `EmotionStream`.

    Raises
    ------
    ToolkitError
        The interval or the look-ahead is none.
    """
    stream = EmotionStream(model, sound.rate, interval=interval, lookahead=lookahead)
    fault, told = None, 0
    with display, InterruptGuard() as interruption:
        try:
            for chunk in interruption.until(sound):
                for update in stream.push(chunk):
                    display.update(update)
                for note in sound.notes[told:]:
                    display.note(note)
                told = len(sound.notes)
        except AudioError as error:
            fault = str(error)
        last = stream.close()
        if last.heard:
            display.update(last)
        for note in (*sound.notes[told:], *([fault] if fault else [])):
            display.note(note)
    return 1 if fault else 0


class InterruptGuard:
    """Ctrl-C ends the waiting for sound, and never breaks off the work on what has come.

    A second one does what it always does.
    """

    def __init__(self) -> None:
        self._asked = self._waiting = False

    def __enter__(self) -> "InterruptGuard":
        # Where it is ignored, as in a background job of a shell, it stays so.
        self._ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._ours:
            signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def until(self, sound: AudioSource) -> Iterator[NDArray[Any]]:
        """Yield the chunks of the sound up to an interruption."""
        with closing(iter(sound)) as chunks:
            while True:
                try:
                    try:
                        self._waiting = True
                        if self._asked:
                            return
                        chunk = next(chunks)
                    finally:
                        self._waiting = False
                except (StopIteration, KeyboardInterrupt):
                    return
                yield chunk

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._asked = True
        if self._waiting:
            raise KeyboardInterrupt
