"""Samples in, frames out: the feature extraction as a whole."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import AudioError, EncoderError
from ..frames import FloatArray, Frames
from ..settings.extraction import FeatureSettings
from ..spectral.deltas import delta
from ..spectral.filterbanks import FilterBanks, check_banks
from ..vad.trimming import trim_silence
from .frame_rates import resample_frames
from .streams import STREAMS, ClipAnalysis, ClipView

if TYPE_CHECKING:
    from ..encoder.model import Encoder

# Below this peak a clip is taken for silence, and scaling it would only make noise of it.
SILENT_PEAK = 1e-6
# Powers of anything larger would leave the range of float32.
MAX_SAMPLE = 1e12


def n_features(settings: FeatureSettings) -> int:
    """Return the number of columns of the frames, deltas included."""
    width = sum(STREAMS[stream].width(settings) for stream in settings.short_time)
    n_encoder = settings.encoder.n_columns if settings.has_encoder else 0
    return n_encoder + width * (1 + settings.deltas)


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
    pitch are those of the clip without pre-emphasis. An encoder gets the clip as it is; the
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
    samples = _scale_level(samples.astype(np.float32, copy=False), settings)
    start, stop = 0, len(samples)
    if settings.trim_db is not None:
        start, stop = trim_silence(
            samples, settings.trim_db, settings.frame_length, settings.hop_length
        )
    samples = samples[start:stop]
    encoded = _encoder_frames(samples, settings, [warp for warp, _ in views])
    clip = ClipAnalysis(_pad_to_frame(samples, settings), settings)
    frames = []
    for warp, banks in views:
        values = encoded
        if settings.short_time:
            values = _short_time_frames(ClipView(clip, banks, warp), encoded)
        assert values is not None
        frames.append(Frames(values, settings.frame_rate, start / settings.rate))
    return tuple(frames)


def _short_time_frames(view: ClipView, encoded: FloatArray | None) -> FloatArray:
    """The short-time streams and their deltas, behind an encoder's columns and at their rate."""
    settings = view.settings
    values = np.concatenate(
        [STREAMS[stream].compute(view) for stream in settings.short_time], axis=1
    )
    if settings.deltas:
        slopes = [delta(values, order) for order in range(1, settings.deltas + 1)]
        values = np.concatenate([values, *slopes], axis=1)
    if encoded is None:
        return values
    ratio = settings.frame_step / settings.hop_length
    return np.concatenate([encoded, resample_frames(values, ratio, len(encoded))], axis=1)


def _encoder_frames(
    samples: FloatArray, settings: FeatureSettings, warps: Sequence[float]
) -> FloatArray | None:
    """What an encoder gives of the clip, None where none is asked for."""
    if not settings.has_encoder:
        return None
    if any(warp != 1.0 for warp in warps):
        raise EncoderError(
            "An encoder hears the recording as it is, and has no filter banks to warp; leave "
            "decision.warps at [1.0]."
        )
    encoder, average = _open_encoder(settings), settings.encoder.average
    states = encoder.frames(samples, 1 + len(samples) * average // settings.frame_step)
    if average == 1:
        return states
    return resample_frames(states, average, 1 + len(samples) // settings.frame_step)


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
    if not _peak(samples) <= MAX_SAMPLE:
        raise AudioError(
            "The signal holds samples that are infinite, not a number or far too large for "
            "audio; repair or export the recording again."
        )


def _scale_level(samples: FloatArray, settings: FeatureSettings) -> FloatArray:
    """Return the clip at the level that the settings ask for."""
    peak = _peak(samples)
    if settings.level == "peak" and peak >= SILENT_PEAK:
        return samples / np.float32(peak)
    return samples


def _pad_to_frame(samples: FloatArray, settings: FeatureSettings) -> FloatArray:
    """Return the clip, with silence behind it where it is shorter than one frame."""
    if len(samples) >= settings.frame_length:
        return samples
    return np.pad(samples, (0, settings.frame_length - len(samples)))
