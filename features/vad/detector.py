"""Where somebody speaks, by level alone, while the sound comes.

A frame of 10 ms holds speech where it is louder than three things: an absolute floor, so many
decibels below the peaks around it, and so many above the steady noise of the last seconds. Music
and slamming doors count as speech; a fan, hum and hiss do not.
"""

import numpy as np
from numpy.typing import NDArray

from ..audio.peaks import peak_envelope
from ..frames import FloatArray

FRAME = 0.01
#: Seconds of sound that a frame waits for, so that a loud moment is known before it comes.
LOOKAHEAD = 0.3
#: Decibels a second by which the peak around a frame falls.
RELEASE = 1.0
#: Decibels below full scale under which there is no speech.
FLOOR = -60.0
#: Decibels that speech is above the noise, which is the least level of the last seconds.
MIN_SNR_DB = 9.0
NOISE_WINDOW = 5.0
#: Frames whose mean power is one level of the noise.
_CALM = 10


class EnergyVad:
    """Tells frames with speech from those without, `LOOKAHEAD` seconds behind the sound.

    The result does not depend on how the sound is cut into blocks.

    Parameters
    ----------
    rate
        In Hz.
    max_below_peak_db
        Decibels below the peak around it that a frame may lie and still be speech.
    """

    def __init__(self, rate: int, max_below_peak_db: float) -> None:
        self.hop = max(1, round(FRAME * rate))
        self._max_below_peak_db = max_below_peak_db
        self._ahead = round(LOOKAHEAD / FRAME)
        self._memory = round(NOISE_WINDOW / FRAME / _CALM)
        self._rest = np.zeros(0, dtype=np.float32)
        # Powers of the frames that are not judged yet, and what their judgement needs of the past.
        self._powers = np.zeros(0)
        self._peak = -np.inf
        self._past: list[float] = []
        self._calm: list[float] = []

    def push(self, samples: FloatArray) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Take the next samples ``[n]``.

        Returns
        -------
        tuple
            Of each frame that can be judged now: whether it holds speech, and its level in dB.
        """
        held = np.concatenate([self._rest, samples]) if len(self._rest) else samples
        whole = len(held) // self.hop * self.hop
        frames = held[:whole].reshape(-1, self.hop)
        self._rest = held[whole:].copy()
        powers = np.einsum("ij,ij->i", frames, frames, dtype=np.float64) / self.hop
        self._powers = np.concatenate([self._powers, powers])
        return self._judge(len(self._powers) - self._ahead)

    def flush(self) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Judge the rest, as `push` does: nothing comes any more, and no half frame counts."""
        count = len(self._powers)
        self._powers = np.concatenate([self._powers, np.zeros(self._ahead)])
        return self._judge(count)

    def _judge(self, count: int) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        if count <= 0:
            return np.zeros(0, np.bool_), np.zeros(0)
        levels = 10.0 * np.log10(np.maximum(self._powers[: count + self._ahead], 1e-12))
        windows = np.lib.stride_tricks.sliding_window_view(levels, self._ahead + 1)[:count]
        peaks = peak_envelope(windows.max(axis=1), self._peak, RELEASE * FRAME)
        self._peak = float(peaks[-1])
        own = levels[:count]
        least = np.maximum(
            np.maximum(peaks - self._max_below_peak_db, FLOOR), self._noise(count) + MIN_SNR_DB
        )
        self._powers = self._powers[count:]
        return own > least, own

    def _noise(self, count: int) -> NDArray[np.float64]:
        """The noise before each of the next frames in dB; none until it has been heard enough."""
        noise = np.empty(count)
        place = 0
        while place < count:
            lacking = min(_CALM - len(self._past), count - place)
            known = len(self._calm) == self._memory
            noise[place : place + lacking] = min(self._calm) if known else -np.inf
            self._past += self._powers[place : place + lacking].tolist()
            place += lacking
            if len(self._past) == _CALM:
                level = 10.0 * np.log10(max(float(np.mean(self._past)), 1e-12))
                self._calm = [*self._calm, level][-self._memory :]
                self._past = []
        return noise
