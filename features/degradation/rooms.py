"""Reverberation: of rooms by the image method, and the exponential decay that is simplest."""

from functools import cache
from typing import Any

import numpy as np

from ..frames import FloatArray
from ..spectral.pitch import next_fast_len

#: Least and greatest length, width and height of a room, in metres.
ROOM_SIZES = ((3.0, 10.0), (2.5, 8.0), (2.3, 4.0))
#: Reflections that are computed one by one; what follows is dense enough for noise.
_IMAGE_ORDER = 10
#: From a wall or the other end of the line between voice and microphone, in metres.
_MARGIN = 0.4
_SPEED_OF_SOUND = 343.0
#: Natural logarithm of the fall by 60 dB, in amplitude.
_DECAY = 3.0 * np.log(10.0)


def reverberate(samples: FloatArray, response: FloatArray) -> FloatArray:
    """Return the clip as a room's impulse response makes it sound, as long and as loud as before.

    The direct sound stays where it was, and what rings on after the clip's end is cut off.

    Parameters
    ----------
    response
        float32 ``[m]``, at the rate of the clip.
    """
    direct = int(np.argmax(np.abs(response)))
    length = next_fast_len(len(samples) + len(response) - 1)
    spectrum = np.fft.rfft(samples, length) * np.fft.rfft(response, length)
    wet = np.fft.irfft(spectrum, length)[direct : direct + len(samples)]
    power = float(np.mean(np.square(wet)))
    if power == 0.0:
        return samples
    dry_power = float(np.mean(np.square(samples, dtype=np.float64)))
    louder: FloatArray = (wet * np.sqrt(dry_power / power)).astype(np.float32)
    return louder


def exponential_response(
    rt60: float, rate: int, rng: np.random.Generator, direct_db: float = 0.0
) -> FloatArray:
    """Return a direct sound and white noise that decays exponentially after it, float32 ``[m]``.

    Parameters
    ----------
    rt60
        Time in which the noise falls by 60 dB, in seconds.
    direct_db
        Energy of the direct sound against that of all that follows, in dB.
    """
    time = np.arange(1, max(2, round(rt60 * rate))) / rate
    tail = rng.standard_normal(len(time)) * np.exp(-_DECAY * time / rt60)
    tail *= np.sqrt(10.0 ** (-direct_db / 10.0) / np.sum(tail**2))
    return np.concatenate([[1.0], tail]).astype(np.float32)


def room_response(rt60: float, rate: int, rng: np.random.Generator) -> FloatArray:
    """Return the impulse response of a random room, voice and microphone, float32 ``[m]``.

    The early reflections in a shoebox are those of the image method (Allen and Berkley, 1979), by
    pyroomacoustics; the late ones noise that goes on from there with the same decay (Lehmann and
    Johansson, 2010).

    Parameters
    ----------
    rt60
        Time in which the sound falls by 60 dB, in seconds. Sabine's formula gives the absorption of
        the walls; where even walls that swallow nearly everything ring for longer, it is theirs.
    """
    size = np.array([rng.uniform(*bounds) for bounds in ROOM_SIZES])
    voice, microphone = rng.uniform(_MARGIN, size - _MARGIN, (2, 3))
    early = _early_response(size, voice, microphone, rt60, rate)
    # Up to the time of the shortest path with so many reflections no image is missing.
    complete = (_IMAGE_ORDER - 1) * size.min() / _SPEED_OF_SOUND * rate
    n_early = min(len(early), int(complete))
    return _with_tail(early[:n_early], rt60, rate, rng)


def _early_response(
    size: FloatArray, voice: FloatArray, microphone: FloatArray, rt60: float, rate: int
) -> FloatArray:
    pra = _pyroomacoustics()
    volume = float(size.prod())
    surface = 2.0 * float(size[0] * size[1] + size[1] * size[2] + size[0] * size[2])
    absorption = min(0.95, 24.0 * np.log(10.0) / _SPEED_OF_SOUND * volume / (surface * rt60))
    room = pra.ShoeBox(
        size, fs=rate, materials=pra.Material(float(absorption)), max_order=_IMAGE_ORDER
    )
    room.add_source(voice)
    room.add_microphone(microphone)
    room.compute_rir()
    response: FloatArray = np.asarray(room.rir[0][0], dtype=np.float32)
    return response


@cache
def _pyroomacoustics() -> Any:
    import pyroomacoustics

    # Several rooms are made at a time as it is, and a sum over threads comes out in any order.
    pyroomacoustics.constants.set("num_threads", 1)
    return pyroomacoustics


def _with_tail(early: FloatArray, rt60: float, rate: int, rng: np.random.Generator) -> FloatArray:
    """Go on with noise of the level that the last 10 ms of the early part have, down by 60 dB."""
    last = early[-max(1, round(0.01 * rate)) :]
    level = float(np.sqrt(np.mean(np.square(last, dtype=np.float64))))
    time = np.arange(1, round(rt60 * rate)) / rate
    tail = level * rng.standard_normal(len(time)) * np.exp(-_DECAY * time / rt60)
    return np.concatenate([early, tail]).astype(np.float32)
