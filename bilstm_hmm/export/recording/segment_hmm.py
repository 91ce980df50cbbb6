"""The probabilities of the speech segments of a recording, each with those around it.

As `bilstm_hmm.timeline.segment_hmm.decode_recording`. A segment that says nothing stands behind the
last one; it changes nothing, and there is something to go through where nobody speaks.
"""

from dataclasses import dataclass

import numpy as np

from bilstm_hmm.export.graph import ModelWriter, tensor
from bilstm_hmm.timeline.segment_hmm import (
    EVIDENCE_WEIGHT,
    INVERSE_TEMPERATURE,
    LEAST_PROBABILITY,
    MAX_GAP,
    SECTION_SILENCE,
    SegmentHmm,
)

#: In the place of the logarithm of zero.
_IMPOSSIBLE = -1e30


@dataclass(frozen=True, slots=True)
class SegmentAnswers:
    """Names: the probabilities of S segments and of the one that says nothing, ``[S + 1, E]``.

    And the emotion of each, int64 ``[S + 1]``.
    """

    probabilities: str
    emotions: str


def write_segment_answers(
    graph: ModelWriter, probabilities: str, starts: str, ends: str, hmm: SegmentHmm
) -> SegmentAnswers:
    """Write what is said of the segments of a recording.

    Parameters
    ----------
    probabilities
        Of each segment as an utterance, ``[S, E]``.
    starts, ends
        In seconds, ``[S]``.
    """
    floored = graph.add("Max", probabilities, graph.floats(LEAST_PROBABILITY))
    nothing = graph.ints(0, 0, 1, 0)
    likelihoods = graph.add("Pad", graph.add("Log", floored), nothing)
    gaps, transitions = _transitions(graph, starts, ends, hmm)
    changing = _changing(graph, likelihoods, transitions, gaps)
    total = graph.total("ReduceSum", likelihoods, 0)
    count = graph.size(probabilities, 0)
    root = graph.add("Sqrt", graph.add("Cast", graph.add("Max", count, graph.ints(1)), to=1))
    power = graph.add("Div", graph.floats(EVIDENCE_WEIGHT * INVERSE_TEMPERATURE), root)
    throughout = graph.add("Softmax", graph.add("Mul", total, power), axis=-1)
    factor = _log_bayes_factor(graph, likelihoods, total, transitions, hmm)
    is_one = graph.add(
        "And",
        graph.add("Greater", count, graph.ints(1)),
        graph.add("GreaterOrEqual", factor, graph.floats(0.0)),
    )
    label = graph.add("ArgMax", total, axis=1, keepdims=0)
    return SegmentAnswers(
        graph.add("Where", is_one, throughout, changing.probabilities),
        graph.add("Where", graph.add("Reshape", is_one, graph.ints(1)), label, changing.emotions),
    )


def _transitions(graph: ModelWriter, starts: str, ends: str, hmm: SegmentHmm) -> tuple[str, str]:
    """The silence before each segment, and the log transitions into it, ``[S + 1, E, E]``.

    Before the first there is nothing, and any transition leaves nothing as it is.
    """
    durations = graph.add("Sub", ends, starts)
    before = graph.add("Pad", ends, graph.ints(1, 0))
    after = graph.add("Pad", starts, graph.ints(0, 1))
    gaps = graph.add("Sub", after, before)
    silence = graph.add("Min", graph.add("Max", gaps, graph.floats(0.0)), graph.floats(MAX_GAP))
    both = graph.add(
        "Add",
        graph.add("Pad", durations, graph.ints(1, 0)),
        graph.add("Pad", durations, graph.ints(0, 1)),
    )
    time = graph.add("Add", silence, graph.add("Mul", both, graph.floats(0.5)))
    rate = graph.floats(-1.0 / hmm.expected_duration)
    same = graph.unsqueeze(graph.add("Exp", graph.add("Mul", time, rate)), 1, 2)
    changed = graph.add(
        "Mul", graph.add("Sub", graph.floats(1.0), same), graph.floats(1.0 / hmm.n_emotions)
    )
    stayed = graph.add("Mul", same, graph.floats(np.eye(hmm.n_emotions)))
    return gaps, graph.add("Log", graph.add("Add", stayed, changed))


