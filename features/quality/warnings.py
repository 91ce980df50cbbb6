"""What is worth saying about a recording before anyone trusts a label of it."""

from .measures import AudioQuality

MIN_DURATION = 0.25
#: Chosen on 100 clips each of RAVDESS and CREMA-D, of which at most one in a hundred may get the
#: warning; checked on TESS, Emo-DB and nEMO (`docs/explanation/trust.md`).
NOISY_SNR_DB = 11.0
BAND_STEP_DB, BAND_LEVEL_DB = 25.0, -48.0
REVERBERANT_DECAY, REVERBERANT_SNR_DB = 190.0, 15.5
CLIPPED_SHARE, CLIPPED_CREST_DB = 2e-4, 2.7
#: Said of speech alone: music dies away as it likes.
REVERBERANT = "reverberant: speech dies away slowly, as in a large or bare room"


def is_noisy(quality: AudioQuality) -> bool:
    """Whether noise is about as loud as to be in the way of recognition."""
    return quality.snr is not None and quality.snr < NOISY_SNR_DB


def is_band_limited(quality: AudioQuality) -> bool:
    """Whether it came through a telephone, or was recorded at 8 kHz."""
    edge, level = quality.band_edge, quality.high_level
    if edge is None or level is None:
        return False
    return edge > BAND_STEP_DB and level < BAND_LEVEL_DB


def is_reverberant(quality: AudioQuality) -> bool:
    """Whether speech dies away as slowly as in a large room; of noise that cannot be told."""
    if quality.decay is None or quality.snr is None:
        return False
    return quality.decay < REVERBERANT_DECAY and quality.snr > REVERBERANT_SNR_DB


def is_clipped(quality: AudioQuality) -> bool:
    """Whether the wave is cut off flat, or was and went through a codec since."""
    by_crest = quality.crest is not None and quality.crest < CLIPPED_CREST_DB
    return quality.clipped > CLIPPED_SHARE or by_crest


def quality_warnings(quality: AudioQuality, duration: float) -> list[str]:
    """Return what makes an answer about a mono signal worse, a phrase each.

    That nobody speaks is not told by a level; see `bilstm_hmm.features.vad`.

    Parameters
    ----------
    duration
        Of the original, in seconds.
    """
    warnings: list[str] = []
    if duration < MIN_DURATION:
        warnings.append(
            f"too short: {duration:.3f} s, at least {MIN_DURATION} s is needed for a guess"
        )
    if is_clipped(quality):
        warnings.append("clipped: the loudest parts are cut off")
    if is_noisy(quality):
        warnings.append(f"noisy: signal-to-noise ratio of about {quality.snr:.0f} dB")
    if is_band_limited(quality):
        warnings.append("band-limited: next to nothing above 4 kHz, as through a telephone")
    if is_reverberant(quality):
        warnings.append(REVERBERANT)
    return warnings
