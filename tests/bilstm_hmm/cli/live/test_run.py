"""Following sound: to its end, to its fault, or to Ctrl-C, and in each case all is told."""

import io
import os
import signal
from collections.abc import Generator, Iterator

import numpy as np
import pytest
from bilstm_hmm.features.errors import AudioError

from bilstm_hmm.cli.live.display import LiveDisplay
from bilstm_hmm.cli.live.interrupts import interrupt_guard
from bilstm_hmm.cli.live.run import run_live
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.stream import EmotionStream, Update
from tests.oracle import talk

RATE = 16000


class Shown(LiveDisplay):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__("text", io.StringIO(), io.StringIO())
        self.updates: list[Update] = []
        self.notes: list[str] = []

    def update(self, update: Update) -> None:
        self.updates.append(update)

    def note(self, text: str) -> None:
        self.notes.append(text)


class Sound:
    """Chunks of 0.1 s; before the one of a number, something happens."""

    rate = float(RATE)

    def __init__(self, samples: np.ndarray, **happens: object) -> None:
        self.samples, self.happens, self.notes = samples, happens, []
        self.closed = False

    def __iter__(self) -> Generator[np.ndarray, None, None]:
        try:
            for place, begun in enumerate(range(0, len(self.samples), 1600)):
                happens = self.happens.get(f"at_{place}")
                if callable(happens):
                    happens()
                elif isinstance(happens, str):
                    self.notes.append(happens)
                elif happens is not None:
                    raise happens
                yield self.samples[begun : begun + 1600]
        finally:
            self.closed = True


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    return talk("neutral", "happy", "sad")


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """As in a terminal, wherever the tests run."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def followed(model: Model, sound: Sound, *, endless: bool = False) -> tuple[int, Shown]:
    shown = Shown()
    return run_live(model, sound, shown, 0.5, 1.0, endless=endless), shown


def expected(model: Model, samples: np.ndarray) -> list[Update]:
    stream = EmotionStream(model)
    return [*stream.push(samples), stream.close()]


def test_it_tells_what_the_stream_tells(model: Model, samples: np.ndarray) -> None:
    status, shown = followed(model, Sound(samples, at_3="some is lost", at_9="more is"))
    assert status == 0
    assert shown.updates == expected(model, samples)
    assert shown.notes == ["some is lost", "more is"]


def test_a_fault_is_told_after_what_was_heard(model: Model, samples: np.ndarray) -> None:
    status, shown = followed(model, Sound(samples, at_13=AudioError("It has gone.")))
    assert status == 1
    assert shown.updates == expected(model, samples[: 13 * 1600])
    assert shown.notes == ["It has gone."]


def test_nothing_heard_is_nothing_told(model: Model) -> None:
    status, shown = followed(model, Sound(np.zeros(1), at_0=AudioError("It is empty.")))
    assert (status, shown.updates, shown.notes) == (1, [], ["It is empty."])


def test_an_interruption_ends_the_waiting(model: Model, samples: np.ndarray) -> None:
    sound = Sound(samples, at_13=interrupt)
    status, shown = followed(model, sound)
    assert status == 0
    assert sound.closed
    assert shown.updates == expected(model, samples[: 13 * 1600])


def test_an_interruption_breaks_no_work_off(
    model: Model, samples: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    push = EmotionStream.push

    def pushed(self: EmotionStream, chunk: np.ndarray) -> list[Update]:
        if self._buffer.received > 1.0:
            interrupt()
        return push(self, chunk)

    monkeypatch.setattr(EmotionStream, "push", pushed)
    sound = Sound(samples)
    _, shown = followed(model, sound)
    monkeypatch.undo()
    assert sound.closed
    assert shown.updates == expected(model, samples[: 12 * 1600])


def test_a_second_interruption_is_one(model: Model, samples: np.ndarray) -> None:
    with interrupt_guard() as guard, pytest.raises(KeyboardInterrupt):  # noqa: PT012
        for _ in guard.iterate(Sound(samples, at_3=interrupt)):
            pass
        interrupt()


def test_where_interruptions_are_ignored_they_stay_so(model: Model, samples: np.ndarray) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    status, shown = followed(model, Sound(samples, at_3=interrupt))
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    signal.signal(signal.SIGINT, signal.default_int_handler)
    assert status == 0
    assert shown.updates == expected(model, samples)


def test_what_has_no_end_is_ended_where_interruptions_are_ignored(
    model: Model, samples: np.ndarray
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    status, shown = followed(model, Sound(samples, at_13=interrupt), endless=True)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    signal.signal(signal.SIGINT, signal.default_int_handler)
    assert status == 0
    assert shown.updates == expected(model, samples[: 13 * 1600])


def test_a_signal_to_stop_ends_it_as_well(model: Model, samples: np.ndarray) -> None:
    def stop() -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    status, shown = followed(model, Sound(samples, at_13=stop))
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert status == 0
    assert shown.updates == expected(model, samples[: 13 * 1600])
