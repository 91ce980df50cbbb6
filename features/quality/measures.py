"""How good a recording is, from its short-time levels: noise, band, reverberation, clipping.

None of it knows the clean signal, so all of it is rough.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .meter import BAND_EDGES, FRAME_SECONDS, QualityMeter

#: Frames without which nothing is said.
MIN_FRAMES = 25
#: Bands of speech that every line lets through; those that the telephone does not.
N_SPEECH, FIRST_HIGH = 5, 6
# The level range of a band, between these percentiles, and its way to decibels of noise: fitted
# by eye to speech of three corpora in pink and in white noise of 20, 10 and 0 dB.
QUIET, LOUD = 10, 95
SNR_SLOPE, SNR_OFFSET = 1.3, -10.5
SPOKEN_RANGE_DB = 40.0
#: Frames within so many decibels of the loud ones have speech in them.
SPEECH_RANGE_DB = 20.0
# Decays: over so many frames, from a level well above the noise.
DECAY_FRAMES, ABOVE_NOISE_DB, STEEPEST, MIN_DECAYS = 4, 20.0, 10, 4
FLOOR = 1e-9

Decibels = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AudioQuality:
    """What was measured of a recording; None where it is too short to tell, or has no such band.

    Attributes
    ----------
    snr
        Signal-to-noise ratio in dB.
    band_edge
        By how many dB the highest band of the telephone (2.5 to 3.4 kHz) is above what lies beyond
        4.4 kHz, and the loudest below it above that: the lesser of the two counts as the step.
    high_level
        Of what lies beyond 4.4 kHz, in dB below speech in the band of the telephone.
    decay
        Of the steepest decays of speech, in dB a second. A room of reverberation time T lets none
        be steeper than about 80 / T.
    crest
        Peak over root mean square within loud frames, in dB.
    clipped
        Share of the samples in flat runs at the peak.
    """

    snr: float | None
    band_edge: float | None
    high_level: float | None
    decay: float | None
    crest: float | None
    clipped: float


def measure_quality(meter: QualityMeter, n_clipped: float) -> AudioQuality:
    """Return what the levels tell of a recording.

    Parameters
    ----------
    meter
        To which all of the signal was added.
    n_clipped
        From `count_clipped`, in samples at the meter's rate.
    """
    clipped = n_clipped / max(1, meter.n_samples)
    frames = meter.frames()
    # Silence that was never recorded is no noise.
    frames = frames[frames[:, -2] > 0.0].astype(np.float64)
    if len(frames) < MIN_FRAMES or meter.n_bands < 2:
        return AudioQuality(None, None, None, None, None, clipped)
    powers, squares, peaks = frames[:, :-2], frames[:, -2], frames[:, -1]
    levels = 10.0 * np.log10(np.maximum(powers, FLOOR * max(float(powers.max()), 1e-30)))
    in_order = np.sort(levels, axis=0)
    quiet, loud = (in_order[rank(len(levels), percent)] for percent in (QUIET, LOUD))
    # What is in a band without speech matters only next to speech in others.
    ranges, loudest = (loud - quiet)[: FIRST_HIGH + 1], loud[: FIRST_HIGH + 1]
    ranges = ranges[loudest >= loudest.max() - SPOKEN_RANGE_DB]
    is_loud = squares >= np.sort(squares)[rank(len(squares), LOUD)] * 10.0 ** (
        -SPEECH_RANGE_DB / 10.0
    )
    edge, high = _band(powers[is_loud]) if powers.shape[1] == len(BAND_EDGES) - 1 else (None, None)
    crests = 20.0 * np.log10(peaks[is_loud] / np.sqrt(squares[is_loud]))
    return AudioQuality(
        snr=float(SNR_SLOPE * ranges.mean() + SNR_OFFSET),
        band_edge=edge,
        high_level=high,
        decay=_steepest_decay(levels[:, :FIRST_HIGH], quiet, loud),
        crest=float(np.median(crests)),
        clipped=clipped,
    )


def rank(count: int, percent: int) -> int:
    """The place of a percentile among so many values in order; `numpy.percentile` costs more."""
    return round((count - 1) * percent / 100)


def _band(powers: Decibels) -> tuple[float, float]:
    """The step at the end of the telephone's band, and the level beyond it, of loud frames."""
    mean = powers.mean(axis=0)
    levels = 10.0 * np.log10(np.maximum(mean, FLOOR * max(float(mean.max()), 1e-30)))
    beyond = levels[FIRST_HIGH:].mean()
    last, below = levels[N_SPEECH - 1], levels[: N_SPEECH - 1].max()
    step = min(last - beyond, below - beyond if below >= last else 0.0)
    return float(step), float(beyond - levels[:N_SPEECH].mean())


def _steepest_decay(levels: Decibels, quiet: Decibels, loud: Decibels) -> float | None:
    """How fast speech dies away where it does so fastest, the median over bands ``[n, bands]``.

    Of the distribution of decay rates only the steep end is looked at, cf. Wen, Habets & Naylor
    (2008); what has come near the noise cannot fall any further and does not count.
    """
    falls = (levels[:-DECAY_FRAMES] - levels[DECAY_FRAMES:]) / (DECAY_FRAMES * FRAME_SECONDS)
    found = []
    for band, fall in enumerate(falls.T):
        least = max(quiet[band] + ABOVE_NOISE_DB, loud[band] - SPEECH_RANGE_DB)
        decays = fall[(levels[:-DECAY_FRAMES, band] > least) & (fall > 0.0)]
        if len(decays) >= MIN_DECAYS:
            found.append(np.sort(decays)[rank(len(decays), 100 - STEEPEST)])
    return float(np.median(found)) if found else None
