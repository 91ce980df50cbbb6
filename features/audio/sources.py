"""Where samples come from: arrays, and the type that files become, too."""

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import AudioError
from ..frames import FloatArray

# Samples a block and channel: 16 s at 16 kHz. Long files are mixed and resampled block by block.
BLOCK = 1 << 18
MAX_CHANNELS = 64
#: Of sound, in Hz. A file may declare any other: at 1 Hz a few kilobytes would be hours at 16 kHz.
MIN_RATE, MAX_RATE = 100, 10_000_000
#: Writers that stream to a pipe declare the largest size there is, or nearly so.
SIZE_UNKNOWN = 0x7FFF0000

#: Full scale is 1, and 32-bit integers that nobody scaled reach 2e9. What is larger is damage, and
#: its square, summed up, may be more than float32 holds.
MAX_SAMPLE = 1e10

#: Blocks of a recording; at the end, what of it could not be decoded, a phrase each.
Blocks = Generator[FloatArray, None, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Source:
    """A recording as it is, before it is mixed and resampled.

    Attributes
    ----------
    name
        For messages: the path, or that it is an array.
    rate
        In Hz.
    n_channels
        Of every block.
    blocks
        Goes through the recording from its start, float32 ``[n, n_channels]`` a block.
    """

    name: str
    rate: float
    n_channels: int
    blocks: Callable[[], Blocks]


def undecodable(seconds: float) -> str:
    """Return the phrase for a recording of which nothing can be decoded after `seconds`."""
    return f"cut off: cannot be decoded beyond {seconds:.2f} s, labelled up to there"


def unusable(samples: FloatArray) -> str | None:
    """Return the phrase for samples with a value that cannot be sound; None where all can."""
    peak = max(samples.max(initial=0.0), -samples.min(initial=0.0))
    if peak <= MAX_SAMPLE:
        return None
    if np.isfinite(samples).all():
        return f"samples far too large for audio ({peak:.0e}, where full scale is 1)"
    return "samples that are infinite or not a number"


def check_declared(name: str, rate: float, n_channels: int) -> None:
    """Refuse what a recording declares of itself where no recording has it.

    Raises
    ------
    AudioError
        The rate is none of sound, or there are more than `MAX_CHANNELS` channels.
    """
    if not MIN_RATE <= rate <= MAX_RATE:
        raise AudioError(
            f"{name} declares a sampling rate of {rate:g} Hz; export it again, at {MIN_RATE} Hz to "
            f"{MAX_RATE // 1_000_000} MHz."
        )
    if not 1 <= n_channels <= MAX_CHANNELS:
        raise AudioError(f"{name} has {n_channels} channels; export at most {MAX_CHANNELS}.")


def array_source(array: NDArray[np.generic], rate: float) -> Source:
    """Return an array of samples as a source.

    Raises
    ------
    AudioError
        Where the array is empty, of another shape or type, or its rate is none of sound.
    """
    samples = np.asarray(array)
    if not MIN_RATE <= rate <= MAX_RATE:
        raise AudioError(
            f"The array's sampling rate is given as {rate}; it must be a number of Hz."
        )
    if samples.ndim not in (1, 2) or (samples.ndim == 2 and samples.shape[1] > MAX_CHANNELS):
        raise AudioError(
            f"The array has the shape {samples.shape}; give samples as [n], or as [n, n_channels] "
            f"with at most {MAX_CHANNELS} channels."
        )
    if samples.size == 0:
        raise AudioError("The array holds no samples; give at least one.")
    columns = samples if samples.ndim == 2 else samples[:, None]
    to_float = float_conversion(columns.dtype, "The array")

    def blocks() -> Blocks:
        for first in range(0, len(columns), BLOCK):
            yield to_float(columns[first : first + BLOCK])
        return ()

    return Source("The array", rate, columns.shape[1], blocks)


def float_conversion(
    dtype: np.dtype[np.generic], name: str
) -> Callable[[NDArray[np.generic]], FloatArray]:
    """Return what brings samples of `dtype` to float32 with full scale at 1.

    Raises
    ------
    AudioError
        There is no such type of samples; `name` is whose it is.
    """
    if dtype.kind == "f":
        return _from_float
    if dtype == np.uint8:
        return lambda block: (block.astype(np.float32) - np.float32(128.0)) / np.float32(128.0)
    if dtype in (np.int8, np.int16, np.int32):
        scale = np.float32(2.0 ** (1 - 8 * dtype.itemsize))
        return lambda block: block.astype(np.float32) * scale
    raise AudioError(
        f"{name} is of type {dtype}; give int8, uint8, int16, int32 or floating-point samples."
    )


def _from_float(block: NDArray[np.generic]) -> FloatArray:
    # What float32 cannot hold becomes infinite here, and is refused as such later.
    with np.errstate(over="ignore"):
        return block.astype(np.float32)
