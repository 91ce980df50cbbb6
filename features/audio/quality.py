"""What is worth saying about a recording before anyone trusts a label of it."""

import numpy as np

from ..frames import FloatArray

MIN_DURATION = 0.25
NOISY_SNR_DB = 10.0
# Samples this near to a peak at full scale, three or more in a row, are a wave cut off flat.
_FULL_SCALE = 0.99
_FLAT = 0.9999
_MAX_CLIPPED_FRACTION = 2e-4
_SNR_FRAME = 0.02
_SNR_MIN_FRAMES = 25


def count_clipped(block: FloatArray) -> int:
    """Return how many samples of a block ``[n, n_channels]`` lie in flat runs at full scale."""
    magnitude = np.abs(block)
    peak = float(magnitude.max(initial=0.0))
    if peak < _FULL_SCALE:
        return 0
    flat = magnitude >= _FLAT * peak
    runs = flat[2:] & flat[1:-1] & flat[:-2]
    inside = np.zeros_like(flat)
    inside[2:] |= runs
    inside[1:-1] |= runs
    inside[:-2] |= runs
    return int(inside.any(axis=1).sum())


class LevelMeter:
    """Mean squares of successive 20 ms of a signal that comes in blocks."""

    def __init__(self, rate: int) -> None:
        self._length = max(1, int(_SNR_FRAME * rate))
        self._rest = np.zeros(0, dtype=np.float32)
        self._levels: list[FloatArray] = []
        self.n_samples = 0

    def add(self, block: FloatArray) -> None:
        """Take a block of samples ``[n]``."""
        self.n_samples += len(block)
        samples = np.concatenate([self._rest, block])
        stop = len(samples) // self._length * self._length
        self._levels.append(_mean_squares(samples[:stop].reshape(-1, self._length)))
        self._rest = samples[stop:].copy()

    def levels(self) -> FloatArray:
        """Return the levels so far, float32 ``[n]``: of whole 20 ms, or of less where it is all."""
        if self.n_samples == len(self._rest) > 0:
            return _mean_squares(self._rest[None])
        return np.concatenate([np.zeros(0, dtype=np.float32), *self._levels])


def _mean_squares(frames: FloatArray) -> FloatArray:
    # One value a frame, without a second copy of the samples.
    levels: FloatArray = np.einsum("ij,ij->i", frames, frames) / np.float32(frames.shape[1])
    return levels


def estimate_snr(levels: FloatArray) -> float | None:
    """Return a rough signal-to-noise ratio in dB, None where the clip is too short for one.

    Loud frames (95th percentile) against quiet ones (5th), the latter taken for noise alone:
    too low for speech without any pause.
    """
    positive = levels[levels > 0.0]
    if len(positive) < _SNR_MIN_FRAMES:
        return None
    noise, signal = np.percentile(positive, [5, 95])
    return float(10.0 * np.log10(max(signal - noise, 1e-3 * noise) / noise))


def quality_warnings(meter: LevelMeter, duration: float, n_clipped: float) -> list[str]:
    """Return what makes an answer about a mono signal worse: too short, clipped, noisy.

    That nobody speaks is not told by a level; see `bilstm_hmm.features.vad`.

    Parameters
    ----------
    meter
        To which all of the signal was added.
    duration
        Of the original, in seconds.
    n_clipped
        From `count_clipped`, in samples at the meter's rate.
    """
    warnings: list[str] = []
    if duration < MIN_DURATION:
        warnings.append(
            f"too short: {duration:.3f} s, at least {MIN_DURATION} s is needed for a guess"
        )
    if n_clipped > _MAX_CLIPPED_FRACTION * max(meter.n_samples, 1):
        warnings.append("clipped: the loudest parts are cut off")
    snr = estimate_snr(meter.levels())
    if snr is not None and snr < NOISY_SNR_DB:
        warnings.append(f"noisy: signal-to-noise ratio of about {snr:.0f} dB")
    return warnings
