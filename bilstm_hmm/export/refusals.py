"""What cannot be exported, and why."""

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.export.streams import STREAM_WRITERS
from bilstm_hmm.inference.bundle import Bundle


def check_exportable(bundle: Bundle) -> None:
    """Refuse a bundle that cannot be one graph.

    Raises
    ------
    ToolkitError
        A stream of its frames is not written; of an encoder see `inline_encoder`.
    """
    features = bundle.recipe.features
    others = [stream for stream in features.short_time if stream not in STREAM_WRITERS]
    if others:
        raise ToolkitError(
            f"{bundle.model_id} cannot be one file: its feature stream {others[0]} is not among "
            f"those that can be written as a graph ({', '.join(STREAM_WRITERS)})."
        )
