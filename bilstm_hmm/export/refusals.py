"""What cannot be exported, and why."""

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.export.streams import STREAM_WRITERS
from bilstm_hmm.inference.bundle import Bundle


def check_exportable(bundle: Bundle) -> None:
    """Refuse a bundle that cannot be one graph.

    Raises
    ------
    ToolkitError
        Its frames are those of an encoder, or of a stream that is not written.
    """
    features = bundle.recipe.features
    if features.has_encoder:
        raise ToolkitError(
            f"{bundle.model_id} cannot be one file: its frames come from the encoder "
            f"{features.encoder.model}, which is a file of its own; export a model without one, "
            "such as default."
        )
    others = [stream for stream in features.streams if stream not in STREAM_WRITERS]
    if others:
        raise ToolkitError(
            f"{bundle.model_id} cannot be one file: its feature stream {others[0]} is not among "
            f"those that can be written as a graph ({', '.join(STREAM_WRITERS)})."
        )
