"""Frames as the network takes them, as `bilstm_hmm.inference.scoring.Scorer.normalise`."""

from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.export.voice.moments import Moments, clip_moments, merge_moments
from bilstm_hmm.inference.bundle import Bundle

#: As in `bilstm_hmm.features.extraction.normalise`.
_CONSTANT = 1e-6


def write_normalised(
    graph: ModelWriter, value: str, bundle: Bundle, voice: Moments | None = None
) -> str:
    """Bring rows of ``[V, F, T]`` to zero mean and unit variance, by what the recipe says.

    Parameters
    ----------
    voice
        What is known of who speaks, by other clips or by this one among others.
    """
    kind, settings = bundle.recipe.features.normalisation, bundle.recipe.voice
    if kind == "none":
        return value
    mean, std = (
        graph.floats(column[:, None]) for column in (bundle.statistics.mean, bundle.statistics.std)
    )
    if kind == "clip":
        mean, std = _statistics(graph, clip_moments(graph, value))
    elif settings.known_clips:
        # The clip is one that its voice is known by.
        own = clip_moments(graph, value)
        known = own if voice is None else merge_moments(graph, voice, own)
        known_mean, known_std = _statistics(graph, known)
        mean = _shrunk(graph, mean, known_mean, known.n_clips, settings.mean_prior)
        std = _shrunk(graph, std, known_std, known.n_clips, settings.std_prior)
    return graph.add("Div", graph.add("Sub", value, mean), std)


def _shrunk(graph: ModelWriter, trained: str, known: str, n_clips: str, prior: float) -> str:
    weight = graph.add("Div", n_clips, graph.add("Add", n_clips, graph.floats(prior)))
    step = graph.add("Mul", graph.add("Sub", known, trained), weight)
    return graph.add("Add", trained, step)


def _statistics(graph: ModelWriter, moments: Moments) -> tuple[str, str]:
    """Mean and deviation of the rows, ``[V, F, 1]``; of a constant one the deviation is 1."""
    std = graph.add("Sqrt", graph.add("Div", moments.squares, moments.n_frames))
    size = graph.add("Max", graph.add("Abs", moments.mean), graph.floats(1.0))
    least = graph.add("Mul", size, graph.floats(_CONSTANT))
    constant = graph.add("LessOrEqual", std, least)
    return moments.mean, graph.add("Where", constant, graph.floats(1.0), std)
