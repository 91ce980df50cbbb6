"""From the scores of the pieces of a recording to its probabilities and those of its frames."""

from dataclasses import dataclass

from bilstm_hmm.export.graph import ModelWriter, tensor
from bilstm_hmm.export.recording.pieces import Pieces
from bilstm_hmm.export.recording.scores import Scores
from bilstm_hmm.export.recording.segment_hmm import write_segment_answers
from bilstm_hmm.export.timeline import FrameAnswers, write_frame_answers
from bilstm_hmm.inference.answer import segment_hmm
from bilstm_hmm.inference.bundle import Bundle


@dataclass(frozen=True, slots=True)
class Answer:
    """Names: the probabilities of a recording ``[C]``, and what is said of each of its frames."""

    probabilities: str
    frames: FrameAnswers


def write_answer(graph: ModelWriter, scores: Scores, pieces: Pieces, bundle: Bundle) -> Answer:
    """Write the answer to a recording; where nobody speaks, all probabilities are zero."""
    from onnx import TensorProto

    one, several = ModelWriter("utterance/"), ModelWriter("recording/")
    answers = [_of_utterance(one, scores, bundle), _of_recording(several, scores, bundle)]
    speaks = graph.add("Greater", graph.size(scores.probabilities, 0), graph.ints(0))
    is_utterance = graph.squeeze(graph.add("And", pieces.is_utterance, speaks), 0)
    n_emotions = len(bundle.classes)
    branches = [
        (
            tensor(answer.probabilities, n_emotions),
            tensor(answer.frames.probabilities, "frames", n_emotions),
            tensor(answer.frames.emotions, "frames", kind=TensorProto.INT64),
        )
        for answer in answers
    ]
    probabilities, *frames = graph.choose(is_utterance, one, several, branches)
    return Answer(probabilities, FrameAnswers(*frames))


def _of_utterance(graph: ModelWriter, scores: Scores, bundle: Bundle) -> Answer:
    probabilities = graph.add("Reshape", scores.probabilities, graph.ints(len(bundle.classes)))
    frames = write_frame_answers(graph, scores.log_likelihoods, probabilities, bundle)
    return Answer(probabilities, frames)


def _of_recording(graph: ModelWriter, scores: Scores, bundle: Bundle) -> Answer:
    """Each frame has the probabilities of its segment, and the recording their mean."""
    decoded = write_segment_answers(
        graph, scores.probabilities, scores.starts, scores.ends, segment_hmm(bundle)
    )
    probabilities, emotions = (
        graph.add("Gather", value, scores.frame_pieces, axis=0)
        for value in (decoded.probabilities, decoded.emotions)
    )
    total = graph.total("ReduceSum", probabilities, 0, keepdims=0)
    count = graph.add("Max", graph.size(probabilities, 0), graph.ints(1))
    mean = graph.add("Div", total, graph.add("Cast", count, to=1))
    return Answer(mean, FrameAnswers(probabilities, emotions))
