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

#: Returns the layer of a name, given that, what makes such a layer, and its settings.
LayerFactory = Callable[..., Any]


def make_layer(name: str, kind: Callable[..., Any], *args: Any, **settings: Any) -> Any:
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
    hidden, reduced = _front(make_layer, settings, frames, mask)
    for lstm, dropout in _recurrent(make_layer, settings):
        hidden = dropout(lstm(hidden, mask=reduced))
    outputs = _output_layers(make_layer, settings, hidden, reduced, n_classes)
    return keras.Model([frames, mask], outputs, name=settings.family)


def build_packed_network(network: keras.Model, settings: NetworkSettings) -> keras.Model:
    """Return the network, of the same layers, for clips that share rows.

    Returns
    -------
    keras.Model
        Inputs are those of `layout.packed`; the outputs are those of `network` for the clips.

    Raises
    ------
    ValueError
        Where `layout.can_pack` says that it cannot be.
    """
    if not can_pack(settings):
        raise ValueError("a network that sees images has no rows")

    def part(name: str, *_: Any, **__: Any) -> Any:
        return network.get_layer(name)

    rows = keras.Input(network.inputs[0].shape[1:], name="rows")
    mask = keras.Input((None,), dtype="bool", name="rows_mask")
    places = keras.Input((None,), dtype="int32", name="places")
    steps = keras.Input((None,), dtype="bool", name="steps")
    hidden, reduced = _front(part, settings, rows, mask)
    for lstm, dropout in _recurrent(part, settings):
        hidden = dropout(PackedLSTM(lstm, name=f"{lstm.name}_rows")(hidden, mask=reduced))
    hidden = GatherSteps(name="clips")(hidden, places, mask=steps)
    outputs = _output_layers(part, settings, hidden, steps, network.output["clip"].shape[-1])
    return keras.Model([rows, mask, places, steps], outputs, name=f"{network.name}_rows")


def _front(
    part: LayerFactory, settings: NetworkSettings, frames: Any, mask: Any
) -> tuple[Any, Any]:
    """What comes before the recurrent layers; their input and its mask."""
    if settings.stack > 1:
        frames = part("stack_input", ZeroMasked)(frames, mask=mask)
        frames = part("stack", StackFrames, settings.stack)(frames)
        mask = part("stack_mask", StrideMask, settings.stack)(mask)
    if settings.image is not None:
        return conv2d_front(settings, settings.image, frames, mask)
    if settings.convolutional:
        return _convolutions(part, settings, frames, mask)
    return frames, mask


def _convolutions(
    part: LayerFactory, settings: NetworkSettings, hidden: Any, mask: Any
) -> tuple[Any, Any]:
    """Convolution, batch normalisation and ReLU, centred on each frame whatever the length.

    Padding is explicit, because Keras's ``same`` shifts a strided convolution by an amount
    that depends on the length of the batch.
    """
    for index, convolution in enumerate(settings.convolutions, start=1):
        name = f"conv{index}"
        hidden = part(f"{name}_input", ZeroMasked)(hidden, mask=mask)
        hidden = part(f"{name}_pad", layers.ZeroPadding1D, convolution.kernel // 2)(hidden)
        # Without a bias, which the normalisation would take away again.
        hidden = part(
            name,
            layers.Conv1D,
            convolution.filters,
            convolution.kernel,
            strides=convolution.stride,
            use_bias=False,
        )(hidden)
        if convolution.stride > 1:
            mask = part(f"{name}_mask", StrideMask, convolution.stride)(mask)
        hidden = part(f"{name}_norm", layers.BatchNormalization)(hidden, mask=mask)
        hidden = part(f"{name}_relu", layers.Activation, "relu")(hidden)
        hidden = part(f"{name}_dropout", layers.Dropout, settings.dropout / 2)(hidden)
    return hidden, mask


def _recurrent(part: LayerFactory, settings: NetworkSettings) -> list[tuple[Any, Any]]:
    """The recurrent layers, each with its dropout."""
    found = []
    for index, units in enumerate(settings.units, start=1):
        if settings.bidirectional:
            lstm = part(f"bilstm{index}", _bidirectional, units, index)
        else:
            lstm = part(f"lstm{index}", layers.LSTM, units, return_sequences=True)
        found.append((lstm, part(f"lstm{index}_dropout", layers.Dropout, settings.dropout)))
    return found


def _bidirectional(units: int, index: int, name: str) -> Any:
    one = layers.LSTM(units, return_sequences=True, name=f"lstm{index}")
    return layers.Bidirectional(one, name=name)


def _output_layers(
    part: LayerFactory, settings: NetworkSettings, hidden: Any, mask: Any, n_classes: int
) -> dict[str, Any]:
    """The outputs of the network."""
    frame = part("frame", layers.Dense, n_classes)(hidden)
    pooled = part("pool", AttentiveStatistics, settings.attention)(hidden, mask=mask)
    if settings.dense:
        pooled = part("pool_dropout", layers.Dropout, settings.dropout)(pooled)
        pooled = part("dense", layers.Dense, settings.dense, activation="relu")(pooled)
    pooled = part("clip_dropout", layers.Dropout, settings.dropout)(pooled)
    clip = part("clip", layers.Dense, n_classes)(pooled)
    return {"hidden": hidden, "frame": frame, "clip": clip}