def _changing(graph: ModelWriter, likelihoods: str, transitions: str, gaps: str) -> SegmentAnswers:
    """By the forward-backward algorithm on tempered scores, and by the best path."""
    evidence = graph.add("Mul", likelihoods, graph.floats(EVIDENCE_WEIGHT))
    steps = graph.add("Add", transitions, graph.unsqueeze(evidence, 1))
    # What is behind a long silence says nothing of what was before it.
    parted = graph.add("GreaterOrEqual", gaps, graph.floats(SECTION_SILENCE))
    parts = graph.add("Cast", graph.unsqueeze(parted, 1, 2), to=1)
    tempered = graph.add("Mul", steps, graph.floats(INVERSE_TEMPERATURE))
    through = graph.add(
        "Add",
        _forward(graph, tempered, parts, "sum/into/", best=False),
        _backward(graph, tempered, parts, "sum/from/", best=False),
    )
    best = graph.add(
        "Add",
        _forward(graph, steps, parts, "best/into/", best=True),
        _backward(graph, steps, parts, "best/from/", best=True),
    )
    return SegmentAnswers(
        graph.add("Softmax", through, axis=-1), graph.add("ArgMax", best, axis=1, keepdims=0)
    )


def _forward(graph: ModelWriter, steps: str, parts: str, prefix: str, best: bool) -> str:
    """Log scores of paths up to each segment, ``[S + 1, E]``, relative.

    Of the best paths, one alone goes on behind a long silence.
    """
    body, names = ModelWriter(prefix), _Names(prefix)
    held = names.before
    if best:
        # The best one has zero.
        worse = body.add("Cast", body.add("Less", held, body.floats(0.0)), to=1)
        ended = body.add("Mul", body.add("Mul", worse, names.part), body.floats(_IMPOSSIBLE))
        held = body.add("Add", held, body.add("Reshape", ended, body.ints(-1)))
    paths = body.add("Add", body.unsqueeze(held, 1), names.step)
    joined = body.squeeze(_join(body, paths, 0, best), 0)
    body.add("Sub", joined, body.total("ReduceMax", joined, 0), name=names.after)
    body.add("Identity", names.after, name=names.reached)
    return _sweep(graph, body, names, steps, parts, backwards=False)


def _backward(graph: ModelWriter, steps: str, parts: str, prefix: str, best: bool) -> str:
    """Log scores of what may follow each segment, ``[S + 1, E]``, relative."""
    body, names = ModelWriter(prefix), _Names(prefix)
    paths = body.add("Add", body.unsqueeze(names.before, 0), names.step)
    joined = body.squeeze(_join(body, paths, 1, best), 1)
    relative = body.add("Sub", joined, body.total("ReduceMax", joined, 0))
    kept = body.add("Sub", body.floats(1.0), body.add("Reshape", names.part, body.ints(1)))
    body.add("Mul", relative, kept, name=names.after)
    body.add("Identity", names.before, name=names.reached)
    return _sweep(graph, body, names, steps, parts, backwards=True)


class _Names:
    """Of the values of a body: the state and what is gone through, the next state, the outcome."""

    def __init__(self, prefix: str) -> None:
        self.before, self.step, self.part, self.after, self.reached = (
            f"{prefix}{name}" for name in ("before", "step", "part", "after", "reached")
        )


def _join(body: ModelWriter, value: str, axis: int, best: bool) -> str:
    return body.total("ReduceMax", value, axis) if best else body.log_sum_exp(value, axis)


def _sweep(
    graph: ModelWriter, body: ModelWriter, names: _Names, steps: str, parts: str, backwards: bool
) -> str:
    nothing = graph.add("Expand", graph.floats(0.0), graph.size(steps, 2))
    return graph.scan(
        body,
        [nothing, steps, parts],
        [tensor(names.before, "E"), tensor(names.step, "E", "E"), tensor(names.part, 1, 1)],
        [tensor(names.after, "E"), tensor(names.reached, "E")],
        backwards,
    )


def _log_bayes_factor(
    graph: ModelWriter, likelihoods: str, total: str, transitions: str, hmm: SegmentHmm
) -> str:
    """As `log_bayes_factor`, ``[1, 1]``: the logarithm of each step's likelihood is summed up."""
    n = hmm.n_emotions
    body = ModelWriter("evidence/")
    before, step, after, gained = (
        f"evidence/{name}" for name in ("before", "step", "after", "gained")
    )
    reached = body.log_sum_exp(body.add("Add", body.unsqueeze(before, 1), step), 0)
    value = body.squeeze(reached, 0)
    body.log_sum_exp(value, 0, name=gained)
    body.add("Sub", value, gained, name=after)
    steps = graph.add("Add", transitions, graph.unsqueeze(likelihoods, 1))
    start = graph.floats(np.full(n, -np.log(n)))
    found = graph.scan(
        body,
        [start, steps],
        [tensor(before, n), tensor(step, n, n)],
        [tensor(after, n), tensor(gained, 1)],
    )
    changing = graph.total("ReduceSum", found, 0)
    throughout = graph.add("Sub", graph.log_sum_exp(total, 1), graph.floats(np.log(n)))
    return graph.add("Sub", throughout, changing)
