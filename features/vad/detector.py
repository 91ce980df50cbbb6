"""Where somebody speaks, while the sound comes.

Sound as loud as speech is found by its level, to 10 ms (`features.vad.energy`); whether it is
speech is for the network to say (`features.vad.network`). Both must agree.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..frames import FloatArray
from .energy import EnergyVad
from .network import SpeechProbabilities, VadNetwork

#: Probabilities of speech from which a frame may hold it, and from which it surely does.
THRESHOLD, CERTAIN = 0.4, 0.8
#: Probabilities on either side of a frame that may speak for it: their edges are soft, and the
#: level has them better.
REACH = 2


@dataclass(frozen=True, slots=True)
class SpeechFrames:
    """What is known of frames of `FRAME_SECONDS`, ``[n]`` each.

    Attributes
    ----------
    is_speech
        Whether a frame may hold speech.
    is_certain
        Whether it surely does.
    levels
        In dB.
    """

    is_speech: NDArray[np.bool_]
    is_certain: NDArray[np.bool_]
    levels: NDArray[np.float64]

    def after(self, count: int) -> "SpeechFrames":
        """Return the frames without the first `count`."""
        return SpeechFrames(self.is_speech[count:], self.is_certain[count:], self.levels[count:])


class SpeechDetector:
    """Tells frames with speech from those without, about a second behind the sound.

    The result does not depend on how the sound is cut into blocks.

    Parameters
    ----------
    rate
        In Hz.
    max_below_peak_db
        Decibels below the peak around it that a frame may lie and still be speech.
    by_level
        Whether the level alone decides: music and slamming doors are then speech.
    network
        The one that ships where None.

    Attributes
    ----------
    hop
        Samples of a frame.
    """

    def __init__(
        self,
        rate: int,
        max_below_peak_db: float,
        by_level: bool = False,
        network: VadNetwork | None = None,
    ) -> None:
        self._energy = EnergyVad(rate, max_below_peak_db, above_noise=by_level)
        self._network = None if by_level else SpeechProbabilities(rate, network)
        self.hop = self._energy.hop
        # What is judged by one and not yet by the other, and the frames that both have judged.
        self._is_loud = np.zeros(0, np.bool_)
        self._levels = np.zeros(0)
        self._probabilities = np.zeros(REACH, np.float32)
        self._n_samples = self._n_processed = self._n_dropped = 0

    def push(self, samples: FloatArray) -> SpeechFrames:
        """Take the next samples ``[n]``; return the frames that can be judged now."""
        self._n_samples += len(samples)
        self._add_levels(*self._energy.push(samples))
        if self._network is not None:
            self._probabilities = np.append(self._probabilities, self._network.push(samples))
        return self._judge()

    def flush(self) -> SpeechFrames:
        """Judge the rest: nothing comes any more, and no half frame counts."""
        self._add_levels(*self._energy.flush())
        if self._network is not None:
            known = self._n_dropped + len(self._probabilities) - REACH
            missing = -(-self._n_samples // self._network.hop) - known
            end = np.append(self._network.flush(max(0, missing)), np.zeros(REACH, np.float32))
            self._probabilities = np.append(self._probabilities, end)
        return self._judge()

    def _add_levels(self, is_loud: NDArray[np.bool_], levels: NDArray[np.float64]) -> None:
        self._is_loud = np.append(self._is_loud, is_loud)
        self._levels = np.append(self._levels, levels)

    def _judge(self) -> SpeechFrames:
        count = len(self._is_loud)
        may, surely = self._is_loud, self._is_loud
        if self._network is not None:
            # Of the frame's middle.
            middles = (self._n_processed + np.arange(count)) * self.hop + self.hop // 2
            places = middles // self._network.hop - self._n_dropped
            count = int(np.searchsorted(places, len(self._probabilities) - 2 * REACH))
            places = places[:count]
            near = np.maximum.reduce(
                [
                    self._probabilities[first : len(self._probabilities) - 2 * REACH + first]
                    for first in range(2 * REACH + 1)
                ]
            )
            may = self._is_loud[:count] & (near[places] >= THRESHOLD)
            surely = self._is_loud[:count] & (self._probabilities[places + REACH] >= CERTAIN)
            if count:
                drop = int(places[-1])
                self._probabilities = self._probabilities[drop:]
                self._n_dropped += drop
        frames = SpeechFrames(may[:count], surely[:count], self._levels[:count])
        self._is_loud, self._levels = self._is_loud[count:], self._levels[count:]
        self._n_processed += count
        return frames
