"""A whole model as one ONNX graph: samples in, probabilities out, of standard operators alone."""

from collections.abc import Mapping
from typing import Any

from bilstm_hmm.export.decision import write_probabilities
from bilstm_hmm.export.frames import write_frames
from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.export.hmms import write_log_likelihoods
from bilstm_hmm.export.network import write_network
from bilstm_hmm.export.refusals import check_exportable
from bilstm_hmm.export.timeline import write_frame_probabilities
from bilstm_hmm.export.waveform import write_utterance
from bilstm_hmm.inference.bundle import Bundle

INPUT = "samples"


def export_model(bundle: Bundle, metadata: Mapping[str, str]) -> bytes:
    """Return a model as the bytes of one ONNX file.

    What it gives of samples is what `bilstm_hmm.inference.scoring.Scorer.score_segments` and
    `bilstm_hmm.hmm.fusion.predict_proba` give of them as one speech segment.

    Parameters
    ----------
    metadata
        Of `bilstm_hmm.export.metadata.model_metadata`; ``description`` becomes the model's own.

    Raises
    ------
    ToolkitError
        The model cannot be one graph, see `check_exportable`.
    """
    check_exportable(bundle)
    settings = bundle.recipe.features
    graph = ModelWriter()
    utterance = write_utterance(graph, INPUT, settings)
    frames = write_frames(graph, utterance.samples, bundle)
    network = write_network(graph, frames, bundle)
    log_likelihoods = write_log_likelihoods(graph, network, bundle.projection, bundle.hmm_bank)
    scores = graph.total("ReduceMean", log_likelihoods, 0, keepdims=0)
    write_probabilities(graph, network.clip_logits, scores, bundle, "probabilities")
    write_frame_probabilities(
        graph, log_likelihoods, "probabilities", bundle, "frame_probabilities"
    )
    graph.add("Identity", network.frame_logits, name="frame_logits")
    graph.add("Identity", log_likelihoods, name="frame_log_likelihoods")
    graph.add("Identity", network.clip_logits, name="clip_logits")
    _write_start(graph, utterance.start, settings.rate)
    return graph.finish(
        "model",
        [_tensor(INPUT, "n")],
        [
            _tensor("probabilities", len(bundle.classes)),
            _tensor("frame_probabilities", "frames", len(bundle.classes)),
            _tensor("clip_logits", len(bundle.classes)),
            _tensor("frame_logits", "frames", len(bundle.classes)),
            _tensor("frame_log_likelihoods", "frames", len(bundle.classes)),
            _tensor("start"),
        ],
        metadata,
    )


def _write_start(graph: ModelWriter, start: str, rate: int) -> None:
    """The second in which the first frame begins; the silence before the samples has none."""
    seconds = graph.add("Div", graph.add("Cast", start, to=1), graph.floats(rate))
    inside = graph.add("Max", seconds, graph.floats(0.0))
    graph.add("Squeeze", inside, graph.ints(0), name="start")


def _tensor(name: str, *axes: str | int) -> Any:
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, TensorProto.FLOAT, axes)
