"""Where there is sound as loud as speech, by level alone, while the sound comes.

A frame of 10 ms may hold speech where it is louder than an absolute floor, and louder than so many
decibels below the peaks around it. What is alone in judging, and not followed by the network of
`features.vad.network`, wants it above the steady noise of the last seconds as well: music and
slamming doors then count as speech; a fan, hum and hiss do not.
"""

import numpy as np
from numpy.typing import NDArray

from ..audio.level import ENVELOPE_LOOKAHEAD, RELEASE, LookaheadEnvelope
from ..frames import FloatArray

#: Seconds of a frame.
FRAME_SECONDS = 0.01
#: Decibels below full scale under which there is no speech.
MIN_LEVEL_DB = -75.0
#: Decibels that speech is above the noise, which is the least level of the last seconds.
MIN_SNR_DB = 9.0
#: Seconds of sound whose quietest part is the noise.
NOISE_WINDOW = 5.0
#: Frames whose mean power is one level of the noise.
NOISE_FRAMES = 10


class EnergyVad:
    """Tells frames with speech from those without, `ENVELOPE_LOOKAHEAD` s behind the sound.

    The result does not depend on how the sound is cut into blocks.

    Parameters
    ----------
    rate
        In Hz.
    max_below_peak_db
        Decibels below the peak around it that a frame may lie and still be speech.
    above_noise
        Whether a frame has to lie `MIN_SNR_DB` above the steady noise.

    Attributes
    ----------
    hop
        Samples of a frame.
    """

    def __init__(self, rate: int, max_below_peak_db: float, above_noise: bool = True) -> None:
        self.hop = max(1, round(FRAME_SECONDS * rate))
        self._max_below_peak_db = max_below_peak_db
        self._envelope = LookaheadEnvelope(
            1 + round(ENVELOPE_LOOKAHEAD / FRAME_SECONDS), RELEASE * FRAME_SECONDS
        )
        self._noise = _NoiseLevel() if above_noise else None
        # Samples that are no whole frame yet, and the powers of the frames that are not judged.
        self._rest = np.zeros(0, dtype=np.float32)
        self._powers = np.zeros(0)

    def push(self, samples: FloatArray) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Take the next samples ``[n]``.

        Returns
        -------
        tuple
            Of each frame that can be judged now: whether it holds speech, and its level in dB.
        """
        samples = np.concatenate([self._rest, samples]) if len(self._rest) else samples
        stop = len(samples) // self.hop * self.hop
        frames = samples[:stop].reshape(-1, self.hop)
        self._rest = samples[stop:].copy()
        powers = np.einsum("ij,ij->i", frames, frames, dtype=np.float64) / self.hop
        self._powers = np.concatenate([self._powers, powers])
        return self._judge(self._envelope.push(_decibels(powers)))

    def flush(self) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Judge the rest, as `push` does: nothing comes any more, and no half frame counts."""
        return self._judge(self._envelope.flush())

    def _judge(self, peaks: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Judge as many frames as there are peaks."""
        powers, self._powers = self._powers[: len(peaks)], self._powers[len(peaks) :]
        levels = _decibels(powers)
        threshold = np.maximum(peaks - self._max_below_peak_db, MIN_LEVEL_DB)
        if self._noise is not None:
            threshold = np.maximum(threshold, self._noise.before(powers) + MIN_SNR_DB)
        return levels > threshold, levels


class _NoiseLevel:
    """The steady noise of the last `NOISE_WINDOW` seconds, by minimum statistics."""

    def __init__(self) -> None:
        self._n_levels = round(NOISE_WINDOW / FRAME_SECONDS / NOISE_FRAMES)
        self._levels: list[float] = []
        # Powers of the frames that make the next level.
        self._powers: list[float] = []

    def before(self, powers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the noise before each of the next frames in dB; none until enough is known."""
        noise = np.empty(len(powers))
        first = 0
        while first < len(powers):
            last = first + NOISE_FRAMES - len(self._powers)
            known = len(self._levels) == self._n_levels
            noise[first:last] = min(self._levels) if known else -np.inf
            self._powers += powers[first:last].tolist()
            first = last
            if len(self._powers) == NOISE_FRAMES:
                level = float(_decibels(np.array(self._powers).mean(keepdims=True))[0])
                self._levels = [*self._levels, level][-self._n_levels :]
                self._powers = []
        return noise


def _decibels(powers: NDArray[np.float64]) -> NDArray[np.float64]:
    decibels: NDArray[np.float64] = 10.0 * np.log10(np.maximum(powers, 1e-12))
    return decibels
