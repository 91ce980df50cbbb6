"""Which random changes training clips undergo, checked when the recipe is read."""

from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

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
