"""A whole model as one ONNX graph: samples in, probabilities out, of standard operators alone."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bilstm_hmm.export.encoder.inlined import inline_encoder
from bilstm_hmm.export.frames import write_extracted
from bilstm_hmm.export.graph import ModelWriter, tensor
from bilstm_hmm.export.quality.temperature import temper_answer, write_temperature
from bilstm_hmm.export.recording.answer import Answer, write_answer
from bilstm_hmm.export.recording.pieces import write_pieces
from bilstm_hmm.export.recording.scores import Scores, write_piece, write_scores
from bilstm_hmm.export.refusals import check_exportable
from bilstm_hmm.export.speech.frames import write_speech_frames
from bilstm_hmm.export.speech.posteriors import write_speech_probabilities
from bilstm_hmm.export.speech.segments import write_segments
from bilstm_hmm.export.timeline import write_frame_answers
from bilstm_hmm.export.voice.learning import write_voice
from bilstm_hmm.inference.bundle import Bundle

INPUT = "samples"
_SPEECH = "speech_probabilities"
_TEMPERATURE = "temperature"


def export_model(bundle: Bundle, metadata: Mapping[str, str], one_utterance: bool = False) -> bytes:
    """Return a model as the bytes of one ONNX file.

    What it gives of samples is what `bilstm_hmm.inference.model.Model.predict` gives of them.

    Parameters
    ----------
    metadata
        Of `bilstm_hmm.export.metadata.model_metadata`; ``description`` becomes the model's own.
    one_utterance
        Whether all samples are one utterance, in which no speech is looked for: what it gives of
        them is then that of `bilstm_hmm.inference.scoring.Scorer.score_segments` and
        `bilstm_hmm.hmm.fusion.predict_proba` of one speech segment.

    Raises
    ------
    ToolkitError
        The model cannot be one graph, see `check_exportable`.
    """
    check_exportable(bundle)
    graph = ModelWriter()
    outputs = _write_utterance(graph, bundle) if one_utterance else _write_recording(graph, bundle)
    return graph.finish("model", [tensor(INPUT, "n")], outputs, metadata)


def _write_utterance(graph: ModelWriter, bundle: Bundle) -> list[Any]:
    """Write a graph that takes its samples for one utterance; returns its outputs."""
    nowhere = graph.ints(0)
    extracted = write_extracted(graph, INPUT, bundle, inline_encoder(graph, bundle.recipe))
    scores = write_piece(graph, extracted, nowhere, nowhere, _end(graph, bundle), bundle)
    probabilities = graph.squeeze(scores.probabilities, 0)
    frames = write_frame_answers(graph, scores.log_likelihoods, probabilities, bundle)
    return _name_outputs(graph, scores, Answer(probabilities, frames), bundle)


def _write_recording(graph: ModelWriter, bundle: Bundle) -> list[Any]:
    """Write a graph that looks for the speech in its samples; returns its outputs."""
    from onnx import TensorProto

    recipe = bundle.recipe
    speech = write_speech_probabilities(graph, INPUT, recipe.features.rate, _SPEECH)
    frames = write_speech_frames(graph, INPUT, speech, recipe)
    pieces = write_pieces(graph, INPUT, write_segments(graph, frames, recipe), recipe)
    encoder = inline_encoder(graph, recipe)
    voice = write_voice(graph, INPUT, pieces.ranges, bundle, encoder)
    end = _end(graph, bundle)
    scores = write_scores(graph, INPUT, pieces.ranges, end, bundle, voice, encoder)
    answer = write_answer(graph, scores, pieces, bundle)
    known = bundle.reliability.temperature
    if known is None:
        temperature = graph.floats([1.0])
    else:
        temperature = write_temperature(graph, INPUT, known, recipe.features.rate)
        n_emotions = len(bundle.classes)
        answer = temper_answer(graph, answer, temperature, pieces.is_utterance, n_emotions)
    graph.add("Squeeze", temperature, graph.ints(0), name=_TEMPERATURE)
    graph.add("Identity", pieces.ranges, name="segments")
    graph.add("Identity", scores.frame_pieces, name="frame_segments")
    return [
        *_name_outputs(graph, scores, answer, bundle),
        tensor("segments", "segments", 2, kind=TensorProto.INT64),
        tensor("frame_segments", "frames", kind=TensorProto.INT64),
        tensor(_SPEECH, "speech_frames"),
        tensor(_TEMPERATURE),
    ]


def _end(graph: ModelWriter, bundle: Bundle) -> str:
    """Where the samples end, in seconds, ``[1]``."""
    length = graph.add("Cast", graph.size(INPUT, 0), to=1)
    return graph.add("Div", length, graph.floats(np.array([bundle.recipe.features.rate])))


def _name_outputs(graph: ModelWriter, scores: Scores, answer: Answer, bundle: Bundle) -> list[Any]:
    from onnx import TensorProto

    emotions, frames, segments = len(bundle.classes), "frames", "segments"
    float_, int_ = TensorProto.FLOAT, TensorProto.INT64
    starts, ends = (graph.unsqueeze(value, 1) for value in (scores.starts, scores.ends))
    times = graph.add("Concat", starts, ends, axis=1)
    inside = graph.add("Min", times, _end(graph, bundle))
    outputs: list[tuple[str, str, int, tuple[str | int, ...]]] = [
        ("probabilities", answer.probabilities, float_, (emotions,)),
        ("frame_probabilities", answer.frames.probabilities, float_, (frames, emotions)),
        ("frame_emotions", answer.frames.emotions, int_, (frames,)),
        ("frame_times", scores.frame_times, float_, (frames,)),
        ("segment_times", inside, float_, (segments, 2)),
        ("segment_probabilities", scores.probabilities, float_, (segments, emotions)),
        ("clip_logits", scores.clip_logits, float_, (segments, emotions)),
        ("frame_logits", scores.frame_logits, float_, (frames, emotions)),
        ("frame_log_likelihoods", scores.log_likelihoods, float_, (frames, emotions)),
    ]
    for name, value, _, _ in outputs:
        graph.add("Identity", value, name=name)
    return [tensor(name, *shape, kind=kind) for name, _, kind, shape in outputs]
