"""Samples in, frames out: the feature extraction as a whole."""

import numpy as np

from features import cepstra, tonal
from features.deltas import delta
from features.energy import log_energy
from features.errors import AudioError
from features.filterbanks import FilterBanks, check_banks, n_contrast_bands
from features.frames import FloatArray, Frames
from features.pitch import pitch
from features.settings import FeatureSettings, Stream
from features.silence import trim_silence
from features.spectrum import power_spectrum, preemphasise, warp_frequencies

# Below this peak a clip is taken for silence, and scaling it would only make noise of it.
LEAST_PEAK = 1e-6
# Powers of anything larger would leave the range of float32.
LARGEST_SAMPLE = 1e12

_STREAMS_OF_POWER = frozenset({"mfcc", "lfcc", "mel", "chroma", "contrast"})


def _stream_width(stream: Stream, settings: FeatureSettings) -> int:
    return {
        "mfcc": settings.n_mfcc,
        "lfcc": settings.n_lfcc,
        "mel": settings.n_mels,
        "chroma": settings.n_chroma,
        "contrast": n_contrast_bands(settings.rate),
        "energy": 1,
        "pitch": 2,
    }[stream]


def n_features(settings: FeatureSettings) -> int:
    """Return the number of columns of the frames, deltas included."""
    width = sum(_stream_width(stream, settings) for stream in settings.streams)
    return width * (1 + settings.deltas)


def feature_names(settings: FeatureSettings) -> tuple[str, ...]:
    """Return a name a column: ``mfcc_0``, ``pitch``, ``delta_mfcc_0``, ``delta2_mfcc_0``..."""
    names: list[str] = []
    for stream in settings.streams:
        if stream == "energy":
            names.append("energy")
        elif stream == "pitch":
            names.extend(["pitch", "voicing"])
        else:
            names.extend(f"{stream}_{k}" for k in range(_stream_width(stream, settings)))
    prefixes = ("", "delta_", "delta2_")[: 1 + settings.deltas]
    return tuple(prefix + name for prefix in prefixes for name in names)


def extract(
    samples: FloatArray, settings: FeatureSettings, banks: FilterBanks, warp: float = 1.0
) -> Frames:
    """Return the frames of one recording, not yet normalised.

    The clip is scaled (`level`) and silence at both ends trimmed (`trim_db`). Then mfcc, lfcc,
    mel, chroma and contrast come from one power spectrum of the pre-emphasised clip; energy and
    pitch are those of the clip without pre-emphasis.

    Parameters
    ----------
    samples
        float32 ``[n]`` at ``settings.rate``, at least one sample.
    banks
        From `build_filter_banks` or stored, for these settings.
    warp
        Vocal-tract-length perturbation, see `warp_frequencies`.

    Returns
    -------
    Frames of ``[1 + n // hop_length, n_features(settings)]`` after trimming, always finite.
    Frame ``t`` is centred at ``start + t / rate`` seconds.

    Raises
    ------
    AudioError
        Where there are no samples, more than one dimension, values that are not finite or far
        beyond audio, or filter banks of other settings.
    """
    check_banks(settings, banks)
    _check_samples(samples)
    # Scaled before it is trimmed: trimming has a least level of its own.
    clip = _scaled(samples.astype(np.float32, copy=False), settings)
    start, stop = 0, len(clip)
    if settings.trim_db is not None:
        start, stop = trim_silence(
            clip, settings.trim_db, settings.frame_length, settings.hop_length
        )
    values = _streams(_one_frame(clip[start:stop], settings), settings, banks, warp)
    tracks = [values, *(delta(values, order) for order in range(1, settings.deltas + 1))]
    return Frames(
        values=np.concatenate(tracks, axis=1) if len(tracks) > 1 else values,
        rate=settings.rate / settings.hop_length,
        start=start / settings.rate,
    )


def _peak(samples: FloatArray) -> float:
    # Without the copy that np.abs would make of a long recording.
    return float(np.maximum(samples.max(), -samples.min()))


def _check_samples(samples: FloatArray) -> None:
    if samples.ndim != 1 or len(samples) == 0:
        raise AudioError(
            f"Features need a mono signal of at least one sample, but the array has the shape "
            f"{samples.shape}; mix its channels to one first."
        )
    # Not a number fails every comparison.
    if not _peak(samples) <= LARGEST_SAMPLE:
        raise AudioError(
            "The signal holds samples that are infinite, not a number or far too large for "
            "audio; repair or export the recording again."
        )


def _scaled(clip: FloatArray, settings: FeatureSettings) -> FloatArray:
    """Return the clip at the level that the settings ask for."""
    peak = _peak(clip)
    if settings.level == "peak" and peak >= LEAST_PEAK:
        return clip / np.float32(peak)
    return clip


def _one_frame(clip: FloatArray, settings: FeatureSettings) -> FloatArray:
    """Return the clip, with silence behind it where it is shorter than one frame."""
    if len(clip) >= settings.frame_length:
        return clip
    return np.pad(clip, (0, settings.frame_length - len(clip)))


def _streams(
    clip: FloatArray, settings: FeatureSettings, banks: FilterBanks, warp: float
) -> FloatArray:
    power = np.empty((0, 0), dtype=np.float32)
    if _STREAMS_OF_POWER & set(settings.streams):
        power = power_spectrum(preemphasise(clip, settings.preemphasis), settings)
        power = warp_frequencies(power, warp)
    mel_levels = power
    if {"mfcc", "mel"} & set(settings.streams):
        mel_levels = cepstra.log_mel(power, banks.mel)
    parts: list[FloatArray] = []
    for stream in settings.streams:
        if stream == "mfcc":
            parts.append(cepstra.mfcc(mel_levels, banks.mel_dct))
        elif stream == "mel":
            parts.append(mel_levels)
        elif stream == "lfcc":
            parts.append(_lfcc(power, settings, banks))
        elif stream == "chroma":
            parts.append(tonal.chroma(power, banks.chroma))
        elif stream == "contrast":
            parts.append(tonal.spectral_contrast(power, banks.contrast))
        elif stream == "energy":
            parts.append(log_energy(clip, settings.frame_length, settings.hop_length))
        else:
            parts.append(pitch(clip, settings))
    return np.concatenate(parts, axis=1)


def _lfcc(power: FloatArray, settings: FeatureSettings, banks: FilterBanks) -> FloatArray:
    return cepstra.lfcc(
        power, banks.linear, banks.linear_dct, settings.n_fft, cepstra.DYNAMIC_RANGE_DB
    )
