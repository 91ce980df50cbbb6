"""Training of the network that tells speech from other sound (`features.vad.network`)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from bilstm_hmm.arrays import Array, FloatArray, Mask
from bilstm_hmm.atomic_files import atomic_path
from bilstm_hmm.experiments.vad.material import RATE, Speech
from bilstm_hmm.experiments.vad.scenes import HOP, make_scene
from bilstm_hmm.features.vad import network
from bilstm_hmm.features.worker_processes import process_pool
from bilstm_hmm.network.keras_setup import prepare_keras

BATCH, LEARNING_RATE, DROPOUT = 24, 3e-3, 0.05
#: Scenes that are not trained on, of which a loss is reported; a tenth of few.
N_VALIDATION = 200
_FRAME = HOP // network.STRIDE


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """What the network sees of scenes, float16 ``[n, t, i]``, and where there is speech ``[n, k]``.

    The frames that it sees before and behind a scene are silence; half precision halves the room.
    """

    inputs: Array
    is_speech: Mask


def make_examples(
    speech: Sequence[Speech],
    noises: Sequence[FloatArray],
    count: int,
    seed: int,
    jobs: int = 1,
) -> Examples:
    """Return `count` scenes as the network sees them, the same whatever `jobs` is."""
    numbers = range(count)
    if jobs == 1:
        context: Any = nullcontext()
        pairs: Iterator[tuple[Array, Mask]] = map(
            _example, numbers, repeat(speech), repeat(noises), repeat(seed)
        )
    else:
        context = process_pool(jobs, _start, (speech, noises, seed))
        pairs = context.map(_example_in_worker, numbers, chunksize=20)
    with context:
        made = list(pairs)
    return Examples(np.stack([one for one, _ in made]), np.stack([one for _, one in made]))


def _example(
    number: int, speech: Sequence[Speech], noises: Sequence[FloatArray], seed: int
) -> tuple[Array, Mask]:
    scene = make_scene(np.random.default_rng([seed, number]), speech, noises)
    return inputs_of(scene.samples).astype(np.float16), scene.is_speech


_MATERIAL: list[Any] = []


def _start(*material: Any) -> None:
    """Keep in a process what all of its scenes are made of: it is large to send."""
    _MATERIAL[:] = material


def _example_in_worker(number: int) -> tuple[Array, Mask]:
    return _example(number, *_MATERIAL)


def inputs_of(samples: FloatArray) -> FloatArray:
    """Return all that the network sees for the probabilities of a recording of whole `HOP`.

    float32 ``[t, N_MELS + 1]``, with silence before and behind the recording.
    """
    # The first window behind the recording has the end of it, as when a recording is followed.
    padded = np.pad(samples, (_FRAME // 2, 2 * _FRAME))
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * _FRAME)
    levels = network.log_mel(windows[::_FRAME], RATE)
    around = (
        network.LEVEL_PAST + network.INPUTS_PAST,
        network.LEVEL_AHEAD + network.INPUTS_AHEAD - 1,
    )
    silence = np.log(np.float32(network.MIN_POWER))
    return network.network_inputs(np.pad(levels, (around, (0, 0)), constant_values=silence))


def build_trainable() -> Any:
    """Return the network in Keras: inputs ``[b, t, N_MELS + 1]`` to logits ``[b, k, 1]``."""
    from keras import Input, Model, layers

    values = inputs = Input((None, network.N_MELS + 1))
    for index, (kernel, dilation) in enumerate(
        zip(network.KERNELS, network.DILATIONS, strict=True)
    ):
        values = layers.Conv1D(
            network.FILTERS,
            kernel,
            strides=network.STRIDE if index == 0 else 1,
            dilation_rate=dilation,
            activation="relu",
            name=f"convolution{index}",
        )(values)
        values = layers.SpatialDropout1D(DROPOUT)(values)
    logits = layers.Conv1D(1, 1, name=f"convolution{len(network.KERNELS)}")(values)
    return Model(inputs, logits)


def weights_of(trainable: Any) -> dict[str, Array]:
    """Return the arrays of which `features.vad.network.build_network` makes the network."""
    arrays: dict[str, Array] = {}
    for index in range(len(network.KERNELS) + 1):
        kernel, bias = trainable.get_layer(f"convolution{index}").get_weights()
        arrays |= {f"kernel{index}": np.asarray(kernel), f"bias{index}": np.asarray(bias)}
    return arrays


def train_network(
    examples: Examples, epochs: int, seed: int, say: Callable[[str], None]
) -> dict[str, Array]:
    """Return the weights of a network trained on the examples, the last epoch's.

    The learning rate falls to nothing along a half cosine. After each epoch `say` is called with
    the losses.
    """
    prepare_keras(seed)
    import keras

    n_held = min(N_VALIDATION, len(examples.inputs) // 10)
    inputs, labels = examples.inputs, examples.is_speech.astype(np.float32)[..., None]
    steps = epochs * -(-(len(inputs) - n_held) // BATCH)
    trainable = build_trainable()
    trainable.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
    )

    def report(epoch: int, logs: dict[str, float]) -> None:
        losses = ", ".join(f"{name} {value:.4f}" for name, value in logs.items())
        say(f"epoch {epoch + 1} of {epochs}: {losses}")

    trainable.fit(
        inputs[n_held:],
        labels[n_held:],
        batch_size=BATCH,
        epochs=epochs,
        verbose=0,
        validation_data=(inputs[:n_held], labels[:n_held]) if n_held else None,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=report)],
    )
    return weights_of(trainable)


def write_weights(path: Path, arrays: dict[str, Array]) -> None:
    """Write ``weights.npz``; raises `ToolkitError` where that cannot be."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
