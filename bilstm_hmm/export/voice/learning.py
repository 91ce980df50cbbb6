"""What the pieces of a recording say of who speaks in it, before any of them is scored.

As `bilstm_hmm.inference.voice.learner.VoiceLearner`. The frames of the pieces that a voice is
learned from are held, so that none is computed twice.
"""

from dataclasses import dataclass

import numpy as np

from bilstm_hmm.export.encoder.inlined import InlinedEncoder
from bilstm_hmm.export.frames import Extracted, write_extracted
from bilstm_hmm.export.graph import ModelWriter, tensor
from bilstm_hmm.export.voice.moments import Moments, clip_moments, merge_moments
from bilstm_hmm.features.extraction.extract import n_features
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.voice.learner import LEARNED_SECONDS, knows_voices

_PREFIX = "voice/"


@dataclass(frozen=True, slots=True)
class LearnedVoice:
    """Names of values; K pieces were learned from, none in a recording of a single one.

    Attributes
    ----------
    moments
        Of their frames, all zero where nothing is learned.
    frames
        Of all of them, not normalised, ``[V, F, T]``.
    bounds
        From and to which frame those of each go, int64 ``[K + 1]``.
    starts
        Where each utterance begins in its piece, int64 ``[K]``.
    """

    moments: Moments
    frames: str
    bounds: str
    starts: str

    def is_held(self, graph: ModelWriter, number: str) -> str:
        """Write whether the frames of a piece are held, a boolean without axes, of ``[1]``."""
        return graph.squeeze(graph.add("Less", number, graph.size(self.starts, 0)), 0)

    def piece(self, graph: ModelWriter, number: str) -> Extracted:
        """Write the frames of a piece that are held."""
        following = graph.add("Add", number, graph.ints(1))
        first, stop = (graph.add("Gather", self.bounds, at) for at in (number, following))
        frames = graph.cut(self.frames, first, stop, 2)
        return Extracted(frames, graph.add("Gather", self.starts, number))


def write_voice(
    graph: ModelWriter, samples: str, ranges: str, bundle: Bundle, encoder: InlinedEncoder | None
) -> LearnedVoice | None:
    """Write what the pieces ``[S, 2]`` of samples ``[n]`` say of a voice.

    None for a model that knows no voices.
    """
    from onnx import TensorProto

    recipe = bundle.recipe
    if not knows_voices(recipe) or recipe.features.normalisation != "train":
        return None
    by_row = (len(recipe.decision.warps), n_features(recipe.features), 1)
    shapes = ((1,), (1,), by_row, by_row)
    before, after = (
        [tensor(f"{_PREFIX}{name}{index}", *shape) for index, shape in enumerate(shapes)]
        for name in ("before", "after")
    )
    held, more_held = (tensor(f"{_PREFIX}{n}", *by_row[:2], n) for n in ("held", "more_held"))
    body = ModelWriter(_PREFIX)
    number = body.unsqueeze(f"{_PREFIX}step", 0)
    limits = body.add("Reshape", body.add("Gather", ranges, number), body.ints(2))
    start, stop = (body.add("Gather", limits, body.ints(at)) for at in (0, 1))
    extracted = write_extracted(body, body.cut(samples, start, stop, 0), bundle, encoder)
    own = clip_moments(body, extracted.frames)
    known = merge_moments(body, Moments(*(value.name for value in before)), own)
    values = known.n_clips, known.n_frames, known.mean, known.squares
    for value, output, shape in zip(values, after, shapes, strict=True):
        body.add("Reshape", value, body.ints(*shape), name=output.name)
    body.add("Concat", held.name, extracted.frames, axis=2, name=more_held.name)
    given = (body.size(extracted.frames, 2), extracted.start)
    found = [tensor(value, 1, kind=TensorProto.INT64) for value in given]
    enough = body.floats(round(LEARNED_SECONDS * recipe.features.frame_rate))
    more = body.add("Less", known.n_frames, enough)
    body.add("Squeeze", more, body.ints(0), name=f"{_PREFIX}goes_on")
    # A recording of one piece learns nothing: each counts for its own voice anyway.
    count = graph.squeeze(graph.size(ranges, 0), 0)
    several = graph.squeeze(graph.add("Greater", graph.size(ranges, 0), graph.ints(1)), 0)
    nothing = [graph.constant(np.zeros(shape, np.float32)) for shape in shapes]
    none_held = graph.constant(np.zeros((*by_row[:2], 0), np.float32))
    *learned, frames, lengths, starts = graph.loop(
        body,
        [*nothing, none_held],
        [*before, held],
        [*after, more_held, *found],
        trips=count,
        condition=several,
    )
    lengths, starts = (graph.add("Reshape", value, graph.ints(-1)) for value in (lengths, starts))
    bounds = graph.add(
        "CumSum", graph.add("Concat", graph.ints(0), lengths, axis=0), graph.scalar(0)
    )
    return LearnedVoice(_of_several(graph, Moments(*learned)), frames, bounds, starts)


def _of_several(graph: ModelWriter, moments: Moments) -> Moments:
    """The moments of more clips than one, else of none."""
    several = graph.add("Greater", moments.n_clips, graph.floats([1.0]))
    n_clips, n_frames, squares = (
        graph.add("Where", several, value, graph.floats(0.0))
        for value in (moments.n_clips, moments.n_frames, moments.squares)
    )
    return Moments(n_clips, n_frames, moments.mean, squares)
