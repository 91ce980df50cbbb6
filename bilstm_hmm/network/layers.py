"""The Keras layers of the networks that Keras itself does not have.

Importing this module imports Keras, so only the modules of the network do. The names that layers
are registered by, those of their classes, stand in the files of saved networks and are never
changed.
"""

from typing import Any

import keras
from keras import ops

PACKAGE = "bilstm_hmm"


@keras.saving.register_keras_serializable(PACKAGE)
class StackFrames(keras.layers.Layer):  # type: ignore[misc]
    """Join `count` neighbouring frames into one: ``[B, T, F] -> [B, ceil(T/count), count*F]``.

    The last frame of a sequence is filled up with zeros, the mean of normalised features.
    """

    def __init__(self, count: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.count = count

    def call(self, frames: Any) -> Any:
        batch, time, width = ops.shape(frames)[0], ops.shape(frames)[1], frames.shape[-1]
        padded = ops.pad(frames, [[0, 0], [0, self.count - 1], [0, 0]])
        length = (time + self.count - 1) // self.count
        padded = padded[:, : length * self.count]
        return ops.reshape(padded, (batch, length, self.count * width))

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        time = None if shape[1] is None else -(-shape[1] // self.count)
        width = shape[2] or 0
        return (shape[0], time, self.count * width)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "count": self.count}


@keras.saving.register_keras_serializable(PACKAGE)
class StrideMask(keras.layers.Layer):  # type: ignore[misc]
    """Keep every `stride`-th entry of a mask: ``[B, T] -> [B, ceil(T/stride)]``."""

    def __init__(self, stride: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stride = stride

    def call(self, mask: Any) -> Any:
        return mask[:, :: self.stride]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "stride": self.stride}


@keras.saving.register_keras_serializable(PACKAGE)
class ZeroMasked(keras.layers.Layer):  # type: ignore[misc]
    """Set masked frames to zero, so that padding never leaks into the frames beside it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_mask(self, frames: Any, mask: Any = None) -> None:
        """The mask goes its own way, because strides shorten it."""

    def call(self, frames: Any, mask: Any = None) -> Any:
        valid = ops.cast(mask, frames.dtype)
        for _ in frames.shape[2:]:
            valid = ops.expand_dims(valid, -1)
        return frames * valid


@keras.saving.register_keras_serializable(PACKAGE)
class AttentiveStatistics(keras.layers.Layer):  # type: ignore[misc]
    """Attention-weighted mean and standard deviation over time: ``[B, T, H] -> [B, 2H]``.

    Attentive statistics pooling (Okabe et al., 2018). With `attention` off, every unmasked
    frame weighs the same.
    """

    def __init__(self, attention: bool = True, units: int = 64, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.attention = attention
        self.units = units
        self.supports_masking = True
        if attention:
            self.project = keras.layers.Dense(units, activation="tanh", name="project")
            self.score = keras.layers.Dense(1, use_bias=False, name="score")

    def build(self, shape: tuple[int | None, ...]) -> None:
        if self.attention:
            self.project.build(shape)
            self.score.build((*shape[:-1], self.units))
        self.built = True

    def compute_mask(self, hidden: Any, mask: Any = None) -> None:
        """No time is left to mask."""

    def call(self, hidden: Any, mask: Any = None) -> Any:
        valid = ops.cast(mask, hidden.dtype)
        penalty = (valid - 1.0) * 1e9
        scores = self.score(self.project(hidden))[..., 0] + penalty if self.attention else penalty
        # Written out, because Keras's softmax warns of clips that are one frame long.
        exponentials = ops.exp(scores - ops.max(scores, axis=1, keepdims=True))
        total = ops.sum(exponentials, axis=1, keepdims=True)
        weights = ops.expand_dims(exponentials / total, -1)
        mean = ops.sum(weights * hidden, axis=1)
        variance = ops.sum(weights * ops.square(hidden - ops.expand_dims(mean, 1)), axis=1)
        return ops.concatenate([mean, ops.sqrt(variance + 1e-5)], axis=-1)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (shape[0], 2 * (shape[2] or 0))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "attention": self.attention, "units": self.units}


class PackedLSTM(keras.layers.Layer):  # type: ignore[misc]
    """Run an LSTM, of one direction or both, over rows that hold several clips.

    ``[R, T, F] -> [R, T, H]``, H units a direction, with the weights of `layer`, which has been
    built. A masked step empties the states, so that every clip begins as if it stood alone. It is
    for training alone and is not saved.
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = layer
        self.supports_masking = True
        bidirectional = isinstance(layer, keras.layers.Bidirectional)
        lstms = [layer.forward_layer, layer.backward_layer] if bidirectional else [layer]
        self.loops = [
            keras.layers.RNN(
                _LSTMRecurrence(lstm.cell), return_sequences=True, go_backwards=lstm.go_backwards
            )
            for lstm in lstms
        ]

    def call(self, hidden: Any, mask: Any = None) -> Any:
        valid = ops.expand_dims(ops.cast(mask, hidden.dtype), -1)
        directions = []
        for loop in self.loops:
            weights = loop.cell.cell
            # At a masked step every gate is exactly 0: no state comes in, and none is kept.
            gates = ops.matmul(hidden, weights.kernel) + weights.bias + 1e4 * (valid - 1.0)
            states = loop(gates)
            directions.append(ops.flip(states, axis=1) if loop.go_backwards else states)
        return ops.concatenate(directions, axis=-1)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*shape[:-1], sum(loop.cell.output_size for loop in self.loops))


class _LSTMRecurrence(keras.layers.Layer):  # type: ignore[misc]
    """What the cell of an LSTM does with inputs that have been projected onto its gates.

    To project the inputs of all steps at once takes less time than step by step.
    """

    def __init__(self, cell: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cell = cell
        self.state_size = [cell.units, cell.units]
        self.output_size = cell.units
        self.built = True

    def call(self, gates: Any, states: Any) -> tuple[Any, list[Any]]:
        hidden, carry = states
        gates = gates + ops.matmul(hidden, self.cell.recurrent_kernel)
        sigmoid, tanh = self.cell.recurrent_activation, self.cell.activation
        input_gate, forget_gate, candidate, output_gate = ops.split(gates, 4, axis=1)
        carry = sigmoid(forget_gate) * carry + sigmoid(input_gate) * tanh(candidate)
        hidden = sigmoid(output_gate) * tanh(carry)
        return hidden, [hidden, carry]


class GatherSteps(keras.layers.Layer):  # type: ignore[misc]
    """Give every clip its steps back: rows ``[R, T, H]`` to clips ``[B, T', H]``.

    `positions` int32 ``[B, T']`` counts the steps of all rows; where `mask` says that a clip has
    ended, there are zeros.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, rows: Any, positions: Any, mask: Any = None) -> Any:
        steps = ops.take(ops.reshape(rows, (-1, rows.shape[-1])), positions, axis=0)
        return steps * ops.expand_dims(ops.cast(mask, steps.dtype), -1)

    def compute_output_shape(
        self, rows_shape: tuple[int | None, ...], positions_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return (*positions_shape, rows_shape[-1])
