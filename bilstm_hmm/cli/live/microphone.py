"""The microphone, through the package `sounddevice`, which is only needed for it."""

import queue
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.extras import missing_extra_message
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.features.frames import FloatArray

#: Seconds of sound that are handed over at once, and that may wait for the model.
BLOCK_SECONDS = 0.05
MAX_WAITING_SECONDS = 30.0
#: Seconds without sound after which it is asked whether the microphone is still there.
TIMEOUT = 1.0

_HOW_TO_LIST = "`python -m sounddevice` lists what there is"


class Microphone:
    """Sound as it is recorded: float32 ``[n]`` a block, until the device goes.

    Iterating raises `AudioError` where it goes; it is recorded only meanwhile.

    Attributes
    ----------
    rate
        In Hz, the device's own.
    notes
        What the user may want to know: once, that sound was lost.

    Parameters
    ----------
    device
        A part of its name, or its number; None takes the system's choice.

    Raises
    ------
    ToolkitError
        There is no such device, no PortAudio, or no `sounddevice`.
    """

    def __init__(self, device: str | None = None) -> None:
        self._library = _sounddevice()
        self._device = int(device) if device is not None and device.isdecimal() else device
        self.notes: list[str] = []
        try:
            device_info = self._library.query_devices(self._device, "input")
        except (ValueError, self._library.PortAudioError) as error:
            raise self._no_device(error) from None
        self.rate = float(device_info["default_samplerate"])
        self._lost = False
        self._blocks: queue.Queue[FloatArray] = queue.Queue(
            round(MAX_WAITING_SECONDS / BLOCK_SECONDS)
        )

    def __iter__(self) -> Generator[FloatArray, None, None]:
        with self._open_stream() as stream:
            while True:
                try:
                    block = self._blocks.get(timeout=TIMEOUT)
                except queue.Empty:
                    if not stream.active:
                        raise AudioError("The microphone has gone; plug it in again.") from None
                    continue
                if self._lost and not self.notes:
                    self.notes.append("the microphone's sound came too fast, and some is lost")
                yield block

    @contextmanager
    def _open_stream(self) -> Iterator[Any]:
        try:
            stream = self._library.InputStream(
                samplerate=self.rate,
                blocksize=round(BLOCK_SECONDS * self.rate),
                device=self._device,
                channels=1,
                dtype="float32",
                callback=self._on_block,
            )
            stream.start()
        except (ValueError, self._library.PortAudioError) as error:
            raise self._no_device(error) from None
        try:
            yield stream
        finally:
            stream.close()

    def _on_block(
        self, samples: NDArray[np.float32], _frames: int, _time: Any, status: Any
    ) -> None:
        """Called by PortAudio, in a thread of its own, with a buffer that it fills anew."""
        if status.input_overflow:
            self._lost = True
        try:
            self._blocks.put_nowait(samples[:, 0].copy())
        except queue.Full:
            self._lost = True

    def _no_device(self, error: Exception) -> ToolkitError:
        named = "--mic" if self._device is None else f"--device {self._device}"
        return ToolkitError(f"{named}: no microphone to listen to ({error}); {_HOW_TO_LIST}.")


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError:
        raise ToolkitError(missing_extra_message("mic", "--mic", "sounddevice")) from None
    except OSError as error:
        raise ToolkitError(
            f"--mic needs PortAudio ({error}); install it, as with `apt install libportaudio2`."
        ) from None
    return sounddevice
