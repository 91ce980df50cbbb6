"""Whatever a caller has a recording as: a path, an encoded file, samples in any kind of array."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from numbers import Real
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import AudioError
from .decoding.files import file_source
from .reading import AudioStream
from .sources import Source, array_source
from .voices import EVERYTHING, Voice, heard

#: A path; an encoded file's bytes or a binary file object; samples, or an iterable of samples or
#: of blocks of them. Tensors of other libraries are samples.
Recording = str | os.PathLike[str] | bytes | IO[bytes] | ArrayLike | Iterable[ArrayLike]

#: No recording has more channels than samples: up to so many rows of many columns are channels.
_MAX_ROWS_OF_CHANNELS = 8
_HOW_TO_GIVE = (
    "give a path, samples with their rate, or the bytes or the binary file object of an audio file"
)


@dataclass(frozen=True, slots=True)
class RecordingInput:
    """A recording that can be opened, and what of it is listened to.

    Attributes
    ----------
    file
        What it is called.
    source
        Opens it as it is.
    rate
        To resample to, in Hz.
    voice
        All of it, or a channel or a speaker alone.
    """

    file: str
    source: Callable[[], Source]
    rate: int
    voice: Voice = EVERYTHING

    def open(self) -> AudioStream:
        """Return it as a stream.

        Raises
        ------
        AudioError
            It cannot be read, or has no such channel.
        """
        return AudioStream(heard(self.source(), self.voice), self.rate)

    def by_channel(self, channels: str | int) -> "list[RecordingInput]":
        """Return what is labelled: ``mix``, all channels as one; ``split``, each; or a number's.

        Raises
        ------
        AudioError
            `channels` is nothing of these, or the recording cannot be read.
        """
        if channels == "mix":
            return [self]
        if channels == "split":
            numbers = range(1, self.source().n_channels + 1)
        elif isinstance(channels, int) and not isinstance(channels, bool):
            numbers = range(channels, channels + 1)
        else:
            raise AudioError(
                f"channels is given as {channels!r}; it must be 'mix', 'split' or a number from 1."
            )
        return [replace(self, voice=replace(self.voice, channel=number)) for number in numbers]


def file_input(
    file: str | os.PathLike[str], rate: int, voice: Voice = EVERYTHING
) -> RecordingInput:
    """Return a file, or one voice of it, as something that can be opened."""
    return RecordingInput(os.fspath(file), partial(file_source, Path(file)), rate, voice)


@contextmanager
def recording_input(
    recording: Recording, native_rate: float | None, rate: int
) -> Iterator[RecordingInput]:
    """Give a recording as something that can be opened, as long as the block runs.

    Parameters
    ----------
    recording
        A path, an encoded file or samples.
    native_rate
        Of samples, in Hz; a file says its own.
    rate
        To resample to, in Hz.

    Raises
    ------
    AudioError
        What is given is no recording, or samples come without their rate. An error that is raised
        within the block and tells of the file that bytes were written to tells of the bytes.
    """
    if isinstance(recording, str | os.PathLike):
        yield file_input(recording, rate)
    elif _is_encoded(recording):
        with _encoded_file(recording) as (name, file), _renamed(str(file), name):
            yield RecordingInput(name, partial(file_source, file), rate)
    else:
        samples = samples_of(recording)
        native = _checked_rate(native_rate)
        yield RecordingInput("array", partial(array_source, samples, native), rate)


def samples_of(recording: object) -> NDArray[Any]:
    """Return samples as an array ``[n]`` or ``[n, n_channels]``, of whatever type they have.

    Parameters
    ----------
    recording
        An array or a tensor of any library that can give it to NumPy, also one that has a gradient
        or lies on another device; a sequence of samples; an iterable of samples or of blocks
        ``[n]`` or ``[n, n_channels]``.

    Raises
    ------
    AudioError
        It is none of these, or the channels come first.
    """
    if isinstance(recording, list | tuple):
        samples = _join(recording, in_sequence=True)
    elif _is_array(recording):
        samples = _as_array(recording)
    elif isinstance(recording, Iterable) and not isinstance(recording, Mapping | Set):
        samples = _join(list(recording), in_sequence=False)
    else:
        raise AudioError(f"{_kind(recording)} is no recording; {_HOW_TO_GIVE}.")
    if samples.ndim == 2 and 0 < len(samples) <= _MAX_ROWS_OF_CHANNELS < samples.shape[1]:
        raise AudioError(
            f"The array has the shape {samples.shape}, with the channels first; transpose it to "
            "[n, n_channels], as in numpy.transpose(samples)."
        )
    return samples


def _checked_rate(rate: object) -> float:
    if rate is None:
        raise AudioError(
            "The array comes without its sampling rate; give it in Hz, as in "
            "predict(samples, rate=16000)."
        )
    if isinstance(rate, bool) or not isinstance(rate, Real):
        raise AudioError(
            f"The array's sampling rate is given as {rate!r}; it must be a number of Hz."
        )
    return float(rate)


def _is_encoded(recording: object) -> bool:
    if isinstance(recording, memoryview):
        return recording.format in ("B", "b", "c") and recording.ndim == 1
    return isinstance(recording, bytes | bytearray) or hasattr(recording, "read")


@contextmanager
def _encoded_file(recording: Any) -> Iterator[tuple[str, Path]]:
    """Give the name of an encoded file, and a path at which it lies as long as the block runs.

    A file, since that is what every decoder reads, and in which all of them can seek.
    """
    name = getattr(recording, "name", None)
    name = name if isinstance(name, str) and name else "bytes"
    content = recording if hasattr(recording, "read") else BytesIO(recording)
    with TemporaryDirectory(prefix="bilstm-hmm-") as folder:
        path = Path(folder) / f"recording{Path(name).suffix}"
        try:
            # Who has just written the file stands at its end.
            if content.seekable():
                content.seek(0)
            with path.open("wb") as file:
                shutil.copyfileobj(content, file)
        except TypeError:
            raise AudioError(f"{name} is open as text; open it in binary mode ('rb').") from None
        except (AttributeError, OSError, ValueError) as error:
            raise AudioError(f"{name} cannot be read ({error}); open it again.") from None
        yield name, path


@contextmanager
def _renamed(path: str, name: str) -> Iterator[None]:
    try:
        yield
    except AudioError as error:
        raise AudioError(str(error).replace(path, name)) from None


def _is_array(recording: object) -> bool:
    """Whether NumPy can take it whole: by the array protocol, DLPack or its buffer."""
    if hasattr(recording, "__array__") or hasattr(recording, "__dlpack__"):
        return True
    try:
        memoryview(recording)  # type: ignore[arg-type]
    except TypeError:
        return False
    return True


def _as_array(tensor: Any) -> NDArray[Any]:
    try:
        if hasattr(tensor, "detach") and hasattr(tensor, "cpu"):
            # A tensor of PyTorch gives itself away neither with a gradient nor from a device.
            tensor = tensor.detach().cpu()
        is_foreign = hasattr(tensor, "__dlpack__") and not hasattr(tensor, "__array__")
        return np.from_dlpack(tensor) if is_foreign else np.asarray(tensor)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise AudioError(
            f"{_kind(tensor)} cannot be turned into an array ({reason}); give float32 samples."
        ) from None


def _join(parts: Sequence[Any], *, in_sequence: bool) -> NDArray[Any]:
    """Join samples, or blocks of samples.

    Parameters
    ----------
    in_sequence
        Whether they come in a sequence, where some arrays of one length may be channels as well;
        what comes one after another is blocks.
    """
    if not parts:
        return np.zeros(0, dtype=np.float32)
    if isinstance(parts[0], str | os.PathLike):
        raise AudioError("Several paths are given; label them together with predict_many.")
    if not _is_row(parts[0]):
        return _array_of(parts)
    if len(parts) == 2 and isinstance(parts[1], Real):
        raise AudioError("Samples and their rate are two arguments; give predict(samples, rate).")
    rows = _rows(parts)
    shapes = {row.shape for row in rows}
    if len(shapes) == 1 and rows[0].ndim == 1:
        # One sample of each channel a row; or all samples of a channel, which is refused then.
        few = in_sequence and len(rows) <= _MAX_ROWS_OF_CHANNELS
        if few or len(rows[0]) <= _MAX_ROWS_OF_CHANNELS:
            return np.stack(rows)
    if {len(shape) for shape in shapes} == {1} or len({shape[1:] for shape in shapes}) == 1:
        return np.concatenate([np.atleast_1d(row) for row in rows])
    raise AudioError("The blocks have different numbers of channels; give all of them the same.")


def _rows(parts: Sequence[Any]) -> Sequence[NDArray[Any]]:
    if isinstance(parts[0], list | tuple):
        with suppress(ValueError):
            return [*np.asarray(parts)]
    return [_as_array(part) for part in parts]


def _is_row(part: object) -> bool:
    """Whether it holds several samples."""
    return isinstance(part, list | tuple) or (
        not isinstance(part, Real | np.generic) and _is_array(part) and np.ndim(_as_array(part)) > 0
    )


def _array_of(samples: Sequence[Any]) -> NDArray[Any]:
    try:
        return np.asarray(samples)
    except (TypeError, ValueError):
        raise AudioError("The samples are not all numbers; give a sequence of numbers.") from None


def _kind(recording: object) -> str:
    name = type(recording).__name__
    return f"{'An' if name[:1].lower() in 'aeiou' else 'A'} {name}"
