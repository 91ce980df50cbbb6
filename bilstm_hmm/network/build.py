"""The networks: frames and a mask in; hidden states, frame logits and clip logits out.

Built with the public Keras 3 API alone, so that every Keras backend runs them. Importing
this module imports Keras: import it inside the function that needs it.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from bilstm_hmm.config.network_settings import NetworkSettings
from bilstm_hmm.network.conv2d_front import conv2d_front
from bilstm_hmm.network.layers import (
    AttentiveStatistics,
    GatherSteps,
    PackedLSTM,
    StackFrames,
    StrideMask,
    ZeroMasked,
)
from bilstm_hmm.network.packing import can_pack

#: Returns the layer of a name, given that, the class of the layer, and its arguments.
LayerFactory = Callable[..., Any]


def make_layer(name: str, kind: Callable[..., Any], *args: Any, **settings: Any) -> Any:
    """Return a new layer of that name: the `LayerFactory` of an untrained network."""
    return kind(*args, name=name, **settings)


def build_network(settings: NetworkSettings, n_features: int, n_classes: int) -> keras.Model:
    """Build an untrained network.

    Returns
    -------
    keras.Model
        Inputs ``frames`` ``[B, T, n_features]`` and ``mask`` ``[B, T]`` (bool); outputs a
        dict of ``hidden`` ``[B, T', n_hidden]``, ``frame`` ``[B, T', n_classes]`` and
        ``clip`` ``[B, n_classes]``, the last two logits, with T' = ceil(T / stride).

    Raises
    ------
    ToolkitError
        Where the features do not make an image of as many channels as ``settings.image`` says.
    """
    frames = keras.Input((None, n_features), name="frames")
    mask = keras.Input((None,), dtype="bool", name="mask")
    front, reduced = _front(make_layer, settings, frames, mask)
    hidden = front
    for lstm, dropout in _recurrent(make_layer, settings):
        hidden = dropout(lstm(hidden, mask=reduced))
    outputs = _output_layers(make_layer, settings, hidden, front, reduced, n_classes)
    return keras.Model([frames, mask], outputs, name=settings.family)


def build_packed_network(network: keras.Model, settings: NetworkSettings) -> keras.Model:
    """Return the network, of the same layers, for clips that share rows.

    Returns
    -------
    keras.Model
        Inputs are those of `bilstm_hmm.network.packing.pack_batch`; the outputs are those of
        `network` for the clips.

    Raises
    ------
    ValueError
        Where `can_pack` says that it cannot be.
    """
    if not can_pack(settings):
        raise ValueError("a network that sees images has no rows")

    def trained_layer(name: str, *_: Any, **__: Any) -> Any:
        return network.get_layer(name)

    rows = keras.Input(network.inputs[0].shape[1:], name="rows")
    mask = keras.Input((None,), dtype="bool", name="rows_mask")
    positions = keras.Input((None,), dtype="int32", name="positions")
    steps = keras.Input((None,), dtype="bool", name="steps")
    front, reduced = _front(trained_layer, settings, rows, mask)
    hidden = front
    for lstm, dropout in _recurrent(trained_layer, settings):
        hidden = dropout(PackedLSTM(lstm, name=f"{lstm.name}_rows")(hidden, mask=reduced))
    hidden = GatherSteps(name="clips")(hidden, positions, mask=steps)
    if settings.skip:
        front = GatherSteps(name="front_clips")(front, positions, mask=steps)
    n_classes = network.output["clip"].shape[-1]
    outputs = _output_layers(trained_layer, settings, hidden, front, steps, n_classes)
    return keras.Model([rows, mask, positions, steps], outputs, name=f"{network.name}_rows")


def _front(
    layer: LayerFactory, settings: NetworkSettings, frames: Any, mask: Any
) -> tuple[Any, Any]:
    """What comes before the recurrent layers; their input and its mask."""
    if settings.stack > 1:
        frames = layer("stack_input", ZeroMasked)(frames, mask=mask)
        frames = layer("stack", StackFrames, settings.stack)(frames)
        mask = layer("stack_mask", StrideMask, settings.stack)(mask)
    if settings.image is not None:
        return conv2d_front(settings, settings.image, frames, mask)
    if settings.convolutional:
        return _convolutions(layer, settings, frames, mask)
    return frames, mask


def _convolutions(
    layer: LayerFactory, settings: NetworkSettings, hidden: Any, mask: Any
) -> tuple[Any, Any]:
    """Convolution, batch normalisation and ReLU, centred on each frame whatever the length.

    Padding is explicit, because Keras's ``same`` shifts a strided convolution by an amount
    that depends on the length of the batch.
    """
    for index, convolution in enumerate(settings.convolutions, start=1):
        name = f"conv{index}"
        hidden = layer(f"{name}_input", ZeroMasked)(hidden, mask=mask)
        hidden = layer(f"{name}_pad", layers.ZeroPadding1D, convolution.kernel // 2)(hidden)
        # Without a bias, which the normalisation would take away again.
        hidden = layer(
            name,
            layers.Conv1D,
            convolution.filters,
            convolution.kernel,
            strides=convolution.stride,
            use_bias=False,
        )(hidden)
        if convolution.stride > 1:
            mask = layer(f"{name}_mask", StrideMask, convolution.stride)(mask)
        hidden = layer(f"{name}_norm", layers.BatchNormalization)(hidden, mask=mask)
        hidden = layer(f"{name}_relu", layers.Activation, "relu")(hidden)
        hidden = layer(f"{name}_dropout", layers.Dropout, settings.dropout / 2)(hidden)
    return hidden, mask


def _recurrent(layer: LayerFactory, settings: NetworkSettings) -> list[tuple[Any, Any]]:
    """The recurrent layers, each with its dropout."""
    recurrent = []
    for index, units in enumerate(settings.units, start=1):
        if settings.bidirectional:
            lstm = layer(f"bilstm{index}", _bidirectional, units, index)
        else:
            lstm = layer(f"lstm{index}", layers.LSTM, units, return_sequences=True)
        recurrent.append((lstm, layer(f"lstm{index}_dropout", layers.Dropout, settings.dropout)))
    return recurrent


def _bidirectional(units: int, index: int, name: str) -> Any:
    lstm = layers.LSTM(units, return_sequences=True, name=f"lstm{index}")
    return layers.Bidirectional(lstm, name=name)


def _output_layers(
    layer: LayerFactory,
    settings: NetworkSettings,
    hidden: Any,
    front: Any,
    mask: Any,
    n_classes: int,
) -> dict[str, Any]:
    """The outputs of the network."""
    frame = layer("frame", layers.Dense, n_classes)(hidden)
    pooled = layer("pool", AttentiveStatistics, settings.attention)(hidden, mask=mask)
    if settings.skip:
        skipped = layer("skip", AttentiveStatistics, attention=False)(front, mask=mask)
        pooled = layer("pools", layers.Concatenate)([pooled, skipped])
    if settings.dense:
        pooled = layer("pool_dropout", layers.Dropout, settings.dropout)(pooled)
        pooled = layer("dense", layers.Dense, settings.dense, activation="relu")(pooled)
    pooled = layer("clip_dropout", layers.Dropout, settings.dropout)(pooled)
    clip = layer("clip", layers.Dense, n_classes)(pooled)
    return {"hidden": hidden, "frame": frame, "clip": clip}
