"""The keys below ``network:`` in a recipe."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, model_validator

from bilstm_hmm.config.section import Fraction, Section


@dataclass(frozen=True, slots=True)
class Family:
    """What sets one family of networks apart from the others.

    Attributes
    ----------
    convolutional
        Whether convolutions stand in front of the recurrent layers.
    bidirectional
        Whether the recurrent layers read the frames in both directions.
    """

    convolutional: bool
    bidirectional: bool


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "bilstm": Family(convolutional=False, bidirectional=True),
        "cnn_bilstm": Family(convolutional=True, bidirectional=True),
        "cnn_lstm": Family(convolutional=True, bidirectional=False),
    }
)


class ConvolutionSettings(Section):
    """One convolution in front of the recurrent layers.

    Over time alone it may take steps of `stride` frames. Over an image (`NetworkSettings.image`)
    it is `kernel` x `kernel`, and the largest of each `pool` of frames x bands is kept.
    """

    filters: Annotated[int, Field(ge=1, le=1024, description="Output channels.")] = 128
    kernel: Annotated[
        int, Field(ge=1, le=31, description="Width in frames (and bands, for an image); odd.")
    ] = 5
    stride: Annotated[
        int, Field(ge=1, le=8, description="Frames from one output to the next; not for an image.")
    ] = 1
    pool: Annotated[
        tuple[Annotated[int, Field(ge=1, le=8)], Annotated[int, Field(ge=1, le=16)]],
        Field(description="Max-pooling after it, in frames and bands; for an image only."),
    ] = (1, 1)

    @model_validator(mode="after")
    def _odd_kernel(self) -> "ConvolutionSettings":
        if self.kernel % 2 == 0:
            raise ValueError("kernel must be odd, so that a frame stays at its own time")
        return self


class Conv2dSettings(Section):
    """The features seen as an image of frames x bands, for two-dimensional convolutions."""

    channels: Annotated[
        int,
        Field(
            ge=1,
            le=32,
            description="Feature streams of equal width, such as MFCC, chroma and mel, that are "
            "stacked as the channels of the image.",
        ),
    ] = 1
    chunk: Annotated[
        Annotated[int, Field(ge=4, le=1024, multiple_of=4)] | None,
        Field(
            description="Frames that the convolutions see at a time; chunks overlap by half, and "
            "the recurrent layers get one vector for each. `null` takes the whole clip."
        ),
    ] = None
    projection: Annotated[
        int,
        Field(
            ge=0,
            le=1024,
            description="Width of a dense layer between the image and the recurrent layers; 0 for "
            "none.",
        ),
    ] = 0


class NetworkSettings(Section):
    """The recurrent network."""

    family: Annotated[
        Literal["bilstm", "cnn_bilstm", "cnn_lstm"],
        Field(
            description="`bilstm`: recurrent layers alone. `cnn_bilstm`, `cnn_lstm`: convolutions "
            "in front of them."
        ),
    ] = "bilstm"
    stack: Annotated[
        int,
        Field(
            ge=1,
            le=16,
            description="Neighbouring frames joined into one before the first layer; divides the "
            "length of the sequence, and the training time, by that number.",
        ),
    ] = 1
    image: Annotated[
        Conv2dSettings | None,
        Field(
            description="With it, the convolutions run over time and frequency; without, over "
            "time alone."
        ),
    ] = None
    convolutions: Annotated[
        tuple[ConvolutionSettings, ...],
        Field(description="The convolutions, first to last; unused by the family `bilstm`."),
    ] = (
        ConvolutionSettings(stride=2),
        ConvolutionSettings(stride=4),
    )
    units: Annotated[
        tuple[Annotated[int, Field(ge=1, le=1024)], ...],
        Field(min_length=1, description="Units of each recurrent layer (in each direction)."),
    ] = (128, 64)
    dense: Annotated[
        int,
        Field(
            ge=0,
            le=1024,
            description="Units of a dense layer between the pooling and the clip's output; 0 for "
            "none.",
        ),
    ] = 0
    dropout: Annotated[
        Fraction,
        Field(description="Dropout after each recurrent layer; half of it after a convolution."),
    ] = 0.3
    attention: Annotated[
        bool,
        Field(description="Attentive statistics pooling; `false` weights all frames alike."),
    ] = True

    skip: Annotated[
        bool,
        Field(
            description="Mean and deviation over time of what the first recurrent layer gets go to "
            "the clip's output as well, past the recurrent layers."
        ),
    ] = False

    @model_validator(mode="after")
    def _one_kind_of_convolution(self) -> "NetworkSettings":
        if self.image is None:
            if any(convolution.pool != (1, 1) for convolution in self.convolutions):
                raise ValueError("convolutions with pool need image; use stride or set image")
        elif not self.convolutional:
            raise ValueError("image needs the family cnn_bilstm or cnn_lstm; change family")
        elif self.stack > 1:
            raise ValueError("image takes the frames one by one; set stack to 1 and use pool")
        elif any(convolution.stride > 1 for convolution in self.convolutions):
            raise ValueError("convolutions of an image are shortened by pool; leave stride at 1")
        return self

    @property
    def convolutional(self) -> bool:
        """Whether convolutions stand in front of the recurrent layers."""
        return FAMILIES[self.family].convolutional

    @property
    def bidirectional(self) -> bool:
        """Whether the recurrent layers read the frames in both directions."""
        return FAMILIES[self.family].bidirectional

    @property
    def stride(self) -> int:
        """How many input frames make one output frame."""
        if self.image is not None and self.image.chunk is not None:
            return self.image.chunk // 2
        total = self.stack
        if self.convolutional:
            for convolution in self.convolutions:
                total *= convolution.stride * convolution.pool[0]
        return total
