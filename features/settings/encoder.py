"""Which pre-trained encoder gives frames, and how it is fed: checked when a recipe is read."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .encoder_catalogue import KNOWN

Tap = Annotated[int, Field(ge=0)] | Annotated[str, Field(min_length=1)]


class EncoderSettings(BaseModel):
    """Settings of the stream ``encoder``; every field is a key under ``features.encoder:``.

    `model` is a name that ``python -m features list`` tells, the path of an ONNX file, or a
    folder of Hugging Face. What it stands for is told by `sha256`, of the file or the folder;
    null takes what the name or path has. `taps` are what is taken out and laid side by side:
    layers by number where the encoder is a known one or a folder, values of the graph by name
    otherwise, each of `width` columns at `frame_rate` a second.

    The encoder hears at most `window` seconds at once. Shorter clips get zeros in `padding`
    (``none`` for an encoder that takes any length): `silence` seconds of them, or, where that is
    null, as many as fill the window. Longer ones go through overlapping windows.
    With `normalise` each window has zero mean and unit variance. ``log-mel`` is Whisper's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    model: Annotated[str, Field(min_length=1)] = "whisper-tiny"
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    taps: Annotated[tuple[Tap, ...], Field(min_length=1)] = (2, 3)
    width: Annotated[int, Field(ge=1, le=8192)] = 384
    input: Literal["log-mel", "waveform"] = "log-mel"
    frame_rate: Annotated[float, Field(ge=1.0, le=1000.0)] = 50.0
    window: Annotated[float, Field(ge=0.1, le=60.0)] = 8.0
    padding: Literal["front", "back", "none"] = "front"
    silence: Annotated[float, Field(ge=0.0, le=60.0)] | None = None
    normalise: bool = True

    @model_validator(mode="before")
    @classmethod
    def _pinned(cls, given: Any) -> Any:
        """A known encoder without a checksum is the version that is known."""
        if isinstance(given, dict) and given.get("sha256") is None:
            known = KNOWN.get(str(given.get("model", "whisper-tiny")))
            if known is not None:
                return {**given, "sha256": known.sha256}
        return given

    @model_validator(mode="after")
    def _consistent(self) -> "EncoderSettings":
        if len(set(self.taps)) != len(self.taps):
            raise ValueError("taps must be named once each")
        if self.padding == "none" and self.silence is not None:
            raise ValueError("silence goes to one side; set padding to front or back")
        known = KNOWN.get(self.model)
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
    def short_side(self) -> Literal["front", "back"] | None:
        """Where less silence than fills the window is put, None where no less is heard."""
        return None if self.silence is None or self.padding == "none" else self.padding

    def heard_frames(self, count: int) -> int:
        """Frames that go through the encoder for `count` frames of no more than a window."""
        if self.silence is None:
            return self.window_frames
        return min(self.window_frames, count + round(self.silence * self.frame_rate))

    @property
    def window_step(self) -> int:
        """Frames from one window to the next: three eighths of each lie over the one before."""
        return max(1, self.window_frames * 5 // 8)
