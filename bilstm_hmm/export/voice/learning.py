"""What the pieces of a recording say of who speaks in it, before any of them is scored.

As `bilstm_hmm.inference.voice.learner.VoiceLearner`. The frames of the pieces are computed once
more for it: they are not held.
"""

from typing import Any

import numpy as np

from bilstm_hmm.export.frames import write_features
from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.export.voice.moments import Moments, clip_moments, merge_moments
from bilstm_hmm.export.waveform import write_utterance
from bilstm_hmm.features.extraction.extract import n_features
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.voice.learner import LEARNED_SECONDS, knows_voices

_PREFIX = "voice/"


def write_voice(graph: ModelWriter, samples: str, ranges: str, bundle: Bundle) -> Moments | None:
    """Write the moments of the pieces ``[S, 2]`` of samples ``[n]``, all zero of a single one.

    None for a model that knows no voices.
    """
    from onnx import TensorProto, helper

    recipe = bundle.recipe
    if not knows_voices(recipe) or recipe.features.normalisation != "train":
        return None
    by_row = (len(recipe.decision.warps), n_features(recipe.features), 1)
    shapes = ((1,), (1,), by_row, by_row)

    def tensors(prefix: str) -> list[Any]:
        return [
            helper.make_tensor_value_info(f"{_PREFIX}{prefix}{index}", TensorProto.FLOAT, shape)
            for index, shape in enumerate(shapes)
        ]

    before, after = tensors("before"), tensors("after")
    body = ModelWriter(_PREFIX)
    number = body.unsqueeze(f"{_PREFIX}step", 0)
    limits = body.add("Reshape", body.add("Gather", ranges, number), body.ints(2))
    start, stop = (body.add("Gather", limits, body.ints(at)) for at in (0, 1))
    utterance = write_utterance(body, body.cut(samples, start, stop, 0), recipe.features)
    own = clip_moments(body, write_features(body, utterance.samples, bundle))
    known = merge_moments(body, Moments(*(value.name for value in before)), own)
    values = known.n_clips, known.n_frames, known.mean, known.squares
    for value, output, shape in zip(values, after, shapes, strict=True):
        body.add("Reshape", value, body.ints(*shape), name=output.name)
    enough = body.floats(round(LEARNED_SECONDS * recipe.features.frame_rate))
    more = body.add("Less", known.n_frames, enough)
    body.add("Squeeze", more, body.ints(0), name=f"{_PREFIX}goes_on")
    # A recording of one piece learns nothing: each counts for its own voice anyway.
    count = graph.squeeze(graph.size(ranges, 0), 0)
    several = graph.squeeze(graph.add("Greater", graph.size(ranges, 0), graph.ints(1)), 0)
    nothing = [graph.constant(np.zeros(shape, np.float32)) for shape in shapes]
    learned = graph.loop(body, nothing, before, after, trips=count, condition=several)
    n_clips, n_frames, mean, squares = learned
    several_learned = graph.add("Greater", n_clips, graph.floats([1.0]))
    n_clips, n_frames, squares = (
        graph.add("Where", several_learned, value, graph.floats(0.0))
        for value in (n_clips, n_frames, squares)
    )
    return Moments(n_clips, n_frames, mean, squares)
