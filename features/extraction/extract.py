"""Samples in, frames out: the feature extraction as a whole."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import AudioError, EncoderError
from ..frames import FloatArray, Frames
from ..settings.extraction import FeatureSettings, Stream
from ..spectral import cepstra, tonal
from ..spectral.deltas import delta
from ..spectral.energy import log_energy
from ..spectral.filterbanks import FilterBanks, check_banks, n_contrast_bands
from ..spectral.pitch import pitch
from ..spectral.spectrum import power_spectrum, preemphasise, warp_frequencies
from ..vad.trimming import trim_silence
from .frame_rates import resample_frames

if TYPE_CHECKING:
    from ..encoder.model import Encoder

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
    width = sum(_stream_width(stream, settings) for stream in settings.short_time)
    of_encoder = settings.encoder.n_columns if settings.has_encoder else 0
    return of_encoder + width * (1 + settings.deltas)


def feature_names(settings: FeatureSettings) -> tuple[str, ...]:
    """Return a name a column: ``mfcc_0``, ``pitch``, ``delta_mfcc_0``, ``delta2_mfcc_0``...

    The columns of an encoder come first: ``encoder_0``...
    """
    names: list[str] = []
    for stream in settings.short_time:
        if stream == "energy":
            names.append("energy")
        elif stream == "pitch":
            names.extend(["pitch", "voicing"])
        else:
            names.extend(f"{stream}_{k}" for k in range(_stream_width(stream, settings)))
    prefixes = ("", "delta_", "delta2_")[: 1 + settings.deltas]
    of_encoder = settings.encoder.n_columns if settings.has_encoder else 0
    return (
        *(f"encoder_{k}" for k in range(of_encoder)),
        *(prefix + name for prefix in prefixes for name in names),
    )


def load_encoder(settings: FeatureSettings) -> None:
    """Open what the extraction needs besides filter banks: the encoder, where there is one.

    Raises
    ------
    EncoderError
        Where it is missing, of another version or not what the settings say of it.
    """
    if settings.has_encoder:
        _open_encoder(settings)


def _open_encoder(settings: FeatureSettings) -> "Encoder":
    # With whatever runs it: nobody else should have to load that.
    from ..encoder.model import open_encoder

    return open_encoder(settings.encoder, settings.rate)


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
    pitch are those of the clip without pre-emphasis. An encoder hears the clip as it is; the
    other streams are then averaged to its frame rate.

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
    For each warp, frames of ``[1 + n // frame_step, n_features(settings)]`` after trimming,
    always finite. Frame ``t`` is centred at ``start + t / rate`` seconds.

    Raises
    ------
    AudioError
        Where there are no samples, more than one dimension, values that are not finite or far
        beyond audio, or filter banks of other settings.
    EncoderError
        Where an encoder is asked for that cannot be had, or a warp of what it gives.
    """
    check_banks(settings, banks)
    return _extract(samples, settings, tuple((warp, banks.view(warp)) for warp in warps))


def _extract(
    samples: FloatArray, settings: FeatureSettings, views: Sequence[tuple[float, FilterBanks]]
) -> tuple[Frames, ...]:
    """Frames of one recording for each pair of a warp and the banks that are warped by it."""
    _check_samples(samples)
    # Scaled before it is trimmed: trimming has a least level of its own.
    clip = _scale_level(samples.astype(np.float32, copy=False), settings)
    start, stop = 0, len(clip)
    if settings.trim_db is not None:
        start, stop = trim_silence(
            clip, settings.trim_db, settings.frame_length, settings.hop_length
        )
    clip = clip[start:stop]
    encoded = _encoder_frames(clip, settings, [warp for warp, _ in views])
    clip = _pad_to_frame(clip, settings)
    power = np.empty((0, 0), dtype=np.float32)
    if _STREAMS_OF_POWER & set(settings.streams):
        power = power_spectrum(preemphasise(clip, settings.preemphasis), settings)
    of_clip = _streams_of_clip(clip, settings)
    found = []
    for warp, banks in views:
        values = _short_time(power, warp, of_clip, settings, banks)
        if encoded is not None:
            values = _join_streams(encoded, values, settings) if settings.short_time else encoded
        found.append(Frames(values, settings.frame_rate, start / settings.rate))
    return tuple(found)


def _join_streams(encoded: FloatArray, values: FloatArray, settings: FeatureSettings) -> FloatArray:
    """The columns of an encoder, then short-time ones at its rate."""
    ratio = settings.frame_step / settings.hop_length
    return np.concatenate([encoded, resample_frames(values, ratio, len(encoded))], axis=1)


def _encoder_frames(
    clip: FloatArray, settings: FeatureSettings, warps: Sequence[float]
) -> FloatArray | None:
    """What an encoder gives of the clip, None where none is asked for."""
    if not settings.has_encoder:
        return None
    if any(warp != 1.0 for warp in warps):
        raise EncoderError(
            "An encoder hears the recording as it is, and has no filter banks to warp; leave "
            "decision.warps at [1.0]."
        )
    encoder = _open_encoder(settings)
    return encoder.frames(clip, 1 + len(clip) // settings.frame_step)


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


def _scale_level(clip: FloatArray, settings: FeatureSettings) -> FloatArray:
    """Return the clip at the level that the settings ask for."""
    peak = _peak(clip)
    if settings.level == "peak" and peak >= LEAST_PEAK:
        return clip / np.float32(peak)
    return clip


def _pad_to_frame(clip: FloatArray, settings: FeatureSettings) -> FloatArray:
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


def _short_time(
    power: FloatArray,
    warp: float,
    of_clip: Mapping[Stream, FloatArray],
    settings: FeatureSettings,
    banks: FilterBanks,
) -> FloatArray:
    """All streams but an encoder's, and their deltas behind them."""
    if not settings.short_time:
        return power
    values = _streams(power, warp, of_clip, settings, banks)
    tracks = [values, *(delta(values, order) for order in range(1, settings.deltas + 1))]
    return np.concatenate(tracks, axis=1) if len(tracks) > 1 else values


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
    for stream in settings.short_time:
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
