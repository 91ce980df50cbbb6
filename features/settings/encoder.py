"""Which pre-trained encoder gives frames, and how it is fed: checked when a recipe is read."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .encoder_catalogue import KNOWN_ENCODERS

Tap = Annotated[int, Field(ge=0)] | Annotated[str, Field(min_length=1)]


class EncoderSettings(BaseModel):
    """Settings of the stream ``encoder``: a pre-trained encoder, and how it is fed.

    It sees at most `window` seconds at once. A shorter clip is padded with zeros, a longer one
    goes through overlapping windows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    model: Annotated[
        str,
        Field(
            min_length=1,
            description="A name of `bilstm-hmm encoders list`, the path of an ONNX file, or a "
            "local Hugging Face folder.",
        ),
    ] = "whisper-tiny"
    sha256: Annotated[
        Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None,
        Field(description="Checksum of that file or folder; `null` takes the one it has."),
    ] = None
    taps: Annotated[
        tuple[Tap, ...],
        Field(
            min_length=1,
            description="Layers by number (known encoder or Hugging Face folder), or values of "
            "the ONNX graph by name; their columns are put side by side.",
        ),
    ] = (2, 3)
    width: Annotated[int, Field(ge=1, le=8192, description="Columns of each tap.")] = 384
    input: Annotated[
        Literal["log-mel", "waveform"],
        Field(description="What the encoder takes; `log-mel` is Whisper's."),
    ] = "log-mel"
    frame_rate: Annotated[
        float, Field(ge=1.0, le=1000.0, description="Frames a second that it gives.")
    ] = 50.0
    average: Annotated[
        int,
        Field(
            ge=1,
            le=50,
            description="Neighbouring frames averaged into one: 4 makes 12.5 frames a second "
            "of 50, which serve as well and are trained in a quarter of the time.",
        ),
    ] = 1
    window: Annotated[
        float, Field(ge=0.1, le=60.0, description="Seconds that it sees at once, at most.")
    ] = 8.0
    padding: Annotated[
        Literal["front", "back", "none"],
        Field(
            description="Where a shorter clip gets its silence; `none` for an encoder that takes "
            "any length."
        ),
    ] = "front"
    silence: Annotated[
        Annotated[float, Field(ge=0.0, le=60.0)] | None,
        Field(
            description="Seconds of silence that a shorter clip gets; `null` fills the window. "
            "Less is faster, if the graph takes any length, as that of `whisper-tiny` does."
        ),
    ] = None
    normalise: Annotated[
        bool, Field(description="Bring each window to zero mean and unit variance.")
    ] = True

    @model_validator(mode="before")
    @classmethod
    def _with_known_checksum(cls, values: Any) -> Any:
        """A known encoder without a checksum is the version that is known."""
        if isinstance(values, dict) and values.get("sha256") is None:
            known = KNOWN_ENCODERS.get(str(values.get("model", "whisper-tiny")))
            if known is not None:
                return {**values, "sha256": known.sha256}
        return values

    @model_validator(mode="after")
    def _consistent(self) -> "EncoderSettings":
        if len(set(self.taps)) != len(self.taps):
            raise ValueError("taps must be named once each")
        if self.padding == "none" and self.silence is not None:
            raise ValueError("silence goes to one side; set padding to front or back")
        known = KNOWN_ENCODERS.get(self.model)
        if known is not None:
            for tap in self.taps:
                if isinstance(tap, int) and not 1 <= tap <= len(known.layers):
                    raise ValueError(
                        f"taps of {self.model} are layers 1 to {len(known.layers)} (given {tap})"
                    )
        return self

    @property
    def n_columns(self) -> int:
        """Columns of the frames: those of all taps."""
        return self.width * len(self.taps)

    @property
    def window_frames(self) -> int:
        """Frames of the longest window."""
        return max(2, round(self.window * self.frame_rate))

    @property
    def shortened_side(self) -> Literal["front", "back"] | None:
        """Where less silence than fills the window is put, None where it is always filled."""
        return None if self.silence is None or self.padding == "none" else self.padding

    def n_input_frames(self, count: int) -> int:
        """Return the frames that go through the encoder for `count` frames that fit a window."""
        if self.silence is None:
            return self.window_frames
        return min(self.window_frames, count + round(self.silence * self.frame_rate))

    @property
    def window_step(self) -> int:
        """Frames from one window to the next: three eighths of each lie over the one before."""
        return max(1, self.window_frames * 5 // 8)
