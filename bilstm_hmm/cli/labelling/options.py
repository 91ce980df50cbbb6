"""Options that all commands have which label, said in the same words everywhere."""

from pathlib import Path
from typing import Annotated

import typer

ModelName = Annotated[
    Path | None,
    typer.Option(
        "--model", help="A bundle, a run, or the name of a model that ships (default: default)."
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace an output that is there already.")
]
Yes = Annotated[
    bool, typer.Option("--yes", help="Fetch the encoder that a model needs without a question.")
]
Jobs = Annotated[
    int | None, typer.Option("--jobs", min=1, help="Cores to use (default: all of them).")
]
