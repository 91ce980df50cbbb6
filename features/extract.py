"""Samples in, frames out: the feature extraction as a whole."""

from collections.abc import Mapping, Sequence

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
    """Return what `extract_views` does for a single warp, which need not come again."""
    check_banks(settings, banks)
    return _extract(samples, settings, ((warp, banks.warped(warp)),))[0]


def extract_views(
    samples: FloatArray, settings: FeatureSettings, banks: FilterBanks, warps: Sequence[float]
) -> tuple[Frames, ...]:
    """Return the frames of one recording as each of several vocal tracts would give them.

    The clip is scaled (`level`) and silence at both ends trimmed (`trim_db`). Then mfcc, lfcc,
    mel, chroma and contrast come from one power spectrum of the pre-emphasised clip; energy and
    pitch are those of the clip without pre-emphasis.

    Parameters
    ----------
    samples
        float32 ``[n]`` at ``settings.rate``, at least one sample.
    banks
        From `build_filter_banks` or stored, for these settings.
    warps
        Vocal-tract-length perturbations, see `warp_frequencies`; 1 changes nothing.

    Returns
    -------
    For each warp, frames of ``[1 + n // hop_length, n_features(settings)]`` after trimming,
    always finite. Frame ``t`` is centred at ``start + t / rate`` seconds.

    Raises
    ------
    AudioError
        Where there are no samples, more than one dimension, values that are not finite or far
        beyond audio, or filter banks of other settings.
    """
    check_banks(settings, banks)
    return _extract(samples, settings, tuple((warp, banks.view(warp)) for warp in warps))


def _extract(
    samples: FloatArray, settings: FeatureSettings, views: Sequence[tuple[float, FilterBanks]]
) -> tuple[Frames, ...]:
    """Frames of one recording for each pair of a warp and the banks that are warped by it."""
    _check_samples(samples)
    # Scaled before it is trimmed: trimming has a least level of its own.
    clip = _scaled(samples.astype(np.float32, copy=False), settings)
    start, stop = 0, len(clip)
    if settings.trim_db is not None:
        start, stop = trim_silence(
            clip, settings.trim_db, settings.frame_length, settings.hop_length
        )
    clip = _one_frame(clip[start:stop], settings)
    power = np.empty((0, 0), dtype=np.float32)
    if _STREAMS_OF_POWER & set(settings.streams):
        power = power_spectrum(preemphasise(clip, settings.preemphasis), settings)
    of_clip = _streams_of_clip(clip, settings)
    found = []
    for warp, banks in views:
        values = _streams(power, warp, of_clip, settings, banks)
        tracks = [values, *(delta(values, order) for order in range(1, settings.deltas + 1))]
        found.append(
            Frames(
                values=np.concatenate(tracks, axis=1) if len(tracks) > 1 else values,
                rate=settings.rate / settings.hop_length,
                start=start / settings.rate,
            )
        )
    return tuple(found)


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


def _streams_of_clip(clip: FloatArray, settings: FeatureSettings) -> dict[Stream, FloatArray]:
    """The streams that no vocal tract changes, ``[T, width]`` each."""
    found: dict[Stream, FloatArray] = {}
    if "energy" in settings.streams:
        found["energy"] = log_energy(clip, settings.frame_length, settings.hop_length)
    if "pitch" in settings.streams:
        found["pitch"] = pitch(clip, settings)
    return found


def _streams(
    power: FloatArray,
    warp: float,
    of_clip: Mapping[Stream, FloatArray],
    settings: FeatureSettings,
    banks: FilterBanks,
) -> FloatArray:
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
            parts.append(tonal.spectral_contrast(warp_frequencies(power, warp), banks.contrast))
        else:
            parts.append(of_clip[stream])
    return np.concatenate(parts, axis=1)


def _lfcc(power: FloatArray, settings: FeatureSettings, banks: FilterBanks) -> FloatArray:
    return cepstra.lfcc(
        power, banks.linear, banks.linear_dct, settings.n_fft, cepstra.DYNAMIC_RANGE_DB
    )
