"""The scores of the pieces of a recording, each as a clip of its own.

As `bilstm_hmm.inference.scoring.Scorer.score_segments`, piece by piece in a loop.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bilstm_hmm.export.decision import write_probabilities
from bilstm_hmm.export.encoder.inlined import InlinedEncoder
from bilstm_hmm.export.frames import Extracted, write_extracted, write_frames
from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.export.hmms import write_log_likelihoods
from bilstm_hmm.export.network import write_network
from bilstm_hmm.export.voice.learning import LearnedVoice
from bilstm_hmm.export.voice.moments import Moments
from bilstm_hmm.features.extraction.extract import n_features
from bilstm_hmm.inference.bundle import Bundle

_PREFIX = "piece/"


@dataclass(frozen=True, slots=True)
class Scores:
    """Names of values of S pieces, or of one; C emotions, T output frames of all of them.

    Attributes
    ----------
    probabilities, clip_logits
        ``[S, C]``, or ``[1, C]`` of one.
    starts, ends
        Where the frames of each begin and end, in seconds, ``[S]``.
    frame_logits, log_likelihoods
        ``[T, C]``.
    frame_times
        The middle of each frame in seconds, ``[T]``.
    frame_pieces
        Which piece each frame is of, int64 ``[T]``.
    """

    probabilities: str
    clip_logits: str
    starts: str
    ends: str
    frame_logits: str
    log_likelihoods: str
    frame_times: str
    frame_pieces: str

    @property
    def of_pieces(self) -> tuple[str, ...]:
        """What there is of each piece."""
        return self.probabilities, self.clip_logits, self.starts, self.ends

    @property
    def of_frames(self) -> tuple[str, ...]:
        """What there is of each frame."""
        return self.frame_logits, self.log_likelihoods, self.frame_times, self.frame_pieces


def write_piece(
    graph: ModelWriter,
    extracted: Extracted,
    offset: str,
    number: str,
    end: str,
    bundle: Bundle,
    voice: Moments | None = None,
) -> Scores:
    """Write the scores of one piece.

    Parameters
    ----------
    offset
        Where it begins in the recording, int64 ``[1]``.
    number
        Which one it is, int64 ``[1]``.
    end
        Where the recording ends, in seconds, ``[1]``.
    voice
        What is known of who speaks.
    """
    recipe = bundle.recipe
    frames = write_frames(graph, extracted.frames, bundle, voice)
    network = write_network(graph, frames, bundle)
    log_likelihoods = write_log_likelihoods(graph, network, bundle.projection, bundle.hmm_bank)
    mean = graph.total("ReduceMean", log_likelihoods, 0, keepdims=0)
    probabilities = write_probabilities(graph, network.clip_logits, mean, bundle)
    begin = graph.add("Cast", graph.add("Add", offset, extracted.start), to=1)
    first = graph.add("Div", begin, graph.floats(np.array([recipe.features.rate])))
    length = graph.add("Cast", graph.size(frames, 1), to=1)
    lasts = graph.add("Div", length, graph.floats(recipe.features.frame_rate))
    # The silence before a recording is none of it.
    start = graph.add("Max", first, graph.floats(0.0))
    stop = graph.add("Add", first, lasts)
    count = graph.size(log_likelihoods, 0)
    return Scores(
        probabilities=graph.unsqueeze(probabilities, 0),
        clip_logits=graph.unsqueeze(network.clip_logits, 0),
        starts=start,
        ends=stop,
        frame_logits=network.frame_logits,
        log_likelihoods=log_likelihoods,
        frame_times=_times(graph, start, graph.add("Min", stop, end), count, recipe.output_rate),
        frame_pieces=graph.add("Expand", number, count),
    )


def _times(graph: ModelWriter, start: str, stop: str, count: str, rate: float) -> str:
    """As `bilstm_hmm.timeline.segments.SpeechInterval.times`."""
    frames = graph.add("Cast", graph.count_up(count), to=1)
    middles = graph.add(
        "Mul", graph.add("Add", frames, graph.floats(0.5)), graph.floats(1.0 / rate)
    )
    return graph.add("Min", graph.add("Add", middles, start), stop)


def write_scores(
    graph: ModelWriter,
    samples: str,
    ranges: str,
    end: str,
    bundle: Bundle,
    voice: LearnedVoice | None,
    encoder: InlinedEncoder | None,
) -> Scores:
    """Write the scores of the pieces ``[S, 2]`` of the samples ``[n]`` of a recording."""
    from onnx import TensorProto

    n_emotions = len(bundle.classes)
    float_, int_ = TensorProto.FLOAT, TensorProto.INT64
    #: Type and width of what a frame has, and of what a piece has.
    frame_values = ((float_, n_emotions), (float_, n_emotions), (float_, None), (int_, None))
    body = ModelWriter(_PREFIX)
    number = body.unsqueeze(f"{_PREFIX}step", 0)
    limits = body.add("Reshape", body.add("Gather", ranges, number), body.ints(2))
    start, stop = (body.add("Gather", limits, body.ints(at)) for at in (0, 1))
    cut = body.cut(samples, start, stop, 0)
    extracted = _extracted(body, cut, number, bundle, voice, encoder)
    moments = None if voice is None else voice.moments
    piece = write_piece(body, extracted, start, number, end, bundle, moments)

    def tensor(name: str, kind: int, *axes: str | int) -> Any:
        return _tensor(f"{_PREFIX}{name}", kind, *axes)

    before, after, empty = [], [], []
    for index, (value, (kind, width)) in enumerate(zip(piece.of_frames, frame_values, strict=True)):
        more = () if width is None else (width,)
        before.append(tensor(f"frames{index}", kind, f"before{index}", *more))
        after.append(tensor(f"more_frames{index}", kind, f"after{index}", *more))
        names = f"{_PREFIX}frames{index}", f"{_PREFIX}more_frames{index}"
        body.add("Concat", names[0], value, axis=0, name=names[1])
        kind_of = np.float32 if kind == float_ else np.int64
        empty.append(graph.constant(np.zeros((0, *more), kind_of)))
    outputs = []
    for index, value in enumerate(piece.of_pieces):
        width = n_emotions if index < 2 else 1
        flat = f"{_PREFIX}piece{index}"
        body.add("Reshape", value, body.ints(width), name=flat)
        outputs.append(tensor(f"piece{index}", float_, width))
    body.add("Identity", f"{_PREFIX}go_on", name=f"{_PREFIX}goes_on")
    count = graph.squeeze(graph.size(ranges, 0), 0)
    found = graph.loop(body, empty, before, [*after, *outputs], trips=count)
    *of_frames, probabilities, clip_logits, starts, ends = found
    starts, ends = (graph.add("Reshape", value, graph.ints(-1)) for value in (starts, ends))
    return Scores(probabilities, clip_logits, starts, ends, *of_frames)


def _extracted(
    body: ModelWriter,
    samples: str,
    number: str,
    bundle: Bundle,
    voice: LearnedVoice | None,
    encoder: InlinedEncoder | None,
) -> Extracted:
    """The frames of a piece: those that are held since its voice was learned, or new ones."""
    if voice is None:
        return write_extracted(body, samples, bundle, encoder)
    from onnx import TensorProto

    held, new = body.body("held"), body.body("new")
    both = voice.piece(held, number), write_extracted(new, samples, bundle, encoder)
    is_held = voice.is_held(body, number)
    n_views, width = len(bundle.recipe.decision.warps), n_features(bundle.recipe.features)
    branches = [
        (
            _tensor(one.frames, TensorProto.FLOAT, n_views, width, "T"),
            _tensor(one.start, TensorProto.INT64, 1),
        )
        for one in both
    ]
    return Extracted(*body.choose(is_held, held, new, branches))


def _tensor(name: str, kind: int, *axes: str | int) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(name, kind, axes)
