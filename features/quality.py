"""What is worth saying about a recording before anyone trusts a label of it."""

import numpy as np

from features.frames import FloatArray

TOO_SHORT = 0.25
SILENT_RMS = 10.0 ** (-60.0 / 20.0)
NOISY_SNR_DB = 10.0
# Samples this near to a peak at full scale, three or more in a row, are a wave cut off flat.
_FULL_SCALE = 0.99
_FLAT = 0.9999
_CLIPPED_SHARE = 2e-4
_SNR_FRAME = 0.02
_SNR_LEAST_FRAMES = 25


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


def frame_levels(samples: FloatArray, rate: int) -> FloatArray:
    """Return the mean square of successive 20 ms, float32 ``[n]``; the rest at the end is left."""
    length = min(len(samples), max(1, int(_SNR_FRAME * rate)))
    count = len(samples) // length
    frames = samples[: count * length].reshape(count, length)
    # One value a frame, without a second copy of a long recording.
    levels: FloatArray = np.einsum("ij,ij->i", frames, frames) / np.float32(length)
    return levels


def estimated_snr(levels: FloatArray) -> float | None:
    """Return a rough signal-to-noise ratio in dB, None where the clip is too short for one.

    Loud frames (95th percentile) against quiet ones (5th), the latter taken for noise alone:
    too low for speech without any pause.
    """
    sounding = levels[levels > 0.0]
    if len(sounding) < _SNR_LEAST_FRAMES:
        return None
    noise, signal = np.percentile(sounding, [5, 95])
    return float(10.0 * np.log10(max(signal - noise, 1e-3 * noise) / noise))


def quality_notes(samples: FloatArray, rate: int, duration: float, n_clipped: float) -> list[str]:
    """Return the notes on a mono signal: too short, silent, clipped, noisy.

    Parameters
    ----------
    samples
        float32 ``[n]`` at `rate`.
    duration
        Of the original, in seconds.
    n_clipped
        From `count_clipped`, in samples at `rate`.
    """
    notes: list[str] = []
    if duration < TOO_SHORT:
        notes.append(f"too short: {duration:.3f} s, at least {TOO_SHORT} s is needed for a guess")
    levels = frame_levels(samples, rate)
    if float(levels.max(initial=0.0)) < SILENT_RMS**2:
        notes.append("silent")
        return notes
    if n_clipped > _CLIPPED_SHARE * max(len(samples), 1):
        notes.append("clipped: the loudest parts are cut off")
    snr = estimated_snr(levels)
    if snr is not None and snr < NOISY_SNR_DB:
        notes.append(f"noisy: signal-to-noise ratio of about {snr:.0f} dB")
    return notes
