"""Which random changes training clips undergo, checked when the recipe is read."""

from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Probability = Annotated[
    float, Field(ge=0.0, le=1.0, description="Share of the clips that are changed so.")
]


def _ordered(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError("the first of the two bounds must not exceed the second")
    return bounds


T = TypeVar("T")
#: The least and the greatest of what is drawn.
Bounds = Annotated[tuple[T, T], AfterValidator(_ordered)]
Decibels = Bounds[Annotated[float, Field(ge=-60.0, le=100.0)]]
Semitones = Bounds[Annotated[float, Field(ge=-12.0, le=12.0)]]
Factors = Bounds[Annotated[float, Field(ge=0.5, le=2.0)]]
Seconds = Bounds[Annotated[float, Field(ge=-10.0, le=10.0)]]
Coefficients = Bounds[Annotated[float, Field(ge=0.0, le=0.99)]]
ReverberationTimes = Bounds[Annotated[float, Field(ge=0.1, le=2.0)]]
Fractions = Bounds[Annotated[float, Field(ge=0.01, le=1.0)]]
Offsets = Bounds[Annotated[float, Field(ge=-1.0, le=1.0)]]
Edges = Bounds[Annotated[float, Field(ge=20.0, le=4000.0)]]
BitRates = Bounds[Annotated[float, Field(ge=6.0, le=128.0)]]
Talkers = Bounds[Annotated[int, Field(ge=1, le=50)]]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Noise(_Section):
    """Noise at a signal-to-noise ratio; ``either`` draws white or pink for each clip."""

    probability: Probability = 0.3
    snr_db: Annotated[Decibels, Field(description="Signal-to-noise ratio in dB.")] = (15.0, 30.0)
    colour: Annotated[
        Literal["white", "pink", "either"],
        Field(description="Colour of the noise; `either` draws one for each clip."),
    ] = "either"


class RecordedNoise(_Section):
    """Noise out of recordings, such as one's own of where the model will be used."""

    probability: Probability = 0.0
    folder: Annotated[
        Path | None,
        Field(
            description="Folder of the recordings, at any depth; all are held in memory, 115 MB an "
            "hour at 16 kHz."
        ),
    ] = None
    snr_db: Annotated[Decibels, Field(description="Signal-to-noise ratio in dB.")] = (0.0, 20.0)

    @model_validator(mode="after")
    def _has_recordings(self) -> "RecordedNoise":
        if self.probability > 0.0 and self.folder is None:
            raise ValueError("recordings are needed: name a folder of them, or set probability: 0")
        return self


class Babble(_Section):
    """Others who talk behind the clip: training clips of the same network, all equally loud."""

    probability: Probability = 0.0
    talkers: Annotated[Talkers, Field(description="How many talk at once.")] = (3, 8)
    snr_db: Annotated[Decibels, Field(description="Signal-to-noise ratio in dB.")] = (5.0, 20.0)


class Room(_Section):
    """Reverberation: shoebox rooms by the image method, with voice and microphone anywhere."""

    probability: Probability = 0.0
    rt60: Annotated[
        ReverberationTimes, Field(description="Seconds in which the sound falls by 60 dB.")
    ] = (0.2, 0.8)


class Hum(_Section):
    """The hum of the mains, at 50 or 60 Hz and their multiples."""

    probability: Probability = 0.0
    snr_db: Annotated[Decibels, Field(description="Signal-to-noise ratio in dB.")] = (10.0, 40.0)


class Offset(_Section):
    """All samples shifted off zero."""

    probability: Probability = 0.0
    fraction: Annotated[Offsets, Field(description="Shift in fractions of the peak.")] = (-0.1, 0.1)


class Clipping(_Section):
    """Peaks cut off flat, as by an amplifier set too loud."""

    probability: Probability = 0.0
    fraction: Annotated[
        Fractions, Field(description="What is left of the peak, as a fraction of it.")
    ] = (0.05, 0.6)


class Telephone(_Section):
    """Through a telephone line: limited to a band, at 8 kHz, and coded."""

    probability: Probability = 0.0
    codecs: Annotated[
        tuple[Literal["mu-law", "gsm"], ...],
        Field(min_length=1, description="One of these is drawn for each clip."),
    ] = ("mu-law", "gsm")
    low: Annotated[Edges, Field(description="Lower edge of the band in Hz.")] = (200.0, 400.0)
    high: Annotated[Edges, Field(description="Upper edge of the band in Hz.")] = (3000.0, 3800.0)


class Compression(_Section):
    """Through a lossy codec at a low bit rate, as in calls, messages and podcasts."""

    probability: Probability = 0.0
    codecs: Annotated[
        tuple[Literal["opus", "mp3"], ...],
        Field(min_length=1, description="One of these is drawn for each clip."),
    ] = ("opus", "mp3")
    kbps: Annotated[BitRates, Field(description="Bit rate in kbit/s, drawn by ratios.")] = (
        6.0,
        32.0,
    )


class PitchShift(_Section):
    """Another pitch at the same speed (slow: a phase vocoder)."""

    probability: Probability = 0.0
    semitones: Annotated[Semitones, Field(description="Shift in semitones.")] = (-2.0, 2.0)


class TimeStretch(_Section):
    """Another speed at the same pitch (slow: a phase vocoder); above 1 is faster."""

    probability: Probability = 0.0
    factor: Annotated[Factors, Field(description="Speed; above 1 is faster.")] = (0.85, 1.15)


class TimeShift(_Section):
    """The clip begins later or earlier; what leaves at one end comes in at the other."""

    probability: Probability = 0.0
    seconds: Annotated[Seconds, Field(description="Shift in seconds.")] = (-0.2, 0.2)


class Speed(_Section):
    """Played faster (above 1) or slower, the pitch with it, by resampling."""

    probability: Probability = 0.5
    factor: Annotated[Factors, Field(description="Speed; above 1 is faster.")] = (0.9, 1.1)


class Preemphasis(_Section):
    """A random tilt of the spectrum, as another microphone might give."""

    probability: Probability = 0.0
    coefficient: Annotated[Coefficients, Field(description="Coefficient of the filter.")] = (
        0.0,
        0.5,
    )


class Gain(_Section):
    """Louder or softer; has no effect where ``features.level`` is ``peak``."""

    probability: Probability = 0.0
    decibels: Annotated[Decibels, Field(description="Gain in dB.")] = (-6.0, 6.0)


class VocalTract(_Section):
    """A shorter (above 1) or longer vocal tract, by warping the frequency axis."""

    probability: Probability = 0.5
    factor: Annotated[Factors, Field(description="Warp; above 1 is a shorter vocal tract.")] = (
        0.9,
        1.1,
    )


class SpecAugment(_Section):
    """Stretches of frames and runs of features set to zero (Park et al., 2019).

    Each mask is of a random width up to the given one, in frames or features; a time mask covers
    a fifth of the clip at most.
    """

    probability: Probability = 1.0
    time_masks: Annotated[int, Field(ge=0, le=20, description="Masks over time.")] = 2
    time_width: Annotated[int, Field(ge=1, description="Frames of such a mask at most.")] = 20
    feature_masks: Annotated[int, Field(ge=0, le=20, description="Masks over features.")] = 2
    feature_width: Annotated[int, Field(ge=1, description="Features of such a mask at most.")] = 6


class AugmentationSettings(_Section):
    """Random changes of training clips: each kind with its probability and its range."""

    copies: Annotated[
        int,
        Field(
            ge=0,
            le=1000,
            description="Changed versions of a clip (samples or vocal tract), made once and used "
            "in turn, which saves most of their time; 0 makes a new one in each epoch.",
        ),
    ] = 8
    noise: Noise = Noise()
    pitch_shift: PitchShift = PitchShift()
    time_stretch: TimeStretch = TimeStretch()
    time_shift: TimeShift = TimeShift()
    speed: Speed = Speed()
    preemphasis: Preemphasis = Preemphasis()
    gain: Gain = Gain()
    room: Room = Room()
    babble: Babble = Babble()
    recorded_noise: RecordedNoise = RecordedNoise()
    hum: Hum = Hum()
    offset: Offset = Offset()
    clipping: Clipping = Clipping()
    telephone: Telephone = Telephone()
    compression: Compression = Compression()
    vocal_tract: VocalTract = VocalTract()
    spec_augment: SpecAugment = SpecAugment()
    mixup: Annotated[
        float,
        Field(
            ge=0.0,
            le=10.0,
            description="Alpha of the Beta distribution by which two clips are mixed (Zhang et "
            "al., 2018); 0 for none.",
        ),
    ] = 0.0

    @classmethod
    def none(cls) -> "AugmentationSettings":
        """Return settings that leave every clip as it is."""
        return cls(
            noise=Noise(probability=0.0),
            speed=Speed(probability=0.0),
            vocal_tract=VocalTract(probability=0.0),
            spec_augment=SpecAugment(probability=0.0),
        )
