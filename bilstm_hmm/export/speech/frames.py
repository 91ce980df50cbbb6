"""The frames of 10 ms in which somebody speaks, as `bilstm_hmm.features.vad.detector` has them."""

from dataclasses import dataclass

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.export.speech.levels import LoudFrames, write_loud_frames
from bilstm_hmm.export.speech.posteriors import probability_hop
from bilstm_hmm.features.vad.detector import CERTAIN, REACH, THRESHOLD


@dataclass(frozen=True, slots=True)
class SpeechFrames:
    """Names of values ``[N]``: whether a frame may hold speech, surely does, and its decibels.

    `hop` are the samples of a frame.
    """

    is_speech: str
    is_certain: str
    levels: str
    hop: int


def write_speech_frames(
    graph: ModelWriter, samples: str, probabilities: str, recipe: Recipe
) -> SpeechFrames:
    """Write which frames of samples ``[n]`` hold speech, by their level and the probabilities."""
    loud = write_loud_frames(graph, samples, recipe)
    if recipe.timeline.vad == "energy":
        return SpeechFrames(loud.is_loud, loud.is_loud, loud.levels, loud.hop)
    width = 2 * REACH + 1
    alone = graph.unsqueeze(probabilities, 0, 1)
    near = graph.add("MaxPool", alone, kernel_shape=[width], pads=[REACH, REACH])
    places = _places(graph, loud, recipe.features.rate)
    may, surely = (
        graph.add(
            "And",
            loud.is_loud,
            graph.add("GreaterOrEqual", graph.add("Gather", values, places), graph.floats(least)),
        )
        for values, least in (
            (graph.add("Reshape", near, graph.ints(-1)), THRESHOLD),
            (probabilities, CERTAIN),
        )
    )
    return SpeechFrames(may, surely, loud.levels, loud.hop)


def _places(graph: ModelWriter, loud: LoudFrames, rate: int) -> str:
    """The place of the probability at the middle of each frame, ``[N]``."""
    frames = graph.count_up(graph.size(loud.levels, 0))
    begins = graph.add("Mul", frames, graph.ints(loud.hop))
    middles = graph.add("Add", begins, graph.ints(loud.hop // 2))
    return graph.add("Div", middles, graph.ints(probability_hop(rate)))
