"""The microphone, with a library in the place of `sounddevice` that needs no device."""

import builtins
import sys
import threading
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from bilstm_hmm.features.errors import AudioError

from bilstm_hmm.cli.live import microphone
from bilstm_hmm.cli.live.microphone import Microphone
from bilstm_hmm.errors import ToolkitError

RATE = 44100.0
FINE = SimpleNamespace(input_overflow=False)
OVERFLOW = SimpleNamespace(input_overflow=True)


class PortAudioError(Exception):
    """As the library has it."""


class Library(ModuleType):
    """What is used of `sounddevice`: one device, that records what it is given."""

    PortAudioError = PortAudioError

    def __init__(self, *statuses: SimpleNamespace, start: Exception | None = None) -> None:
        super().__init__("sounddevice")
        self.statuses, self.refusal = statuses, start
        self.options: dict[str, Any] = {}
        self.closed = self.active = False

    def query_devices(self, device: object, kind: str) -> dict[str, object]:
        assert kind == "input"
        if device not in (None, 3, "headset"):
            raise ValueError(f"No input device matching {device!r}")
        return {"name": "headset", "default_samplerate": RATE}

    def InputStream(self, **options: Any) -> "Library":
        self.options = options
        return self

    def start(self) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.active = True
        threading.Thread(target=self.record).start()

    def record(self) -> None:
        buffer = np.zeros((self.options["blocksize"], 1), np.float32)
        for place, status in enumerate(self.statuses):
            buffer[:] = place
            self.options["callback"](buffer, len(buffer), None, status)
        self.active = False

    def close(self) -> None:
        self.closed = True


def use(monkeypatch: pytest.MonkeyPatch, library: ModuleType) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", library)
    monkeypatch.setattr(microphone, "TIMEOUT", 0.01)


@pytest.mark.parametrize(("device", "chosen"), [(None, None), ("3", 3), ("headset", "headset")])
def test_blocks_come_in_their_order(
    monkeypatch: pytest.MonkeyPatch, device: str | None, chosen: object
) -> None:
    library = Library(FINE, FINE, FINE)
    use(monkeypatch, library)
    sound = Microphone(device)
    assert sound.rate == RATE
    blocks = []
    with pytest.raises(AudioError, match="The microphone has gone; plug it in again"):
        blocks.extend(sound)
    assert [block.shape for block in blocks] == [(2205,)] * 3
    assert [block[0] for block in blocks] == [0.0, 1.0, 2.0]
    assert library.closed
    assert library.options["device"] == chosen
    assert (library.options["channels"], library.options["samplerate"]) == (1, RATE)
    assert sound.notes == []


def test_silence_from_a_microphone_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []

    class Slow(Library):
        @property
        def active(self) -> bool:
            looked.append(None)
            return len(looked) < 5

        @active.setter
        def active(self, value: bool) -> None: ...

    use(monkeypatch, Slow())
    with pytest.raises(AudioError, match="has gone"):
        list(Microphone())
    assert len(looked) == 5


@pytest.mark.parametrize("full", [False, True])
def test_what_is_lost_is_told_once(monkeypatch: pytest.MonkeyPatch, full: bool) -> None:
    if full:
        library = Library(*[FINE] * 20)
        # Its thread ends before the first block is taken.
        monkeypatch.setattr(library, "start", library.record)
        monkeypatch.setattr(microphone, "MAX_WAITING_SECONDS", 10 * microphone.BLOCK_SECONDS)
    else:
        library = Library(FINE, OVERFLOW, OVERFLOW)
    use(monkeypatch, library)
    sound, blocks = Microphone(), []
    with pytest.raises(AudioError, match="has gone"):
        blocks.extend(sound)
    assert len(blocks) == (10 if full else 3)
    assert sound.notes == ["the microphone's sound came too fast, and some is lost"]


def test_it_is_closed_when_nobody_listens_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library(FINE, FINE)
    use(monkeypatch, library)
    listening = iter(Microphone())
    next(listening)
    assert not library.closed
    listening.close()
    assert library.closed


def test_no_such_device(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Library())
    with pytest.raises(
        ToolkitError, match=r"^--device 7: no microphone to listen to \(No input .*"
    ):
        Microphone("7")
    refusing = Library(start=PortAudioError("Device unavailable"))
    use(monkeypatch, refusing)
    with pytest.raises(
        ToolkitError, match=r"^--mic: no microphone .* \(Device unavailable\); `pyt"
    ):
        list(Microphone())


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            ModuleNotFoundError("No module"),
            r"needs sounddevice; install it with pip install 'bilstm-hmm\[mic\]'\.$",
        ),
        (OSError("PortAudio library not found"), r"needs PortAudio \(PortAudio library not found"),
    ],
)
def test_what_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    real = builtins.__import__

    def importing(name: str, *arguments: Any) -> ModuleType:
        if name == "sounddevice":
            raise error
        return real(name, *arguments)

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(builtins, "__import__", importing)
    with pytest.raises(ToolkitError, match=words):
        Microphone()
