"""The emotion HMMs inside the graph: the forward algorithm as a ``Scan`` over the time.

As `bilstm_hmm.hmm.bank.score_frames`, in single precision. That is enough because what is carried
from frame to frame is the probability of each state given all frames before, which never
leaves its range however long the recording is.
"""

from typing import Any

import numpy as np

from bilstm_hmm.arrays import FloatMatrix
from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.export.network import NetworkValues
from bilstm_hmm.hmm.bank import HmmBank
from bilstm_hmm.hmm.projection import Projection

_LOG_2PI = float(np.log(2 * np.pi))
#: The least log probability of a transition for which probabilities themselves can be carried.
_LEAST_LINEAR = -40.0
#: In the place of the logarithm of zero: far from anything, and sums of it still have a value.
_IMPOSSIBLE = -1e30


def write_log_likelihoods(
    graph: ModelWriter, network: NetworkValues, projection: Projection, bank: HmmBank
) -> str:
    """Write the log-likelihood of each frame given those before it, ``[T, E]``."""
    source = network.frame_logits if projection.from_logits else network.hidden
    matrix = graph.floats(projection.matrix)
    projected = graph.add("MatMul", source, matrix)
    sequence = graph.add("Add", projected, graph.floats(projection.offset))
    densities = _log_densities(graph, sequence, bank)
    logs = np.concatenate([bank.log_startprob.ravel(), bank.log_transmat.ravel()])
    if logs.min() >= _LEAST_LINEAR:
        return _forward_linear(graph, densities, bank)
    return _forward_log(graph, densities, bank)


def _log_densities(graph: ModelWriter, sequence: str, bank: HmmBank) -> str:
    """As `bilstm_hmm.hmm.bank.log_densities`, ``[T, E, S]``."""
    emotions, states, dimensions = bank.means.shape
    flat = bank.precision_cholesky.reshape(-1, dimensions)
    means = np.einsum("esij,esj->esi", bank.precision_cholesky, bank.means).ravel()
    log_determinant = np.log(np.einsum("esii->esi", bank.precision_cholesky)).sum(axis=-1)
    whitened = graph.add("MatMul", sequence, graph.floats(flat.T))
    distance = graph.add("Sub", whitened, graph.floats(means))
    squares = graph.add("Mul", distance, distance)
    by_state = graph.add("Reshape", squares, graph.ints(-1, emotions, states, dimensions))
    mahalanobis = graph.total("ReduceSum", by_state, 3, keepdims=0)
    halved = graph.add("Mul", mahalanobis, graph.floats(-0.5))
    return graph.add("Add", halved, graph.floats(log_determinant - 0.5 * dimensions * _LOG_2PI))


def _forward_linear(graph: ModelWriter, densities: str, bank: HmmBank) -> str:
    """By the scaled forward algorithm, where every state follows every state.

    What a frame is expected in is then never zero, so that relative densities, of which the
    largest is one, leave no sum without a digit.
    """
    highest = graph.total("ReduceMax", densities, 2)
    relative = graph.add("Exp", graph.add("Sub", densities, highest))
    body = ModelWriter("forward/")
    joint = body.add("Mul", "expected", "density")
    likelihood = body.total("ReduceSum", joint, 2, keepdims=1)
    posterior = body.add("Div", joint, likelihood)
    transmat = graph.floats(np.exp(bank.log_transmat))
    body.add("MatMul", posterior, transmat, name="expected_next")
    body.add("Identity", likelihood, name="likelihood")
    # A row for each emotion, [E, 1, S].
    start = graph.floats(np.exp(bank.log_startprob)[:, None])
    found = _scan(graph, body, start, graph.unsqueeze(relative, 2), bank.means.shape[:2])
    logs = graph.add("Log", graph.add("Squeeze", found, graph.ints(2, 3)))
    return graph.add("Add", logs, graph.squeeze(highest, 2))


def _forward_log(graph: ModelWriter, densities: str, bank: HmmBank) -> str:
    """In the log domain, where some states never follow some others."""
    body = ModelWriter("forward/")
    joint = body.add("Add", "expected", "density")
    total = body.log_sum_exp(joint, 2)
    posterior = body.add("Sub", joint, total)
    column = body.add("Transpose", posterior, perm=[0, 2, 1])
    step = body.add("Add", column, graph.floats(_finite(bank.log_transmat)))
    body.add("Max", body.log_sum_exp(step, 1), body.floats(_IMPOSSIBLE), name="expected_next")
    body.add("Identity", total, name="likelihood")
    start = graph.floats(_finite(bank.log_startprob)[:, None])
    found = _scan(graph, body, start, graph.unsqueeze(densities, 2), bank.means.shape[:2])
    return graph.add("Squeeze", found, graph.ints(2, 3))


def _scan(
    graph: ModelWriter, body: ModelWriter, start: str, steps: str, shape: tuple[int, ...]
) -> str:
    """Run `body` over the time from `start`, ``[E, 1, S]``; returns its ``[T, E, 1, 1]``."""
    from onnx import TensorProto, helper

    emotions, states = shape

    def tensor(name: str, width: int) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [emotions, 1, width])

    return graph.scan(
        body,
        [start, steps],
        [tensor("expected", states), tensor("density", states)],
        [tensor("expected_next", states), tensor("likelihood", 1)],
    )


def _finite(logs: FloatMatrix) -> FloatMatrix:
    return np.maximum(logs, _IMPOSSIBLE)
