"""The conditions that a model is measured under: one recording each way it may be spoilt."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from ..frames import FloatArray
from .codecs import compress, telephone
from .levels import change_level, clip_peaks
from .noise import add_background, add_noise, babble
from .rooms import exponential_response, reverberate

#: How many talk in the babble.
N_TALKERS = 6


@dataclass(frozen=True, slots=True)
class Surrounded:
    """A recording, and what a condition may need to spoil it.

    Attributes
    ----------
    samples, rate
        float32 ``[n]``, mono, and its rate in Hz.
    talkers
        Recordings of others, `N_TALKERS` or as many as there are.
    rng
        Of this recording in this condition.
    """

    samples: FloatArray
    rate: int
    talkers: Sequence[FloatArray]
    rng: np.random.Generator


@dataclass(frozen=True, slots=True)
class Condition:
    """A way in which recordings are spoilt.

    Attributes
    ----------
    name
        Of files and keys.
    description
        For people.
    apply
        Returns the recording spoilt, as long as before; None leaves it as it is.
    """

    name: str
    description: str
    apply: Callable[[Surrounded], FloatArray] | None


def _pink(snr_db: float) -> Callable[[Surrounded], FloatArray]:
    return lambda clip: add_noise(clip.samples, snr_db, "pink", clip.rng)


def _babble(snr_db: float) -> Callable[[Surrounded], FloatArray]:
    return lambda clip: add_background(
        clip.samples, babble(clip.talkers, len(clip.samples), clip.rng), snr_db
    )


def _telephone(codec: str) -> Callable[[Surrounded], FloatArray]:
    return lambda clip: telephone(clip.samples, clip.rate, codec)


def _codec(codec: str, kbps: float) -> Callable[[Surrounded], FloatArray]:
    # Quick, as telephones encode. Of 9 kbit/s Opus then makes a narrow band; given all the time
    # that it asks for, a wide one, which costs next to nothing.
    return lambda clip: compress(clip.samples, clip.rate, codec, kbps, quick=True)


def _room(rt60: float) -> Callable[[Surrounded], FloatArray]:
    return lambda clip: reverberate(clip.samples, exponential_response(rt60, clip.rate, clip.rng))


def _clipped(fraction: float) -> Callable[[Surrounded], FloatArray]:
    return lambda clip: clip_peaks(clip.samples, fraction)


def _level(decibels: float) -> Callable[[Surrounded], FloatArray]:
    return lambda clip: change_level(clip.samples, decibels)


CLEAN = "clean"
_ALL = (
    Condition(CLEAN, "as it is", None),
    Condition("pink-20", "pink noise, 20 dB", _pink(20.0)),
    Condition("pink-10", "pink noise, 10 dB", _pink(10.0)),
    Condition("pink-0", "pink noise, 0 dB", _pink(0.0)),
    Condition("babble-10", f"babble of {N_TALKERS} others, 10 dB", _babble(10.0)),
    Condition("telephone", "telephone, 300–3400 Hz, 8 kHz μ-law", _telephone("mu-law")),
    Condition("gsm", "telephone, 300–3400 Hz, GSM 06.10", _telephone("gsm")),
    Condition("room", "room, exponential, RT60 0.5 s", _room(0.5)),
    Condition("clipping", "clipped at 5 % of the peak", _clipped(0.05)),
    Condition("opus-9", "Opus, 9 kbit/s, narrow band", _codec("opus", 9.0)),
    Condition("mp3-32", "MP3, 32 kbit/s", _codec("mp3", 32.0)),
    Condition("level-30", "level −30 dB", _level(-30.0)),
)
#: The conditions by name, the clean one first.
CONDITIONS: Mapping[str, Condition] = MappingProxyType({one.name: one for one in _ALL})
