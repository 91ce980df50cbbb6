"""What frames are made of: the settings of the feature extraction, checked when they are read."""

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from .encoder import EncoderSettings

WHISPER_RATE = 16000

#: What `FeatureSettings.streams` may name; `features.extraction.streams.register_stream` adds more.
STREAM_NAMES = ["mfcc", "lfcc", "mel", "chroma", "contrast", "energy", "pitch", "encoder"]


def _known_stream(name: object) -> object:
    if name not in STREAM_NAMES:
        *others, last = map(repr, STREAM_NAMES)
        expected = f"{', '.join(others)} or {last}"
        raise PydanticCustomError(
            "literal_error", "Input should be {expected}", {"expected": expected}
        )
    return name


StreamName = Annotated[
    str, BeforeValidator(_known_stream), WithJsonSchema({"enum": STREAM_NAMES, "type": "string"})
]


class FeatureSettings(BaseModel):
    """Settings of the frame features; lengths are in samples at `rate`.

    All streams but ``encoder`` are computed from one power spectrum and put side by side in the
    order given, their deltas behind them. The columns of ``encoder`` come first and have no
    deltas; the other streams are then averaged to its frame rate.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: Annotated[
        int,
        Field(
            ge=8000, le=48000, description="Sampling rate in Hz that every recording is brought to."
        ),
    ] = 16000
    streams: Annotated[
        tuple[StreamName, ...], Field(description="The feature streams, in order.")
    ] = ("mfcc",)
    n_fft: Annotated[int, Field(ge=64, le=8192, description="Length of the Fourier transform.")] = (
        512
    )
    window: Annotated[Literal["hann", "hamming"], Field(description="Window of a frame.")] = (
        "hamming"
    )
    frame_length: Annotated[int, Field(ge=32, le=8192, description="Samples of a frame.")] = 400
    hop_length: Annotated[
        int, Field(ge=16, le=8192, description="Samples from one frame to the next.")
    ] = 160
    preemphasis: Annotated[
        float,
        Field(ge=0.0, lt=1.0, description="Coefficient of the pre-emphasis filter; 0 for none."),
    ] = 0.97
    level: Annotated[
        Literal["peak", "none"],
        Field(
            description="`peak` scales each clip to a peak of one, so that the gain of a "
            "recording does not matter."
        ),
    ] = "peak"
    trim_db: Annotated[
        Annotated[float, Field(gt=0.0, le=120.0)] | None,
        Field(
            description="Silence so far below the peak, in dB, is cut off at both ends; "
            "`null` keeps it."
        ),
    ] = 40.0
    fmin: Annotated[
        float, Field(ge=0.0, description="Lowest frequency of the filter banks in Hz.")
    ] = 50.0
    fmax: Annotated[
        float, Field(gt=0.0, description="Highest frequency of the filter banks in Hz.")
    ] = 7600.0
    n_mfcc: Annotated[
        int, Field(ge=1, le=128, description="Mel-frequency cepstral coefficients kept.")
    ] = 30
    n_lfcc: Annotated[
        int, Field(ge=1, le=128, description="Linear-frequency cepstral coefficients kept.")
    ] = 20
    n_mels: Annotated[int, Field(ge=4, le=256, description="Mel bands.")] = 40
    n_linear: Annotated[int, Field(ge=4, le=256, description="Linear bands, for LFCC.")] = 40
    n_chroma: Annotated[int, Field(ge=1, le=48, description="Chroma bins.")] = 12
    pitch_min: Annotated[float, Field(gt=20.0, description="Lowest pitch in Hz.")] = 60.0
    pitch_max: Annotated[float, Field(le=2000.0, description="Highest pitch in Hz.")] = 600.0
    pitch_step: Annotated[
        int,
        Field(
            ge=1,
            le=8,
            description="Frames from one whose pitch is searched for to the next, with straight "
            "lines between: 4 takes a quarter of the time, which is most of what features take.",
        ),
    ] = 1
    deltas: Annotated[
        int,
        Field(
            ge=0,
            le=2,
            description="Differences over time: 1 for first ones, 2 for second ones as well.",
        ),
    ] = 1
    normalisation: Annotated[
        Literal["train", "clip", "none"],
        Field(
            description="Zero mean and unit variance by statistics of the training clips, of "
            "each clip, or not at all."
        ),
    ] = "train"
    encoder: EncoderSettings = EncoderSettings.model_validate({})

    @model_validator(mode="after")
    def _consistent(self) -> "FeatureSettings":
        if not self.streams or len(set(self.streams)) != len(self.streams):
            raise ValueError("streams must name at least one stream, each once")
        if self.frame_length > self.n_fft:
            raise ValueError("frame_length must not exceed n_fft")
        if not self.fmin < self.fmax <= self.rate / 2:
            raise ValueError("fmin must lie below fmax, and fmax at or below rate / 2")
        if self.pitch_min >= self.pitch_max:
            raise ValueError("pitch_min must lie below pitch_max")
        if "mfcc" in self.streams and self.n_mfcc > self.n_mels:
            raise ValueError("n_mfcc must not exceed n_mels")
        if "lfcc" in self.streams and self.n_lfcc > self.n_linear:
            raise ValueError("n_lfcc must not exceed n_linear")
        if self.has_encoder:
            self._check_encoder()
        return self

    def _check_encoder(self) -> None:
        if self.encoder.input == "log-mel" and self.rate != WHISPER_RATE:
            raise ValueError(f"rate must be {WHISPER_RATE} for encoder.input log-mel")
        if self.rate % self.encoder.frame_rate:
            raise ValueError("rate must be a multiple of encoder.frame_rate")
        if self.short_time and self.frame_rate > self.rate / self.hop_length:
            raise ValueError("hop_length must give at least as many frames a second as the encoder")

    @property
    def has_encoder(self) -> bool:
        """Whether a pre-trained encoder is among the streams."""
        return "encoder" in self.streams

    @property
    def short_time(self) -> tuple[StreamName, ...]:
        """The streams that come from the waveform or its spectrum, in their order."""
        return tuple(stream for stream in self.streams if stream != "encoder")

    @property
    def frame_step(self) -> int:
        """Samples from one frame to the next."""
        if not self.has_encoder:
            return self.hop_length
        return round(self.rate / self.encoder.frame_rate) * self.encoder.average

    @property
    def frame_rate(self) -> float:
        """Frames a second."""
        return self.rate / self.frame_step
