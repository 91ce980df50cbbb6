"""The Keras layers of networks that see their features as an image of frames x bands.

Importing this module imports Keras, so only `bilstm_hmm.network.conv2d_front` does. The names
that layers are registered by stand in the files of saved networks and are never changed.
"""

from typing import Any

import keras
from keras import ops

from bilstm_hmm.network.layers import PACKAGE

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable(PACKAGE, name="AsImage")
class ToImage(keras.layers.Layer):  # type: ignore[misc]
    """Lay `channels` streams on top of each other: ``[B, T, F] -> [B, T, F/channels, channels]``.

    The streams stand one behind the other in a frame, each of the same width.
    """

    def __init__(self, channels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.channels = channels

    def call(self, frames: Any) -> Any:
        batch, time = ops.shape(frames)[0], ops.shape(frames)[1]
        bands = frames.shape[-1] // self.channels
        streams = ops.reshape(frames, (batch, time, self.channels, bands))
        return ops.transpose(streams, (0, 1, 3, 2))

    def compute_output_shape(self, shape: Shape) -> Shape:
        return (shape[0], shape[1], (shape[2] or 0) // self.channels, self.channels)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "channels": self.channels}


@keras.saving.register_keras_serializable(PACKAGE, name="Chunks")
class SplitPatches(keras.layers.Layer):  # type: ignore[misc]
    """Cut frames, or a mask, into half-overlapping patches: ``[B, T, ...] -> [B*N, size, ...]``.

    With half = size / 2 there are N = ceil(T / half) patches, and patch i is centred on the
    frames ``[half * i, half * (i + 1))`` that it stands for; what it holds from outside the
    clip is zero. The patches are folded into the batch, because Keras's TimeDistributed runs
    its layer in a loop, one patch after the other.
    """

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size

    def call(self, frames: Any) -> Any:
        half, before, feature_axes = self.size // 2, self.size // 4, frames.shape[2:]
        batch, time = ops.shape(frames)[0], ops.shape(frames)[1]
        edges = [[0, 0], [before, self.size - 1 - before], *([0, 0] for _ in feature_axes)]
        padded = ops.pad(ops.cast(frames, self.compute_dtype), edges)
        count = (time + half - 1) // half
        halves = padded[:, : (count + 1) * half]
        halves = ops.reshape(halves, (batch, count + 1, half, *feature_axes))
        patches = ops.concatenate([halves[:, :-1], halves[:, 1:]], axis=2)
        return ops.reshape(patches, (batch * count, self.size, *feature_axes))

    def compute_output_shape(self, shape: Shape) -> Shape:
        return (None, self.size, *shape[2:])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable(PACKAGE, name="JoinChunks")
class JoinPatches(keras.layers.Layer):  # type: ignore[misc]
    """Undo `SplitPatches` with one vector a patch: ``[B*N, ...] -> [B, N, width]``.

    N comes from the frames ``[B, T, F]`` that the patches were cut from.
    """

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size

    def call(self, patches: Any, frames: Any) -> Any:
        batch, time, half = ops.shape(frames)[0], ops.shape(frames)[1], self.size // 2
        return ops.reshape(patches, (batch, (time + half - 1) // half, _width(patches.shape)))

    def compute_output_shape(self, patches_shape: Shape, frames_shape: Shape) -> Shape:
        time = None if frames_shape[1] is None else -(-frames_shape[1] // (self.size // 2))
        return (frames_shape[0], time, _width(patches_shape))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}


def _width(shape: Shape) -> int:
    width = 1
    for length in shape[1:]:
        width *= length or 0
    return width


@keras.saving.register_keras_serializable(PACKAGE)
class BandMask(keras.layers.Layer):  # type: ignore[misc]
    """Repeat a mask of frames for every band: ``[B, T] -> [B, T, bands]``."""

    def __init__(self, bands: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.bands = bands

    def call(self, valid: Any) -> Any:
        column = ops.expand_dims(ops.cast(valid, self.compute_dtype), -1)
        return ops.repeat(column, self.bands, axis=-1)

    def compute_output_shape(self, shape: Shape) -> Shape:
        return (*shape, self.bands)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "bands": self.bands}


@keras.saving.register_keras_serializable(PACKAGE)
class PoolMask(keras.layers.Layer):  # type: ignore[misc]
    """Shorten a mask as max pooling does frames: ``[B, T] -> [B, ceil(T/count)]``.

    Unlike `StrideMask`, it keeps what begins in the middle of a pool, as the first patch does.
    """

    def __init__(self, count: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.count = count

    def call(self, valid: Any) -> Any:
        batch, time = ops.shape(valid)[0], ops.shape(valid)[1]
        padded = ops.pad(ops.cast(valid, self.compute_dtype), [[0, 0], [0, self.count - 1]])
        length = (time + self.count - 1) // self.count
        pools = ops.reshape(padded[:, : length * self.count], (batch, length, self.count))
        return ops.max(pools, axis=-1)

    def compute_output_shape(self, shape: Shape) -> Shape:
        return (shape[0], None if shape[1] is None else -(-shape[1] // self.count))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "count": self.count}
