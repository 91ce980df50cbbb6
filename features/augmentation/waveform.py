"""Random changes of a training clip's samples."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from ..degradation.codecs import compress, telephone
from ..degradation.levels import add_hum, add_offset, change_level, clip_peaks
from ..degradation.noise import add_background, add_noise, babble, excerpt
from ..degradation.recordings import NoiseRecordings
from ..degradation.rooms import reverberate, room_response
from ..frames import FloatArray
from ..settings.augmentation import AugmentationSettings, Noise
from ..spectral.spectrum import preemphasise

# A phase vocoder needs a few frames; shorter clips are left as they are.
MIN_VOCODED = 64
#: Rooms that clips are put into; each takes 10 to 50 ms to compute, and is then kept.
N_ROOMS = 200


@dataclass(frozen=True, slots=True)
class Background:
    """What may be behind a clip.

    Attributes
    ----------
    recordings
        Of noise, one of which is drawn.
    talkers
        Clips of those who all talk behind this one; none where chance decided on none.
    """

    recordings: NoiseRecordings = field(default_factory=NoiseRecordings)
    talkers: Sequence[FloatArray] = ()


def augment_waveform(
    samples: FloatArray,
    rate: int,
    settings: AugmentationSettings,
    rng: np.random.Generator,
    background: Background = Background(),
) -> FloatArray:
    """Return the clip with the changes that chance decided on, in the order of their causes.

    First the voice: speed, pitch, stretch. Then its surroundings: room, babble, recorded noise.
    Then the microphone: tilt, gain, generated noise, hum, offset, clipping. Then the line:
    telephone, compression. The shift in time comes last.

    Which surroundings, hum, offset, clipping and line there are does not depend on the length of
    the clip: for clips of any length the same `rng` decides on the same.

    Parameters
    ----------
    samples
        float32 ``[n]`` at `rate` Hz; never modified, and itself returned where nothing changes.

    Returns
    -------
    float32 ``[n']``, at least one sample; of another length after a change of speed.
    """
    if _happens(settings.speed.probability, rng):
        samples = speed_perturb(samples, rng.uniform(*settings.speed.factor))
    if _happens(settings.pitch_shift.probability, rng):
        samples = pitch_shift(samples, rate, rng.uniform(*settings.pitch_shift.semitones))
    if _happens(settings.time_stretch.probability, rng):
        samples = time_stretch(samples, rng.uniform(*settings.time_stretch.factor))
    # Of their own: how much one of them draws, or noise that is generated, moves no other.
    place, amplifier, line = (part.spawn(3) for part in rng.spawn(3))
    samples = _surround(samples, rate, settings, place, background)
    if _happens(settings.preemphasis.probability, rng):
        samples = preemphasise(samples, rng.uniform(*settings.preemphasis.coefficient))
    if _happens(settings.gain.probability, rng):
        samples = change_level(samples, rng.uniform(*settings.gain.decibels))
    if _happens(settings.noise.probability, rng):
        colour = _colour(settings.noise, rng)
        samples = add_noise(samples, rng.uniform(*settings.noise.snr_db), colour, rng)
    samples = _amplify(samples, rate, settings, amplifier)
    samples = _transmit(samples, rate, settings, line)
    if _happens(settings.time_shift.probability, rng):
        shift = rng.uniform(*settings.time_shift.seconds)
        samples = np.roll(samples, round(shift * rate))
    return samples


def _surround(
    samples: FloatArray,
    rate: int,
    settings: AugmentationSettings,
    rngs: Sequence[np.random.Generator],
    background: Background,
) -> FloatArray:
    """Put the clip into a room, and something behind it."""
    rng_room, rng_babble, rng_noise = rngs
    if _may_happen(settings.room.probability, rng_room):
        response = _room(int(rng_room.integers(N_ROOMS)), settings.room.rt60, rate)
        samples = reverberate(samples, response)
    if background.talkers:
        snr_db = rng_babble.uniform(*settings.babble.snr_db)
        behind = babble(background.talkers, len(samples), rng_babble)
        samples = add_background(samples, behind, snr_db)
    n_recordings = len(background.recordings)
    if n_recordings and _may_happen(settings.recorded_noise.probability, rng_noise):
        snr_db = rng_noise.uniform(*settings.recorded_noise.snr_db)
        recording = background.recordings[int(rng_noise.integers(n_recordings))]
        behind = excerpt(recording, len(samples), rng_noise)
        samples = add_background(samples, behind, snr_db)
    return samples


def _amplify(
    samples: FloatArray,
    rate: int,
    settings: AugmentationSettings,
    rngs: Sequence[np.random.Generator],
) -> FloatArray:
    """Do to the clip what an amplifier and a converter may do."""
    rng_hum, rng_offset, rng_clipping = rngs
    if _may_happen(settings.hum.probability, rng_hum):
        frequency = 50.0 if rng_hum.random() < 0.5 else 60.0
        snr_db = rng_hum.uniform(*settings.hum.snr_db)
        samples = add_hum(samples, rate, frequency, snr_db, rng_hum)
    if _may_happen(settings.offset.probability, rng_offset):
        samples = add_offset(samples, rng_offset.uniform(*settings.offset.fraction))
    if _may_happen(settings.clipping.probability, rng_clipping):
        samples = clip_peaks(samples, rng_clipping.uniform(*settings.clipping.fraction))
    return samples


def _transmit(
    samples: FloatArray,
    rate: int,
    settings: AugmentationSettings,
    rngs: Sequence[np.random.Generator],
) -> FloatArray:
    """Send the clip over a line."""
    rng_phone, rng_codec, _ = rngs
    if _may_happen(settings.telephone.probability, rng_phone):
        codec = str(rng_phone.choice(settings.telephone.codecs))
        band = (
            rng_phone.uniform(*settings.telephone.low),
            rng_phone.uniform(*settings.telephone.high),
        )
        samples = telephone(samples, rate, codec, band)
    if _may_happen(settings.compression.probability, rng_codec):
        codec = str(rng_codec.choice(settings.compression.codecs))
        # By ratios: what a codec loses grows ever faster towards the lowest rates.
        kbps = float(np.exp(rng_codec.uniform(*np.log(settings.compression.kbps))))
        samples = compress(samples, rate, codec, kbps, quick=True)
    return samples


@lru_cache(maxsize=2 * N_ROOMS)
def _room(number: int, rt60: tuple[float, float], rate: int) -> FloatArray:
    """One of the rooms, the same whenever it is asked for; its reverberation time within bounds."""
    rng = np.random.default_rng([number, rate])
    return room_response(float(rng.uniform(*rt60)), rate, rng)


def _happens(probability: float, rng: np.random.Generator) -> bool:
    return bool(rng.random() < probability)


def _may_happen(probability: float, rng: np.random.Generator) -> bool:
    """The same; without a draw where it cannot, so that older recipes train as they always did."""
    return probability > 0.0 and _happens(probability, rng)


def _colour(settings: Noise, rng: np.random.Generator) -> str:
    if settings.colour != "either":
        return settings.colour
    return "white" if rng.random() < 0.5 else "pink"


def speed_perturb(samples: FloatArray, factor: float) -> FloatArray:
    """Return the clip played `factor` times as fast, pitch and formants with it."""
    import soxr

    changed: FloatArray = soxr.resample(samples, factor, 1.0)
    return changed if len(changed) else samples


def pitch_shift(samples: FloatArray, rate: int, semitones: float) -> FloatArray:
    """Return the clip at another pitch, of the same length (librosa's phase vocoder)."""
    if len(samples) < MIN_VOCODED:
        return samples
    import librosa

    shifted: FloatArray = librosa.effects.pitch_shift(
        samples, sr=rate, n_steps=semitones, n_fft=_vocoder_length(samples)
    )
    return shifted.astype(np.float32, copy=False)


def time_stretch(samples: FloatArray, factor: float) -> FloatArray:
    """Return the clip `factor` times as fast at the same pitch (librosa's phase vocoder)."""
    if len(samples) < MIN_VOCODED:
        return samples
    import librosa

    stretched: FloatArray = librosa.effects.time_stretch(
        samples, rate=factor, n_fft=_vocoder_length(samples)
    )
    return stretched.astype(np.float32, copy=False)


def _vocoder_length(samples: FloatArray) -> int:
    """Return a transform length that is no longer than the clip, up to 1024 samples."""
    return min(1024, 1 << (len(samples).bit_length() - 1))
