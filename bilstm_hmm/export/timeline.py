"""The timeline inside an utterance: the probabilities of the emotions at each frame, and the path.

As `bilstm_hmm.inference.answer` has them: the composite HMM of
`bilstm_hmm.timeline.composite_hmm` by the forward-backward algorithm, with what the label knows
beyond the HMMs as prior, brought to the probabilities of the label as their mean.

Unlike `bilstm_hmm.timeline.decoding`, the frames of the minimum duration, m of them, are written
out as states here. A state ``[E, m + 1]`` is an emotion and how many frames it has had: m - 1 is
the last of the minimum duration, m any after it. The best path is where the best path through each
frame goes, so that nothing has to be traced back.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bilstm_hmm.export.graph import ModelWriter, tensor
from bilstm_hmm.inference.answer import SCALINGS
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.timeline.composite_hmm import CompositeHmm, build_composite

_IMPOSSIBLE = -1e30
_LEAST_PRIOR, _LEAST_BY_HMMS, _LEAST_POSTERIOR = 1e-3, 1e-3, 1e-9


#: Joins the values of a body along an axis, which stays: a sum of paths, or the best of them.
Join = Callable[[ModelWriter, str, int], str]


@dataclass(frozen=True, slots=True)
class FrameAnswers:
    """Names: the probabilities at each frame ``[T, E]``, and the emotion of each, int64 ``[T]``."""

    probabilities: str
    emotions: str


@dataclass(frozen=True, slots=True)
class _Timeline:
    """What both directions share: the model, its size, and the name of the entries ``[E, 1]``."""

    composite: CompositeHmm
    n_emotions: int
    entries: str


def write_frame_answers(
    graph: ModelWriter, log_likelihoods: str, probabilities: str, bundle: Bundle
) -> FrameAnswers:
    """Write what is when within an utterance.

    Parameters
    ----------
    log_likelihoods
        Of the frames, ``[T, E]``.
    probabilities
        Of the utterance, ``[E]``.
    """
    recipe, n_emotions = bundle.recipe, len(bundle.classes)
    inverse_temperature = float(bundle.fusion.hmm_inverse_temperature)
    mean = graph.total("ReduceMean", log_likelihoods, 0, keepdims=0)
    by_hmms = graph.add("Mul", mean, graph.floats(inverse_temperature))
    entries = _log_prior(graph, probabilities, graph.add("Softmax", by_hmms, axis=-1))
    length = graph.add("Cast", graph.size(log_likelihoods, 0), to=1)
    most = recipe.timeline.utterance_duration * recipe.output_rate
    counted = graph.add("Min", length, graph.floats(np.array([most])))
    weight = graph.add("Div", graph.floats(inverse_temperature), counted)
    scores = graph.unsqueeze(graph.add("Mul", log_likelihoods, weight), 2)
    composite = build_composite(np.ones(n_emotions), recipe.output_rate, recipe.timeline)
    timeline = _Timeline(composite, n_emotions, graph.unsqueeze(entries, 1))
    total = _through(graph, scores, timeline, "sum/", ModelWriter.log_sum_exp)
    highest = graph.total("ReduceMax", total, 1, 2)
    occupancy = graph.add("Exp", graph.add("Sub", total, highest))
    by_emotion = graph.total("ReduceSum", occupancy, 2, keepdims=0)
    posterior = graph.add("Div", by_emotion, graph.total("ReduceSum", by_emotion, 1))
    best = _through(graph, scores, timeline, "best/", _largest)
    path = graph.add("ArgMax", graph.total("ReduceMax", best, 2, keepdims=0), axis=1, keepdims=0)
    return FrameAnswers(
        scale_to_mean(graph, posterior, probabilities),
        _with_label(graph, path, probabilities, n_emotions),
    )


def _largest(graph: ModelWriter, value: str, axis: int) -> str:
    return graph.total("ReduceMax", value, axis)


def _with_label(graph: ModelWriter, path: str, probabilities: str, n_emotions: int) -> str:
    """The path, where the label has more of its frames than any other emotion; else the label."""
    emotions = graph.ints(*range(n_emotions))
    on_path = graph.add("Equal", graph.unsqueeze(path, 1), emotions)
    counts = graph.total("ReduceSum", graph.add("Cast", on_path, to=7), 0, keepdims=0)
    label = graph.add("ArgMax", probabilities, axis=0, keepdims=1)
    others = graph.add("Where", graph.add("Equal", label, emotions), graph.ints(-1), counts)
    own = graph.add("Gather", counts, label)
    is_most = graph.add("Greater", own, graph.total("ReduceMax", others, 0))
    return graph.add("Where", is_most, path, label)


def _log_prior(graph: ModelWriter, probabilities: str, by_hmms: str) -> str:
    """As `composite_hmm.log_prior` of what the label knows beyond the HMMs."""
    known = graph.add("Max", by_hmms, graph.floats(_LEAST_BY_HMMS))
    prior = graph.add("Div", probabilities, known)
    floored = graph.add("Max", prior, graph.floats(_LEAST_PRIOR))
    return graph.add("Log", graph.add("Div", floored, graph.total("ReduceSum", floored, 0)))


def _through(graph: ModelWriter, scores: str, timeline: _Timeline, prefix: str, join: Join) -> str:
    """Log scores of the paths through each frame and state, ``[T, E, m + 1]``, relative."""
    ahead = _forward(graph, scores, timeline, f"{prefix}ahead/", join)
    return graph.add("Add", ahead, _backward(graph, scores, timeline, f"{prefix}behind/", join))


def _forward(graph: ModelWriter, scores: str, timeline: _Timeline, prefix: str, join: Join) -> str:
    """Log scores of paths up to each frame and its state, ``[T, E, m + 1]``, relative."""
    composite, least = timeline.composite, timeline.composite.min_frames
    body = ModelWriter(prefix)
    reached = body.add("Add", f"{prefix}before", f"{prefix}score")
    mature = body.cut(reached, body.ints(least - 1), body.ints(least + 1), 1)
    leaving = join(body, mature, 1)
    leave = body.add("Add", join(body, leaving, 0), body.floats(composite.log_exit))
    parts = [body.add("Add", leave, timeline.entries)]
    if least > 1:
        parts.append(body.cut(reached, body.ints(0), body.ints(least - 1), 1))
    parts.append(body.add("Add", leaving, body.floats(composite.log_self_loop)))
    _relative(body, body.add("Concat", *parts, axis=1), f"{prefix}after")
    body.add("Identity", reached, name=f"{prefix}reached")
    rest = np.full((timeline.n_emotions, least), _IMPOSSIBLE)
    start = graph.add("Concat", timeline.entries, graph.floats(rest), axis=1)
    return _scan(graph, body, start, scores, timeline, prefix, backwards=False)


def _backward(graph: ModelWriter, scores: str, timeline: _Timeline, prefix: str, join: Join) -> str:
    """Log scores of what may follow each frame and its state, ``[T, E, m + 1]``, relative."""
    composite, least = timeline.composite, timeline.composite.min_frames
    body = ModelWriter(prefix)
    following = body.add("Add", f"{prefix}before", f"{prefix}score")
    first = body.cut(following, body.ints(0), body.ints(1), 1)
    last = body.cut(following, body.ints(least), body.ints(least + 1), 1)
    entered = join(body, body.add("Add", first, timeline.entries), 0)
    left = body.add("Add", entered, body.floats(composite.log_exit))
    stayed = body.add("Add", last, body.floats(composite.log_self_loop))
    wide = body.add("Expand", left, body.ints(timeline.n_emotions, 1))
    mature = join(body, body.add("Concat", stayed, wide, axis=1), 1)
    parts = [mature, mature]
    if least > 1:
        parts.insert(0, body.cut(following, body.ints(1), body.ints(least), 1))
    _relative(body, body.add("Concat", *parts, axis=1), f"{prefix}after")
    body.add("Identity", f"{prefix}before", name=f"{prefix}reached")
    start = graph.floats(np.zeros((timeline.n_emotions, least + 1)))
    return _scan(graph, body, start, scores, timeline, prefix, backwards=True)


def _scan(
    graph: ModelWriter,
    body: ModelWriter,
    start: str,
    scores: str,
    timeline: _Timeline,
    prefix: str,
    backwards: bool,
) -> str:
    width = timeline.composite.min_frames + 1
    shapes = {"before": width, "score": 1, "after": width, "reached": width}
    values = {name: tensor(f"{prefix}{name}", timeline.n_emotions, n) for name, n in shapes.items()}
    return graph.scan(
        body,
        [start, scores],
        [values["before"], values["score"]],
        [values["after"], values["reached"]],
        backwards,
    )


def _relative(body: ModelWriter, value: str, name: str) -> None:
    """Only differences count, and long recordings would run out of digits."""
    highest = body.total("ReduceMax", value, 0, 1)
    shifted = body.add("Sub", value, highest)
    body.add("Max", shifted, body.floats(_IMPOSSIBLE), name=name)


def scale_to_mean(graph: ModelWriter, posterior: str, mean: str) -> str:
    """Write probabilities of frames ``[T, E]`` whose mean is `mean`, ``[E]``.

    As `bilstm_hmm.inference.answer.scale_to_mean`, always to the last of its steps.
    """
    floored = graph.add("Max", posterior, graph.floats(_LEAST_POSTERIOR))
    body = ModelWriter("scaling/")
    factors = body.add("Div", mean, body.total("ReduceMean", "scaled", 0))
    product = body.add("Mul", "scaled", factors)
    body.add("Div", product, body.total("ReduceSum", product, 1), name="scaled_next")
    body.add("Identity", "scaling/go_on", name="scaling/goes_on")
    state, next_state = (tensor(name, "T", "E") for name in ("scaled", "scaled_next"))
    (scaled,) = graph.loop(body, [floored], [state], [next_state], trips=graph.scalar(SCALINGS))
    return scaled
