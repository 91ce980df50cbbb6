"""What of a recording is scored: one utterance, or each of its speech segments.

As `bilstm_hmm.inference.speech_cutter.SpeechCutter`.
"""

from dataclasses import dataclass

import numpy as np

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.inference.speech_cutter import UTTERANCE_MARGIN


@dataclass(frozen=True, slots=True)
class Pieces:
    """Names: from and to which sample pieces go, int64 ``[S, 2]``; whether it is an utterance.

    `is_utterance` is a boolean ``[1]``, true where all speech is one utterance, and where there is
    none.
    """

    ranges: str
    is_utterance: str


def write_pieces(graph: ModelWriter, samples: str, segments: str, recipe: Recipe) -> Pieces:
    """Write the pieces of samples ``[n]`` whose speech segments are known, int64 ``[S, 2]``."""
    rate = recipe.features.rate
    longest = round(recipe.window_frames / recipe.features.frame_rate * rate)
    margin, length = graph.ints(round(UTTERANCE_MARGIN * rate)), graph.size(samples, 0)
    flat = graph.add("Reshape", segments, graph.ints(-1))
    # So that there is something to look among where nobody speaks.
    first, last = (
        graph.total(op, graph.add("Concat", flat, graph.ints(nothing), axis=0), 0)
        for op, nothing in (("ReduceMin", np.iinfo(np.int64).max), ("ReduceMax", 0))
    )
    count = graph.size(segments, 0)
    spoken = graph.add("Sub", last, first)
    is_utterance = graph.add("LessOrEqual", spoken, graph.ints(longest))
    start = graph.add("Max", graph.add("Sub", first, margin), graph.ints(0))
    stop = graph.add("Min", graph.add("Add", last, margin), length)
    whole = graph.unsqueeze(graph.add("Concat", start, stop, axis=0), 0)
    either = graph.add("Concat", whole, segments, axis=0)
    from_ = graph.add("Where", is_utterance, graph.ints(0), graph.ints(1))
    one = graph.add("Min", count, graph.ints(1))
    to = graph.add("Where", is_utterance, one, graph.add("Add", count, graph.ints(1)))
    return Pieces(graph.cut(either, from_, to, 0), is_utterance)
