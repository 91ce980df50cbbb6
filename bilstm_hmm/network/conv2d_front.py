"""Two-dimensional convolutions over frames x bands, in front of the recurrent layers.

Importing this module imports Keras, so only `bilstm_hmm.network.build` does.
"""

from typing import Any

from keras import layers

from bilstm_hmm.config.network_settings import Conv2dSettings, NetworkSettings
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.network.conv2d_layers import BandMask, JoinPatches, PoolMask, SplitPatches, ToImage
from bilstm_hmm.network.layers import StrideMask, ZeroMasked


def conv2d_front(
    settings: NetworkSettings, image: Conv2dSettings, frames: Any, mask: Any
) -> tuple[Any, Any]:
    """Convolve the frames as an image, or each patch of them by itself.

    Parameters
    ----------
    frames, mask
        ``[B, T, F]`` and ``[B, T]``.

    Returns
    -------
    tuple
        Vectors ``[B, T', width]`` and their mask ``[B, T']``, T' = ceil(T / stride).

    Raises
    ------
    ToolkitError
        Where the features do not divide into the channels, or the pools leave no band.
    """
    _check_bands(settings, image, int(frames.shape[-1]))
    hidden = ZeroMasked(name="image_input")(frames, mask=mask)
    hidden, valid = ToImage(image.channels, name="image")(hidden), mask
    if image.chunk is not None:
        hidden = SplitPatches(image.chunk, name="chunks")(hidden)
        valid = SplitPatches(image.chunk, name="chunks_mask")(valid)
    hidden = _convolutions(settings, hidden, valid)
    if image.chunk is not None:
        hidden = JoinPatches(image.chunk, name="join")(hidden, frames)
    else:
        hidden = layers.Reshape((-1, hidden.shape[2] * hidden.shape[3]), name="join")(hidden)
    if image.projection:
        hidden = layers.Dense(image.projection, activation="relu", name="projection")(hidden)
    return hidden, StrideMask(settings.stride, name="join_mask")(mask)


def _check_bands(settings: NetworkSettings, image: Conv2dSettings, n_features: int) -> None:
    if n_features % image.channels:
        raise ToolkitError(
            f"network.image.channels: {n_features} features cannot be shared among "
            f"{image.channels} channels; take streams of one width, or other channels."
        )
    bands = n_features // image.channels
    for index, convolution in enumerate(settings.convolutions):
        if convolution.pool[1] > bands:
            raise ToolkitError(
                f"network.convolutions.{index}.pool: {convolution.pool[1]} bands cannot be "
                f"pooled, since only {bands} are left; pool fewer."
            )
        bands //= convolution.pool[1]


def _convolutions(settings: NetworkSettings, hidden: Any, valid: Any) -> Any:
    """Convolution, batch normalisation, ReLU and max pooling, the same whatever the padding.

    The end is filled with zeros, which no maximum after a ReLU is changed by, so that the last
    frames of any length are pooled too. Masked frames are zero before each convolution.
    """
    for index, convolution in enumerate(settings.convolutions, start=1):
        # Without a bias, which the normalisation would take away again.
        hidden = layers.Conv2D(
            convolution.filters,
            convolution.kernel,
            padding="same",
            use_bias=False,
            name=f"conv{index}",
        )(hidden)
        band_mask = BandMask(hidden.shape[2], name=f"conv{index}_mask")(valid)
        hidden = layers.BatchNormalization(name=f"conv{index}_norm")(hidden, mask=band_mask)
        hidden = layers.Activation("relu", name=f"conv{index}_relu")(hidden)
        hidden = ZeroMasked(name=f"conv{index}_zero")(hidden, mask=valid)
        if convolution.pool != (1, 1):
            if hidden.shape[1] is None or hidden.shape[1] % convolution.pool[0]:
                end = ((0, convolution.pool[0] - 1), (0, 0))
                hidden = layers.ZeroPadding2D(end, name=f"conv{index}_pad")(hidden)
            hidden = layers.MaxPooling2D(convolution.pool, name=f"conv{index}_pool")(hidden)
            valid = PoolMask(convolution.pool[0], name=f"conv{index}_pool_mask")(valid)
        hidden = layers.Dropout(settings.dropout / 2, name=f"conv{index}_dropout")(hidden)
    return hidden
