"""Whole runs in a third of the time: few graphs, which take seconds to build, and no pictures.

``python tests/fast_runs.py train.py --config ...`` runs a script of the repository so.
"""

import os
import runpy
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any
from unittest.mock import patch

REPOSITORY = Path(__file__).parents[1]


@contextmanager
def without_graphs() -> Iterator[None]:
    """Steps of networks one by one, as they come; their LSTMs in a graph, Adam in one operation."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow

    before = tensorflow.config.functions_run_eagerly()
    tensorflow.config.run_functions_eagerly(True)
    try:
        with ExitStack() as stack:
            for layer in (keras.layers.RNN, keras.layers.LSTM):
                loop = _inner_loop(layer.inner_loop)
                stack.enter_context(patch.object(layer, "inner_loop", loop))
            stack.enter_context(patch.object(keras.optimizers.Adam, "update_step", _update))
            yield
    finally:
        tensorflow.config.run_functions_eagerly(before)


@contextmanager
def fast_runs(steps: bool = True) -> Iterator[None]:
    """The same, with hardly any pictures, and intervals of fewer resamples.

    Without `steps` networks keep the weights that they begin with: for what comes after a training.
    """
    from bilstm_hmm.evaluation import metrics
    from bilstm_hmm.training import loop

    draws, train = metrics._draws, loop._train_on if steps else without_steps

    def few(groups: Any, n_clips: int, resamples: int, seed: int) -> Any:
        return draws(groups, n_clips, min(resamples, 50), seed)

    with (
        without_graphs(),
        without_pictures(),
        patch.object(metrics, "_draws", few),
        patch.object(loop, "_train_on", train),
    ):
        yield


def without_steps(_batches: Any, training: Any) -> dict[str, float]:
    """Stand in for an epoch where it does not matter what the network becomes."""
    from bilstm_hmm.network.weights import get_weights

    training.state.average = get_weights(training.network.training_model.trainable_variables)
    return {"loss": 1.0, "frame_loss": 1.0, "accuracy": 50.0}


@contextmanager
def without_pictures() -> Iterator[None]:
    """Of pictures there are the first bytes alone."""
    from matplotlib.figure import Figure

    def save(_figure: Figure, target: IO[bytes], **_options: object) -> None:
        target.write(b"\x89PNG\r\n")

    with patch.object(Figure, "savefig", save):
        yield


@cache
def _recurrence() -> Any:
    """An LSTM's steps over projected inputs ``[T, B, 4 * H]``, whatever T, B and H are.

    Where the mask ``[T, B, 1]`` is false, output and states stay as they were, as in Keras. The
    graph is made once a process and is used even where functions run eagerly.
    """
    import tensorflow as tf

    def run(gates: Any, mask: Any, recurrent: Any, hidden: Any, carry: Any) -> Any:
        steps = tf.shape(gates)[0]

        def step(time: Any, outputs: Any, output: Any, hidden: Any, carry: Any) -> Any:
            moved = gates[time] + tf.matmul(hidden, recurrent)
            entry, forget, candidate, leave = tf.split(moved, 4, axis=1)
            kept = tf.sigmoid(forget) * carry + tf.sigmoid(entry) * tf.tanh(candidate)
            said = tf.sigmoid(leave) * tf.tanh(kept)
            output = tf.where(mask[time], said, output)
            outputs = outputs.write(time, output)
            hidden = tf.where(mask[time], said, hidden)
            return time + 1, outputs, output, hidden, tf.where(mask[time], kept, carry)

        outputs = tf.TensorArray(tf.float32, steps, element_shape=(None, None))
        state = (tf.constant(0), outputs, tf.zeros_like(hidden), hidden, carry)
        _, outputs, _, hidden, carry = tf.while_loop(
            lambda time, *_: time < steps, step, state, maximum_iterations=steps
        )
        return outputs.stack(), hidden, carry

    matrix = tf.TensorSpec((None, None))
    sequences, mask = tf.TensorSpec((None, None, None)), tf.TensorSpec((None, None, 1), tf.bool)
    signature = (sequences, mask, matrix, matrix, matrix)
    return tf.function(run, signature, autograph=False).get_concrete_function()


def _inner_loop(inner_loop: Any) -> Any:
    """Let that be the loop of LSTMs, and of those in a `PackedLSTM`; other layers keep theirs."""
    import keras
    import tensorflow as tf

    from bilstm_hmm.network.layers import _LSTMRecurrence

    def loop(
        layer: Any, sequences: Any, initial_state: Any, mask: Any, training: Any = False
    ) -> Any:
        cell = layer.cell
        if isinstance(cell, keras.layers.LSTMCell) and not layer.dropout:
            gates = sequences @ cell.kernel + cell.bias
        elif isinstance(cell, _LSTMRecurrence):
            cell, gates = cell.cell, sequences
        else:
            return inner_loop(layer, sequences, initial_state, mask, training)
        shape = tf.shape(gates)[:2]
        mask = (
            tf.ones(shape, tf.bool) if mask is None else tf.reshape(tf.cast(mask, tf.bool), shape)
        )
        gates, valid = tf.transpose(gates, (1, 0, 2)), tf.transpose(mask)[..., None]
        if layer.go_backwards:
            gates, valid = gates[::-1], valid[::-1]
        recurrent = tf.convert_to_tensor(cell.recurrent_kernel)
        outputs, *states = _recurrence()(gates, valid, recurrent, *initial_state)
        if layer.zero_output_for_mask:
            outputs = outputs * tf.cast(valid, outputs.dtype)
        return outputs[-1], tf.transpose(outputs, (1, 0, 2)), states

    return loop


def _update(optimizer: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
    """Do Adam's step of one variable, for which Keras has fifteen operations."""
    import tensorflow as tf

    place = optimizer._get_variable_index(variable)
    steps = tf.cast(optimizer.iterations.value + 1, tf.float32)
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=optimizer._momentums[place].value.handle,
        v=optimizer._velocities[place].value.handle,
        beta1_power=optimizer.beta_1**steps,
        beta2_power=optimizer.beta_2**steps,
        lr=learning_rate,
        beta1=optimizer.beta_1,
        beta2=optimizer.beta_2,
        epsilon=optimizer.epsilon,
        grad=gradient,
    )


if __name__ == "__main__":
    sys.path[0] = str(REPOSITORY)
    del sys.argv[0]
    with fast_runs():
        runpy.run_path(str(REPOSITORY / sys.argv[0]), run_name="__main__")
