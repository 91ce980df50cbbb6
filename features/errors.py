"""The exceptions of this package: a sentence for the user each."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .settings.encoder_catalogue import KnownEncoder


class AudioError(ValueError):
    """An audio file or array that cannot be used.

    The message is one sentence: which file, what is wrong, what to do.
    """


class EncoderError(RuntimeError):
    """A pre-trained encoder that is missing, of another version or not what it should be.

    No recording's fault, so that no recording is passed over for it.
    """


class MissingEncoderError(EncoderError):
    """An encoder that is not on this machine and can be fetched by its name.

    Attributes
    ----------
    encoder
        Which one.
    command
        What fetches it, as it is typed.
    """

    def __init__(self, encoder: "KnownEncoder", command: str) -> None:
        super().__init__(
            f"The encoder {encoder.name} is not on this machine; get it with {command}, or "
            "without a network with --from FILE."
        )
        self.encoder, self.command = encoder, command
