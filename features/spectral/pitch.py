"""Fundamental frequency and voicing by YIN (de Cheveigné and Kawahara, 2002)."""

import numpy as np
from numpy.typing import NDArray

from ..frames import FloatArray
from ..settings.extraction import FeatureSettings
from .energy import mean_square
from .spectrum import centred_frames, frame_blocks

# The first dip of the difference function below this is the period (as in librosa.yin).
DIP_THRESHOLD = 0.1
# A frame counts as voiced up to this aperiodicity; the rest of the contour is interpolated.
MAX_APERIODICITY = 0.25
MEDIAN_WIDTH = 5
# A noise floor this far below the loudest frame keeps near-silence from looking periodic.
FLOOR_DB = 60.0
MIN_FLOOR = 1e-12
REFERENCE_HZ = 100.0


def lag_range(rate: int, pitch_min: float, pitch_max: float) -> tuple[int, int]:
    """Return the least and the greatest lag that is searched for a period, in samples."""
    min_lag = max(1, int(rate / pitch_max))
    return min_lag, max(int(np.ceil(rate / pitch_min)), min_lag + 2)


def next_fast_len(minimum: int) -> int:
    """Return the smallest ``2^a 3^b 5^c`` that is at least `minimum`: FFTs of it are quick."""
    best = 1 << (minimum - 1).bit_length()
    fives = 1
    while fives < best:
        product = fives
        while product < best:
            twos = max(0, (-(-minimum // product) - 1).bit_length())
            best = min(best, product << twos)
            product *= 3
        fives *= 5
    return best


def _mean_square_difference(frames: FloatArray, max_lag: int, floor: float) -> FloatArray:
    """Return ``mean((x[m] - x[m + lag])**2)`` for lags 1 to `max_lag`, ``[n, max_lag]``.

    The mean is over all pairs inside a frame, by way of the autocorrelation.
    """
    length = frames.shape[1]
    size = next_fast_len(length + max_lag)
    spectrum = np.fft.rfft(frames, size, axis=1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    correlation = np.fft.irfft(power, size, axis=1)[:, : max_lag + 1].astype(np.float32)
    ends = np.square(frames[:, :max_lag])
    ends += np.square(frames[:, : length - max_lag - 1 : -1])
    np.cumsum(ends, axis=1, out=ends)
    difference = 2.0 * (correlation[:, :1] - correlation[:, 1:]) - ends
    np.maximum(difference, 0.0, out=difference)
    difference /= np.arange(length - 1, length - max_lag - 1, -1, dtype=np.float32)
    difference += np.float32(floor)
    return difference


def _period(difference: FloatArray, min_lag: int) -> tuple[FloatArray, FloatArray]:
    """Return the period in samples and the aperiodicity there, both ``[n]``."""
    lags = np.arange(1, difference.shape[1] + 1, dtype=np.float32)
    normalised = difference * lags
    normalised /= np.cumsum(difference, axis=1)
    normalised = normalised[:, min_lag - 1 :]
    dips = normalised < DIP_THRESHOLD
    dips[:, 1:] &= normalised[:, 1:] < normalised[:, :-1]
    dips[:, :-1] &= normalised[:, :-1] <= normalised[:, 1:]
    dips[:, -1] = False
    dip = np.where(dips.any(axis=1), dips.argmax(axis=1), normalised.argmin(axis=1))
    frames = np.arange(len(normalised))
    middle = normalised[frames, dip]
    before = normalised[frames, np.maximum(dip - 1, 0)]
    after = normalised[frames, np.minimum(dip + 1, normalised.shape[1] - 1)]
    # The parabola through the dip and its neighbours; at an end or on a slope there is none.
    curvature = before + after - 2.0 * middle
    slope = (after - before) / 2.0
    inside = (dip > 0) & (dip < normalised.shape[1] - 1) & (np.abs(slope) < curvature)
    shift = np.where(inside, -slope / np.where(inside, curvature, 1.0), 0.0)
    return (min_lag + dip + shift).astype(np.float32), middle


def yin(
    samples: FloatArray, rate: int, hop_length: int, pitch_min: float, pitch_max: float
) -> tuple[FloatArray, FloatArray]:
    """Return the fundamental frequency of each frame and its aperiodicity.

    The frames are three of the longest periods long. The difference function is averaged over
    all pairs of samples in a frame, so that long periods are not at a disadvantage; on voiced
    speech the result agrees with ``librosa.yin``.

    Parameters
    ----------
    samples
        float32 ``[n]`` at `rate` Hz.
    pitch_min, pitch_max
        In Hz.

    Returns
    -------
    Frequency in Hz and aperiodicity (0 is perfectly periodic, about 1 is noise or silence),
    float32 ``[n_frames]`` each. The frequency of an aperiodic frame means nothing.
    """
    min_lag, max_lag = lag_range(rate, pitch_min, pitch_max)
    frames = centred_frames(samples, 3 * max_lag, hop_length)
    loudest = float(mean_square(samples, frames.shape[1], hop_length).max())
    floor = max(loudest * 10.0 ** (-FLOOR_DB / 10.0), MIN_FLOOR)
    period = np.empty(len(frames), dtype=np.float32)
    aperiodicity = np.empty_like(period)
    for span, block in frame_blocks(frames):
        difference = _mean_square_difference(block, max_lag, floor)
        period[span], aperiodicity[span] = _period(difference, min_lag)
    return np.float32(rate) / period, aperiodicity


def _median(track: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    padded = np.pad(track, width // 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, width)
    middle: NDArray[np.float64] = np.sort(windows, axis=1)[:, width // 2]
    return middle


def median_width(pitch_step: int) -> int:
    """Return how many of the voiced frames a median is over."""
    return MEDIAN_WIDTH if pitch_step == 1 else 3


def middle_octaves(pitch_min: float, pitch_max: float) -> float:
    """Return the middle of the range in octaves, where nothing is voiced."""
    return float(np.log2(np.sqrt(pitch_min * pitch_max) / REFERENCE_HZ))


def pitch(samples: FloatArray, settings: FeatureSettings) -> FloatArray:
    """Return the pitch contour and the strength of voicing, float32 ``[n_frames, 2]``.

    The first column is in octaves above 100 Hz: the voiced frames after a median over five,
    with straight lines across what is unvoiced. Without a voiced frame it is constant, at the
    middle of the range. The second is one minus the aperiodicity, in [0, 1]. With a
    ``pitch_step`` above 1 the median is over three of the frames that are searched, and both
    columns have straight lines between them.
    """
    step = settings.pitch_step
    hop_length = step * settings.hop_length
    frequency, aperiodicity = yin(
        samples, settings.rate, hop_length, settings.pitch_min, settings.pitch_max
    )
    octaves = np.log2(frequency.astype(np.float64) / REFERENCE_HZ)
    voiced = np.flatnonzero(aperiodicity < MAX_APERIODICITY)
    n_frames = 1 + len(samples) // settings.hop_length
    at = np.arange(n_frames) / step
    if len(voiced):
        contour = np.interp(at, voiced, _median(octaves[voiced], median_width(step)))
    else:
        contour = np.full(n_frames, middle_octaves(settings.pitch_min, settings.pitch_max))
    strength = np.clip(1.0 - aperiodicity, 0.0, 1.0)
    if step > 1:
        strength = np.interp(at, np.arange(len(strength)), strength)
    return np.stack([contour, strength], axis=1).astype(np.float32)
