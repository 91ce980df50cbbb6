"""The networks: frames and a mask in; hidden states, frame logits and clip logits out.

Built with the public Keras 3 API alone, so that every Keras backend runs them. Importing
this module imports Keras: import it inside the function that needs it.
"""

from typing import Any

import keras
from keras import layers

from bilstm_hmm.config import NetworkSettings
from bilstm_hmm.image_front import image_front
from bilstm_hmm.layers import AttentiveStatistics, StackFrames, StrideMask, ZeroMasked


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
    hidden, reduced = frames, mask
    if settings.stack > 1:
        hidden = ZeroMasked(name="stack_input")(hidden, mask=reduced)
        hidden = StackFrames(settings.stack, name="stack")(hidden)
        reduced = StrideMask(settings.stack, name="stack_mask")(reduced)
    if settings.image is not None:
        hidden, reduced = image_front(settings, settings.image, hidden, reduced)
    elif settings.family != "bilstm":
        hidden, reduced = _convolutions(settings, hidden, reduced)
    hidden = _recurrent(settings, hidden, reduced)
    frame = layers.Dense(n_classes, name="frame")(hidden)
    pooled = AttentiveStatistics(settings.attention, name="pool")(hidden, mask=reduced)
    if settings.dense:
        pooled = layers.Dropout(settings.dropout, name="pool_dropout")(pooled)
        pooled = layers.Dense(settings.dense, activation="relu", name="dense")(pooled)
    pooled = layers.Dropout(settings.dropout, name="clip_dropout")(pooled)
    clip = layers.Dense(n_classes, name="clip")(pooled)
    return keras.Model(
        [frames, mask], {"hidden": hidden, "frame": frame, "clip": clip}, name=settings.family
    )


def _convolutions(settings: NetworkSettings, hidden: Any, mask: Any) -> tuple[Any, Any]:
    """Convolution, batch normalisation and ReLU, centred on each frame whatever the length.

    Padding is explicit, because Keras's ``same`` shifts a strided convolution by an amount
    that depends on the length of the batch.
    """
    for index, convolution in enumerate(settings.convolutions, start=1):
        hidden = ZeroMasked(name=f"conv{index}_input")(hidden, mask=mask)
        hidden = layers.ZeroPadding1D(convolution.kernel // 2, name=f"conv{index}_pad")(hidden)
        # Without a bias, which the normalisation would take away again.
        hidden = layers.Conv1D(
            convolution.filters,
            convolution.kernel,
            strides=convolution.stride,
            use_bias=False,
            name=f"conv{index}",
        )(hidden)
        if convolution.stride > 1:
            mask = StrideMask(convolution.stride, name=f"conv{index}_mask")(mask)
        hidden = layers.BatchNormalization(name=f"conv{index}_norm")(hidden, mask=mask)
        hidden = layers.Activation("relu", name=f"conv{index}_relu")(hidden)
        hidden = layers.Dropout(settings.dropout / 2, name=f"conv{index}_dropout")(hidden)
    return hidden, mask


def _recurrent(settings: NetworkSettings, hidden: Any, mask: Any) -> Any:
    for index, units in enumerate(settings.units, start=1):
        lstm = layers.LSTM(units, return_sequences=True, name=f"lstm{index}")
        if settings.family != "cnn_lstm":
            lstm = layers.Bidirectional(lstm, name=f"bilstm{index}")
        hidden = lstm(hidden, mask=mask)
        hidden = layers.Dropout(settings.dropout, name=f"lstm{index}_dropout")(hidden)
    return hidden
