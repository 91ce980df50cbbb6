"""The command ``export``: a model as one file for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from bilstm_hmm.cli.labelling.options import ModelName, Overwrite, Yes


def export(
    output: Annotated[Path, typer.Option(help="File to write, as in default.onnx.")],
    model: ModelName = None,
    emotions: Annotated[
        str | None, typer.Option(help="Emotions to choose from, parted by commas (default: all).")
    ] = None,
    one_utterance: Annotated[
        bool,
        typer.Option(
            "--one-utterance",
            help="Take all samples for one utterance: the program that runs it finds the speech.",
        ),
    ] = False,
    overwrite: Overwrite = False,
    yes: Yes = False,
) -> None:
    """Write a model as one ONNX graph, from samples to probabilities, for any ONNX runtime."""
    from bilstm_hmm import __version__
    from bilstm_hmm.atomic_files import atomic_write
    from bilstm_hmm.cli.encoder_on_demand import with_encoder
    from bilstm_hmm.cli.options import names_of
    from bilstm_hmm.errors import ToolkitError
    from bilstm_hmm.export.metadata import model_metadata
    from bilstm_hmm.export.model import export_model
    from bilstm_hmm.extras import require_extra
    from bilstm_hmm.inference.bundle import restrict
    from bilstm_hmm.inference.bundle_files import find_bundle, read_bundle
    from bilstm_hmm.inference.shipped import model_path
    from bilstm_hmm.output.label_tracks import escape_unprintable

    require_extra("encoders", "Exporting a model")
    if output.exists() and not output.is_char_device() and not overwrite:
        raise ToolkitError(f"{output} exists already; replace it with --overwrite.")
    folder = find_bundle(model_path(model))
    bundle = read_bundle(folder)
    chosen = names_of(emotions)
    if chosen is not None:
        bundle = restrict(bundle, chosen)
    metadata = model_metadata(bundle, folder, __version__)
    content = with_encoder(lambda: export_model(bundle, metadata, one_utterance), yes)
    atomic_write(output, content)
    print(
        f"{escape_unprintable(str(output))}: {bundle.model_id}, {len(content) / 1e6:.1f} MB; "
        f"mono samples at {bundle.recipe.features.rate} Hz to probabilities of "
        f"{', '.join(bundle.classes)}."
    )
    features = bundle.recipe.features
    if features.has_encoder:
        print(f"It holds the encoder {features.encoder.model}, whose licence is in its metadata.")
