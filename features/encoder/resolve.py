"""From what a recipe or a bundle says of an encoder to the file that it means."""

from importlib.util import find_spec
from pathlib import Path

from ..errors import EncoderError
from ..settings.encoder import EncoderSettings
from ..settings.encoder_catalogue import FETCH_COMMAND, KNOWN_ENCODERS, KnownEncoder
from .store import checksum, find_encoder

_HASH_PREFIX = 12  # digits of a checksum that a sentence shows


class MissingEncoderError(EncoderError):
    """An encoder that is not on this machine and can be fetched by its name.

    Attributes
    ----------
    encoder
        Which one.
    command
        What fetches it, as it is typed.
    """

    def __init__(self, encoder: KnownEncoder, command: str) -> None:
        super().__init__(
            f"The encoder {encoder.name} is not on this machine; get it with {command}, or "
            "without a network with --from FILE."
        )
        self.encoder, self.command = encoder, command


def with_checksum(settings: EncoderSettings) -> EncoderSettings:
    """Return the settings with the checksum of the encoder that is named by its path.

    Raises
    ------
    EncoderError
        Where there is no such file or folder.
    """
    if settings.sha256 is not None:
        return settings
    path = Path(settings.model)
    if not path.exists():
        names = ", ".join(KNOWN_ENCODERS)
        raise EncoderError(
            f"features.encoder.model: {settings.model} is neither a file or folder that exists "
            f"nor an encoder that can be fetched ({names}); mend the path."
        )
    return settings.model_copy(update={"sha256": checksum(path)})


def locate_encoder(settings: EncoderSettings) -> Path:
    """Return where the encoder of exactly these settings lies: in the store, else at its path.

    Raises
    ------
    EncoderError
        Where it is missing or only another version is there; the sentence says how to get it.
    """
    settings = with_checksum(settings)
    sha256 = settings.sha256
    assert sha256 is not None
    stored = find_encoder(sha256)
    if stored is not None:
        return stored
    path = Path(settings.model)
    if settings.model not in KNOWN_ENCODERS and path.exists():
        actual = checksum(path)
        if actual == sha256:
            return path
        raise EncoderError(
            f"{path} is another version of the encoder (sha256 {actual[:_HASH_PREFIX]}...) than "
            f"the one asked for ({sha256[:_HASH_PREFIX]}...); bring that one with {_fetch()} "
            f"{path.name} --from FILE, or train again."
        )
    raise _missing(settings.model, sha256)


def _missing(model: str, sha256: str) -> EncoderError:
    known = KNOWN_ENCODERS.get(model)
    if known is None:
        name = Path(model).name
        return EncoderError(
            f"The encoder {name} (sha256 {sha256[:_HASH_PREFIX]}...) is not on this machine; bring "
            f"its file with {_fetch()} {name} --from FILE."
        )
    if known.sha256 != sha256:
        return EncoderError(
            f"The encoder {model} is asked for in another version "
            f"(sha256 {sha256[:_HASH_PREFIX]}...) than this toolkit fetches "
            f"({known.sha256[:_HASH_PREFIX]}...); bring that file with "
            f"{_fetch()} other --from FILE, or train again."
        )
    return MissingEncoderError(known, f"{_fetch()} {model}")


def _fetch() -> str:
    """The command that brings an encoder, after the one that brings what cuts its graph."""
    install = "" if find_spec("onnx") else "pip install 'bilstm-hmm[encoders]' && "
    return f"{install}{FETCH_COMMAND}"
